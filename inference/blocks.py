"""An answer as blocks, one after the other: thought, text, calls. The APIs that stream blocks are written from this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from inference.said import call_id
from inference.tools.deltas import Arguments, Call, Content, Reasoning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from inference.tools.deltas import Delta
    from inference.tools.parser import AnswerParser

Kind = Literal["thought", "text", "call"]


@dataclass(slots=True, eq=False)
class Block:
    """A part of an answer that is being said."""

    index: int
    kind: Kind
    name: str = ""
    """Of the function, if it is a call."""
    id: str = ""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What has been said of it: text, thought, or a call's arguments."""
        return "".join(self.parts)


@dataclass(frozen=True, slots=True)
class Opened:
    """A block begins."""

    block: Block


@dataclass(frozen=True, slots=True)
class Grew:
    """A block goes on."""

    block: Block
    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A block is over."""

    block: Block


Change = Opened | Grew | Closed


class Blocks:
    """The blocks of one answer."""

    def __init__(self, parser: AnswerParser | None) -> None:
        self.all: list[Block] = []
        self._parser = parser

    def feed(self, text: str, *, last: bool) -> Iterator[Change]:
        """What more of the answer changes; with the `last` piece every block is closed."""
        if self._parser is None:
            yield from self._changes([Content(text)] if text else [])
        else:
            yield from self._changes(self._parser.feed(text))
            if last:
                yield from self._changes(self._parser.close())
        if last:
            if not self.all:
                yield from self._open("text")  # clients look for one
            yield Closed(self.all[-1])

    def read(self, text: str) -> list[Block]:
        """The blocks of a whole answer."""
        for _ in self.feed(text, last=True):
            pass
        return self.all

    @property
    def called(self) -> bool:
        """Whether one of them is a call."""
        return any(block.kind == "call" for block in self.all)

    def _changes(self, deltas: Iterable[Delta]) -> Iterator[Change]:
        for delta in deltas:
            match delta:
                case Call(_, name):
                    yield from self._open("call", name)
                case Arguments(_, text):
                    yield self._grow(text)
                case Reasoning(text):
                    yield from self._open("thought")
                    yield self._grow(text)
                case Content(text):
                    yield from self._open("text")
                    yield self._grow(text)

    def _open(self, kind: Kind, name: str = "") -> Iterator[Change]:
        """Begin a block, unless the last one is of this kind and goes on."""
        if self.all and self.all[-1].kind == kind != "call":
            return
        if self.all:
            yield Closed(self.all[-1])
        self.all.append(Block(len(self.all), kind, name, call_id()))
        yield Opened(self.all[-1])

    def _grow(self, text: str) -> Grew:
        self.all[-1].parts.append(text)
        return Grew(self.all[-1], text)
