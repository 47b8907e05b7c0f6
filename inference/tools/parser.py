"""An answer, piece by piece, to what was said in it: thought, text, calls. The same for any way in which the text is cut."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from inference.tools.deltas import Call
from inference.tools.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inference.tools.deltas import Delta
    from inference.tools.families import Family
    from inference.tools.reader import Schemas, Steps

THINKING = {
    "<think>": "</think>",
    "[THINK]": "[/THINK]",
    "<seed:think>": "</seed:think>",
    "<|START_THINKING|>": "<|END_THINKING|>",
}
"""How thought begins and ends, in one model or another."""


class AnswerParser:
    """One answer's parser."""

    def __init__(
        self,
        family: Family,
        schemas: Schemas,
        *,
        calls: bool,
        single: bool = False,
        thinking: str | None = None,
        split_reasoning: bool = True,
    ) -> None:
        """`calls`: whether tools were offered; `single`: one call at most; `thinking`: the tag that the prompt ended with."""
        self.takes_calls = calls
        """Whether the answer may have calls."""
        self._reader = Reader(calls=calls, single=single)
        self._steps = _read(self._reader, family, schemas, calls, thinking, split_reasoning)
        next(self._steps)

    def feed(self, text: str) -> list[Delta]:
        """More of the answer."""
        if text:
            self._reader.add(text)
            self._advance()
        return self._taken()

    def close(self) -> list[Delta]:
        """The answer is over."""
        self._reader.ended = True
        self._advance()
        self._reader.close_content()
        return self._taken()

    @property
    def called(self) -> bool:
        """Whether the answer has a call."""
        return self._reader.calls > 0

    def _advance(self) -> None:
        next(self._steps, None)

    def _taken(self) -> list[Delta]:
        taken, self._reader.deltas = self._reader.deltas, []
        return taken if len(taken) < 2 else list(_joined(taken))


def _joined(deltas: list[Delta]) -> Iterator[Delta]:
    """Neighbours of one kind as one."""
    for kind, group in itertools.groupby(deltas, key=type):
        if kind is Call:
            yield from group
        else:
            first, *others = group
            assert not isinstance(first, Call)
            yield dataclasses.replace(first, text="".join((first.text, *(one.text for one in others))))  # type: ignore[union-attr]


def _read(
    reader: Reader, family: Family, schemas: Schemas, calls: bool, thinking: str | None, split: bool
) -> Steps[None]:
    yield  # the first piece
    if split and not family.always:
        yield from _read_thought(reader, thinking)
    if calls or family.always:
        yield from family.read(reader, schemas)
    yield from reader.rest(reader.content)


def _read_thought(reader: Reader, thinking: str | None) -> Steps[None]:
    """Thought at the beginning of an answer, or what follows where the prompt has begun it."""
    if thinking is None:
        reader.begin()
        yield from reader.skip_space()
        thinking = yield from reader.literal(*THINKING)
        if not thinking:
            reader.give_back()
            return
        reader.settle()
    yield from reader.literal(thinking)  # some models begin again what the prompt has begun
    yield from reader.until((THINKING[thinking],), reader.reasoning)
    yield from reader.skip_space()
