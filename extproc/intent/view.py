"""What the static stage knows about a text, for the stages after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from extproc.intent.in_loop import SMALL

if TYPE_CHECKING:
    from extproc.intent.head import Reading
    from extproc.intent.score import IntentScore


class StaticView(NamedTuple):
    """What the static stage knows about a text; the transformer stage builds on it."""

    ids: list[int]
    reading: Reading
    score: IntentScore
    decided: bool
    """The transformer need not be asked: the stage is sure of an intent, or that there is none."""
    text: str = ""
    """For an encoder with tokens of its own."""
    language: str = ""
    """The language other than English that it is surely in."""
    doubtful: bool = False
    """It may be in another language than English: what only knows English does not refuse it."""
    wide: bool = False
    """Only the multilingual encoder has a say."""
    negated: frozenset[str] = frozenset()
    """Words that it negates."""
    several: tuple[str, ...] = ()
    """The things that it asks for, if they seem to be several."""
    parts: tuple[str, ...] = ()
    """Its sentences, if it is a long one."""
    before: tuple[str, ...] = ()
    """What was said before it, if it makes sense with that only."""

    def size(self, budget: int) -> int:
        """What it costs beside others, in tokens; what takes several passes is not small."""
        size = min(len(self.ids), budget)
        if self.parts or self.before or self.wide:
            return max(size, SMALL + 1)
        return size

    @property
    def foreign(self) -> bool:
        """In another language than English."""
        return bool(self.language)
