"""Reading text that comes in pieces: parsers are generators that `yield` where they need more. No I/O.

Each piece is looked at once: what is kept back is never longer than the marker that it could begin.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from inference.tools.deltas import Arguments, Call, Content, Reasoning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.tools.deltas import Delta

T = TypeVar("T")
Steps = Generator[None, None, T]
"""A part of a parser: it pauses where the text is not there yet, and returns what it read."""
Schemas = Mapping[str, Mapping[str, Any]]
"""Function -> the schema of its parameters."""
_STRING_STOP = re.compile(r'["\\]')
_VALUE_STOP = re.compile(r'["{}\[\],]')
_SPACE = " \t\r\n"


class Reader:
    """The text that is there, and what has been said of it."""

    def __init__(self, *, calls: bool, single: bool = False) -> None:
        self.deltas: list[Delta] = []
        self.ended = False
        """No more will come."""
        self.calls = 0
        """How many calls have begun."""
        self._takes_calls = calls
        self._single = single
        self._text = ""
        self._at = 0
        self._tape: list[str] | None = None
        self._space = ""
        self._thought, self._thought_space = False, ""

    # -- what came ---------------------------------------------------------------------------------

    def add(self, text: str) -> None:
        """More text."""
        self._text = self._text[self._at :] + text
        self._at = 0

    @property
    def _rest(self) -> int:
        return len(self._text) - self._at

    def _take(self, count: int) -> str:
        text = self._text[self._at : self._at + count]
        self._at += count
        if self._tape is not None:
            self._tape.append(text)
        return text

    # -- what is said ------------------------------------------------------------------------------

    def content(self, text: str) -> None:
        """Text for the reader. Space waits until something follows: before a call it is none of the answer's."""
        if not text:
            return
        kept = text.rstrip() if self._takes_calls else text
        if kept:
            self.deltas.append(Content(self._space + kept))
            self._space = ""
        self._space += text[len(kept) :]

    def reasoning(self, text: str) -> None:
        """What is thought, without the space around it."""
        if not self._thought:
            text = text.lstrip()
        kept = text.rstrip()
        if kept:
            self.deltas.append(Reasoning(self._thought_space + kept))
            self._thought, self._thought_space = True, ""
        self._thought_space += text[len(kept) :]

    def call(self, name: str) -> int:
        """A call begins; its number."""
        self._space = ""
        self.calls += 1
        if not self._dropped:
            self.deltas.append(Call(self.calls - 1, name))
        return self.calls - 1

    def arguments(self, text: str) -> None:
        """A piece of the arguments of the call that began last."""
        if text and not self._dropped:
            self.deltas.append(Arguments(self.calls - 1, text))

    @property
    def _dropped(self) -> bool:
        return self._single and self.calls > 1

    def close_content(self) -> None:
        """The answer is over: space at its end is its own, unless it stood beside a call."""
        if self._space and not self.calls:
            self.deltas.append(Content(self._space))
        self._space = ""

    # -- trying ------------------------------------------------------------------------------------

    def begin(self, text: str = "") -> None:
        """Keep all that is read from here, after `text`, until it is certain what it is."""
        self._tape = [text]

    def settle(self) -> None:
        """It is what it looked like."""
        self._tape = None

    def give_back(self) -> None:
        """It is not: what was read since `begin` is text for the reader."""
        tape, self._tape = self._tape, None
        self.content("".join(tape or ()))

    # -- reading -----------------------------------------------------------------------------------

    def more(self) -> Steps[bool]:
        """Wait until there is a character; False: the end."""
        while not self._rest:
            if self.ended:
                return False
            yield
        return True

    def peek(self) -> Steps[str]:
        """The next character, or nothing at the end."""
        return self._text[self._at] if (yield from self.more()) else ""

    def skip_space(self, further: str = "") -> Steps[None]:
        """Read over space, and over the characters of `further`."""
        while (yield from self.peek()) and self._text[self._at] in _SPACE + further:
            stop = self._at
            while stop < len(self._text) and self._text[stop] in _SPACE + further:
                stop += 1
            self._take(stop - self._at)

    def literal(self, *texts: str) -> Steps[str]:
        """Read one of these texts if it stands here, the longest first; nothing is read if none does."""
        longest = max(map(len, texts))
        while True:
            have = self._text[self._at : self._at + longest]
            waits = not self.ended and any(len(have) < len(text) and text.startswith(have) for text in texts)
            if not waits:
                found = max((text for text in texts if have.startswith(text)), key=len, default="")
                self._take(len(found))
                return found
            yield

    def until(self, markers: Sequence[str], emit: Callable[[str], None], *, over: bool = True) -> Steps[str]:
        """Emit text up to one of the markers, and read `over` it; nothing: the end came first."""
        pattern, most, firsts = _markers(tuple(markers))
        while True:
            if found := pattern.search(self._text, self._at):
                emit(self._take(found.start() - self._at))
                return self._take(len(found[0])) if over else found[0]
            if self.ended:
                emit(self._take(self._rest))
                return ""
            emit(self._take(self._rest - self._beginning(markers, most, firsts)))
            yield

    def rest(self, emit: Callable[[str], None]) -> Steps[None]:
        """Emit all that comes."""
        while (yield from self.more()):
            emit(self._take(self._rest))

    def _beginning(self, markers: Sequence[str], most: int, firsts: frozenset[str]) -> int:
        """Length of the longest end of the text that begins a marker."""
        for length in range(min(self._rest, most - 1), 0, -1):
            if self._text[-length] in firsts and any(marker.startswith(self._text[-length:]) for marker in markers):
                return length
        return 0

    def string(self) -> Steps[str | None]:
        """Read a JSON string, decoded; None: there is none, or it never ends."""
        if (yield from self.peek()) != '"':
            return None
        parts: list[str] = []
        if not (yield from self._string(parts.append)):
            return None
        try:
            value = json.loads("".join(parts), strict=False)
        except ValueError:
            return None
        return value if isinstance(value, str) else None

    def value(self, emit: Callable[[str], None]) -> Steps[bool]:
        """Emit a JSON value as it is written; False: it never ends, or there is none."""
        yield from self.skip_space()
        first = yield from self.peek()
        if first == '"':
            return (yield from self._string(emit))
        if first not in ("{", "["):
            return (yield from self._scalar(emit))
        depth = 0
        while True:
            if not (yield from self.more()):
                return False
            found = _VALUE_STOP.search(self._text, self._at)
            if found is None:
                emit(self._take(self._rest))
                continue
            if found[0] == '"':
                emit(self._take(found.start() - self._at))
                if not (yield from self._string(emit)):
                    return False
                continue
            emit(self._take(found.end() - self._at))
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
            if not depth:
                return True

    def _scalar(self, emit: Callable[[str], None]) -> Steps[bool]:
        some = False
        while (yield from self.more()):
            stop = self._at
            while stop < len(self._text) and (self._text[stop].isalnum() or self._text[stop] in "+-."):
                stop += 1
            some = some or stop > self._at
            emit(self._take(stop - self._at))
            if self._rest:
                return some
        return some

    def _string(self, emit: Callable[[str], None]) -> Steps[bool]:
        emit(self._take(1))
        while True:
            if not (yield from self.more()):
                return False
            found = _STRING_STOP.search(self._text, self._at)
            if found is None:
                emit(self._take(self._rest))
                continue
            if found[0] == '"':
                emit(self._take(found.end() - self._at))
                return True
            emit(self._take(found.start() - self._at))
            while self._rest < 2:
                if self.ended:
                    emit(self._take(self._rest))
                    return False
                yield
            emit(self._take(2))


@functools.cache
def _markers(markers: tuple[str, ...]) -> tuple[re.Pattern[str], int, frozenset[str]]:
    """The pattern that finds the first of these texts, the longest's length, and what they begin with."""
    ordered = sorted(markers, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))), len(ordered[0]), frozenset(marker[0] for marker in markers)
