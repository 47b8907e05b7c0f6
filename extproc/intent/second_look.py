"""A second look at what nobody is sure of as a whole: at its sentences, at the several things that it asks for, at what was said
before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from extproc.intent.wording import coordinated, is_long, leans_back, parts, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.intent.negation import Negation
    from extproc.intent.score import IntentScore
    from extproc.intent.view import StaticView

PART_DOUBT = 0.7
"""Of the doubt that a threshold leaves, what may remain of a part of a text: many parts have many chances."""
MOST_READ = 3
"""Parts of a text that the transformer reads at most."""
MOST_COORDINATED = 400
"""Characters up to which a text may ask for several things at once; a longer one is looked at in sentences."""
LEANING = 0.9
"""What is left of the score of what a turn leans back on."""


class Stages(Protocol):
    """The cascade, for a part of a text."""

    @property
    def negation(self) -> Negation:
        """What takes an intent away again that a text negates."""

    def look_closely(self, text: str) -> StaticView:
        """The static stage."""

    def read(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """The transformer, several at once."""


def opened(view: StaticView, text: str, before: Sequence[str]) -> StaticView:
    """The view, undecided again where there is more to look at."""
    # what is strange at a glance: only more of it, or what was said before, can change that
    strange = view.decided and not view.wide
    several = tuple(coordinated(text)) if len(text) <= MOST_COORDINATED and not strange else ()
    sentences = tuple(parts(text)) if is_long(text) else ()
    back = tuple(before) if before and leans_back(text) else ()
    if not (several or len(sentences) > 1 or back):
        return view
    return view._replace(parts=sentences, several=several, before=back, decided=False)


def closer(stages: Stages, view: StaticView, score: IntentScore) -> IntentScore:
    """A second look, where there is something to look at."""
    if view.several:
        score = _several(score, _judged(stages, view.several), view.several)
    if len(view.parts) > 1 and score.reason != "early":
        judged = [(i, found) for i, found in enumerate(_judged(stages, view.parts)) if found is not None]
        sure = [(i, found) for i, found in judged if found.score >= 1 - (1 - found.threshold) * PART_DOUBT]
        best = max(sure, key=lambda one: (one[1].score, -one[0]))[1] if sure else score
        if sure and (score.intent is None or best.score > score.score):
            names = [found.intent for _, found in sure if found.intent is not None]
            ordered = tuple(dict.fromkeys([best.intent or "", *names]))
            score = replace(best, reason="part", intents=ordered)
    if score.intent is None:
        for said in reversed(view.before):
            (found,) = _judged(stages, (said,))
            if found is not None:
                return replace(found, score=found.score * LEANING, reason="conversation")
    return score


def _judged(stages: Stages, texts: Sequence[str]) -> list[IntentScore | None]:
    """What is accepted of some texts. The static stage sees all of them, the transformer those that it finds likeliest."""
    views = [stages.look_closely(text) for text in texts]
    scores: list[IntentScore | None] = [view.score if view.score.intent is not None else None for view in views]
    open_ = [i for i, view in enumerate(views) if not view.decided and wanted(texts[i]) is None]
    likeliest = sorted(open_, key=lambda i: (-views[i].score.score, i))[:MOST_READ]
    if likeliest:
        chosen = sorted(likeliest)
        for i, score in zip(chosen, stages.read([views[i] for i in chosen]), strict=True):
            guarded = stages.negation.guard(views[i], score)
            scores[i] = guarded if guarded.intent is not None else None
    return scores


def _several(whole: IntentScore, judged: Sequence[IntentScore | None], texts: Sequence[str]) -> IntentScore:
    """All intents of a text that asks for several things, in its order; one that only the whole shows stands first."""
    found = [score for score in judged if score is not None]
    names = tuple(dict.fromkeys(score.intent for score in found if score.intent is not None))
    if len(names) < 2 and (whole.intent is not None or len(texts) > len(found)):
        return whole
    if not names:
        return whole
    first = next(score for score in found if score.intent == names[0])
    return replace(first, intents=names, reason="part" if whole.intent is None else whole.reason)
