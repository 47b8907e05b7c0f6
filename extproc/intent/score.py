"""What the classifier answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Stage = Literal["rule", "static", "early", "transformer", "wide", "abstain"]
"""What decided. `abstain`: nothing was sure enough, and the default model gets the request. `early` is the transformer
halfway through its layers: for people, who see all stages side by side; a decision there counts as the transformer's. `wide` is
the multilingual encoder, for what is not in English, and for what the English one is not sure of."""


@dataclass(slots=True)
class IntentScore:
    """The decision on one text. Nobody changes it; freezing it would cost each request half a microsecond, and more than once."""

    intent: str | None
    """None: no intent is likely enough; `best` still names the nearest one."""
    score: float
    """Probability that `best` is right, out-of-scope traffic reckoned with."""
    stage: Stage
    reason: str
    """One word for the metrics: `pattern`, `exact` and `header` are rules; `confident`, `early` (confident halfway through
    the transformer), `unsure`; `foreign` is unlike every intent, at a glance; `negated`: the text says that it is not so, or not
    wanted; `part`: a part of the text decides; `conversation`: what was said before it does; `deadline` and `busy` are answers
    without the transformer; `empty` text, or one without a word that the model knows; `no-examples` to learn from."""
    best: str | None = None
    """The most likely intent, accepted or not."""
    runner_up: str | None = None
    """The second most likely."""
    threshold: float = 0.0
    """The score that `best` had to reach in this stage."""
    intents: tuple[str, ...] = ()
    """All that a text asks for, where it asks for several things; `intent` is the first of them."""
    cached: bool = False
    """The same text was decided a short while ago."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An example close to the text."""

    intent: str
    example: str
    cosine: float


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage's view of a text, whether it decided or not."""

    stage: Stage
    best: str
    score: float
    threshold: float
    scores: Mapping[str, float]
    """Intent -> share of the probability, before calibration."""
    nearest: tuple[Neighbour, ...]
    microseconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a text is given its intent: for people, not for the hot path."""

    decision: IntentScore
    tokens: int
    stages: tuple[StageReport, ...] = field(default=())
