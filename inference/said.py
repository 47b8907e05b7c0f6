"""A whole answer, as its parser read it."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.tools.deltas import Arguments, Call, Content, Reasoning

if TYPE_CHECKING:
    from inference.tools.parser import AnswerParser

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call with all of its arguments."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model thought, what it answered, what it calls."""

    content: str
    reasoning: str
    calls: tuple[MadeCall, ...]


def read_whole(parser: AnswerParser | None, text: str) -> Said:
    """Read an answer from end to end."""
    if parser is None:
        return Said(text, "", ())
    content: list[str] = []
    reasoning: list[str] = []
    names: list[str] = []
    arguments: list[list[str]] = []
    for delta in (*parser.feed(text), *parser.close()):
        match delta:
            case Content(part):
                content.append(part)
            case Reasoning(part):
                reasoning.append(part)
            case Call(_, name):
                names.append(name)
                arguments.append([])
            case Arguments(index, part):
                arguments[index].append(part)
    calls = (MadeCall(call_id(), name, "".join(parts)) for name, parts in zip(names, arguments, strict=True))
    return Said("".join(content), "".join(reasoning), tuple(calls))


def call_id() -> str:
    """An id for a call, in the form of OpenAI's."""
    return "call_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))
