"""A second look at what nobody is sure of as a whole: at its sentences, at the several things that it asks for, at what was said
before it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, zip_longest
from typing import TYPE_CHECKING, Protocol

from extproc.intent.wording import coordinated, is_long, leans_back, parts, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.intent.negation import Negation
    from extproc.intent.score import IntentScore
    from extproc.intent.view import StaticView

PART_DOUBT = 0.7
"""Of the doubt that a threshold leaves, what may remain of a part of a text: many parts have many chances."""
READ_TOKENS = 32
"""Of a text in parts, so many tokens are read by the transformer, of all parts together and of one at least: some 50
microseconds each. Of 240 asks in 6 to 36 sentences of small talk 0.617 were found so, 0.621 by 44 tokens; of what asks for
nothing 29 and 32 of 126 were given an intent."""
SEVERAL_TOKENS = 64
"""The same of a text that seems to ask for several things: all of its parts, if it is no longer than most."""
PIECES = 2
"""What the tokens of a text in another language, which are mostly pieces of words, count for less."""
CLOSELY = 2
"""The static stage looks closely at as many times more before that; at a glance it sees all."""
LEAST = 0.4
"""A part that is less likely than this halfway through the transformer is not read to the end."""
AT_AN_END = 0.1
"""What is added to the score of the first part and of the last one when the transformer's are chosen: people ask there."""
LIKELY_SEVERAL = 0.25
"""Score of the whole below which it asks for nothing, and so not for several things. Of 98 pairs of asks three had less, of
pairs of other questions half."""
MOST_COORDINATED = 400
"""Characters up to which a text may ask for several things at once; a longer one is looked at in sentences."""
LEANING = 0.9
"""What is left of the score of what a turn leans back on."""


class Stages(Protocol):
    """The cascade, for a part of a text."""

    @property
    def negation(self) -> Negation:
        """What takes an intent away again that a text negates."""

    def glance(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """The static stage, of several texts at once: log odds of the best intent of each, and how many tokens it has."""

    def look_closely(self, text: str) -> StaticView:
        """The static stage."""

    def read(self, views: Sequence[StaticView], least: float = 0.0) -> list[IntentScore]:
        """The transformer, several at once; what is less likely than `least` halfway is not read on."""


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


def closer(stages: Stages, view: StaticView, whole: IntentScore | None) -> IntentScore:
    """A second look, where there is something to look at. `whole`: what the transformer says of the whole, if it has read it."""
    score = view.score if whole is None else whole
    if view.several and (score.intent is not None or score.score >= LIKELY_SEVERAL):
        score = _several(score, _judged(stages, view.several, SEVERAL_TOKENS, unlike=True), view.several)
    if len(view.parts) > 1 and score.reason != "early":
        score = _in_parts(_judged(stages, view.parts), score, whole)
    if score.intent is None:
        for said in reversed(view.before):
            (found,) = _judged(stages, (said,))
            if found is not None and found.intent is not None:
                return replace(found, score=found.score * LEANING, reason="conversation")
    return score


def _in_parts(judged: Sequence[IntentScore | None], score: IntentScore, whole: IntentScore | None) -> IntentScore:
    """The score of a long text by what is said of its parts: what one of them asks for, surely enough."""
    seen = [found for found in judged if found is not None]
    sure = [
        found for found in seen if found.intent is not None and found.score >= 1 - (1 - found.threshold) * PART_DOUBT
    ]
    if sure:
        best = max(sure, key=_score)
        if score.intent is None or best.score > score.score:
            names = [found.intent for found in sure if found.intent is not None]
            return replace(best, reason="part", intents=tuple(dict.fromkeys([best.intent or "", *names])))
        return score
    if whole is None and seen:
        return replace(max(seen, key=_score), intent=None, stage="abstain", reason="unsure", intents=())
    return score


def _score(score: IntentScore) -> float:
    return score.score


def _judged(
    stages: Stages, texts: Sequence[str], budget: int = READ_TOKENS, *, unlike: bool = False
) -> list[IntentScore | None]:
    """What is thought of some texts; None of those that were seen at a glance only.

    The static stage looks closely at the likeliest ones, the transformer at those that are the likeliest then; at none where
    they have to be `unlike`, and the static stage finds all of them nearest to one intent.
    """
    glances = stages.glance(texts)
    tokens = [count for _, count in glances]
    ends = {0, len(texts) - 1}
    likeliest = sorted(range(len(texts)), key=lambda i: (i not in ends, -glances[i][0], i))
    views = {i: stages.look_closely(texts[i]) for i in _within(budget * CLOSELY, likeliest, tokens)}
    scores = [views[i].score if i in views else None for i in range(len(texts))]
    if (
        unlike
        and len({view.score.best for view in views.values()}) < 2
        and not any(view.wide for view in views.values())
    ):
        return [None] * len(texts)
    asked = [i for i, view in views.items() if not view.decided and wanted(texts[i]) is None]
    home = [i for i in asked if not views[i].wide]
    home.sort(key=lambda i: -views[i].score.score - AT_AN_END * (i in ends))
    # of a language that the static stage does not know it says little: each second one is of those
    abroad = [i for i in asked if views[i].wide]
    mixed = [i for pair in zip_longest(home, abroad) for i in pair if i is not None]
    words = [count // PIECES if i in views and views[i].wide else count for i, count in enumerate(tokens)]
    chosen = sorted(_within(budget, mixed, words))
    if chosen:
        for i, score in zip(chosen, stages.read([views[i] for i in chosen], LEAST), strict=True):
            scores[i] = stages.negation.guard(views[i], score)
    return scores


def _within(budget: int, order: Sequence[int], tokens: Sequence[int]) -> list[int]:
    """The first ones, of so many tokens together; one at least."""
    sums = accumulate(tokens[i] for i in order)
    return [i for n, (i, spent) in enumerate(zip(order, sums, strict=True)) if not n or spent <= budget]


def _several(whole: IntentScore, judged: Sequence[IntentScore | None], texts: Sequence[str]) -> IntentScore:
    """All intents of a text that asks for several things, in its order; one that only the whole shows stands first."""
    decided = [score for score in judged if score is not None and score.intent is not None]
    names = tuple(dict.fromkeys(score.intent for score in decided if score.intent is not None))
    if len(names) < 2 and (whole.intent is not None or len(texts) > len(decided)):
        return whole
    if not names:
        return whole
    first = next(score for score in decided if score.intent == names[0])
    return replace(first, intents=names, reason="part" if whole.intent is None else whole.reason)
