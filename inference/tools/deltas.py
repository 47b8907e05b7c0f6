"""What a model said, in the order in which it became certain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """Text for the reader."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What was thought before an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call begins: its number among the calls of this answer, and the function's name."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """A piece of a call's arguments, which are the JSON text of an object."""

    index: int
    text: str


Delta = Content | Reasoning | Call | Arguments
