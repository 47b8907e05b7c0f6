"""What a text says no to is not what it asks for, as far as the examples do not say no themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from extproc.intent.wording import NEGATOR, wanted, words_of

if TYPE_CHECKING:
    from extproc.intent.examples import Examples
    from extproc.intent.score import IntentScore
    from extproc.intent.view import StaticView

SHORT_WORD = 3
"""Letters of the longest word that no decision rests on."""
NEGATED = 0.3
"""What is left of the score of a text that negates what it rests on."""


class Negation:
    """What the examples of one mesh say with and without a negator."""

    def __init__(self, examples: Examples) -> None:
        self.declining = frozenset(
            examples.intents[label]
            for text, label in zip(examples.texts, examples.labels, strict=True)
            if wanted(text) is not None
        )
        """Intents that an example says no in: no is what they mean."""
        self._affirmed = _affirmed(examples)
        self._outside = frozenset(text.casefold() for text in examples.outside)
        """Texts of which somebody has said that they belong to no intent."""

    def is_outside(self, text: str) -> bool:
        """Somebody has said that it belongs to no intent."""
        return bool(self._outside) and " ".join(text.casefold().split()) in self._outside

    def guarded(self, view: StaticView) -> StaticView:
        """The view, without the intent that its text negates."""
        score = self.guard(view, view.score)
        return view if score is view.score else view._replace(score=score, decided=True)

    def guard(self, view: StaticView, score: IntentScore) -> IntentScore:
        """No intent by a word that the text negates, if examples of the intent have it without."""
        if score.intent is None or not view.negated or not view.negated & self._affirmed.get(score.intent, frozenset()):
            return score
        return refused(score, NEGATED)


def refused(score: IntentScore, left: float = 1.0) -> IntentScore:
    """No intent, as the text says no."""
    return replace(score, intent=None, score=score.score * left, stage="abstain", reason="negated", intents=())


def _affirmed(examples: Examples) -> dict[str, frozenset[str]]:
    """Intent -> words of its examples that none of them says no with."""
    said: dict[str, set[str]] = {name: set() for name in examples.intents}
    denied: dict[str, set[str]] = {name: set() for name in examples.intents}
    for text, label in zip(examples.texts, examples.labels, strict=True):
        words = {word for word in words_of(text) if len(word) > SHORT_WORD}
        (denied if NEGATOR.search(text) else said)[examples.intents[label]] |= words
    return {name: frozenset(said[name] - denied[name]) for name in said}
