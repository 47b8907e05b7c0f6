"""How well the detector of attacks does on rows with labels, and what threshold a sample without labels asks for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from extproc.guardrails.injection.detector import SIDE_OF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from extproc.guardrails.injection.detector import Detector
    from extproc.guardrails.injection.model import Side

FALSE_ALARMS: Final = (0.001, 0.01, 0.05)
SIDE_OF_WHERE: Final[Mapping[str, Side]] = {
    "direct": "direct",
    "indirect": "indirect",
    **{str(place): side for place, side in SIDE_OF.items()},
}
"""`where` of a row, in the words of the public sets and in ours."""
HARMLESS: Final = "benign"
ATTACKS: Final = frozenset({"injection", "jailbreak", "attack"})
LEFT_OUT: Final = frozenset({"unsafe"})
"""Asks for harm, and attacks nobody: not what is measured here."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label."""

    text: str
    label: str
    where: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with what the detector says of them."""

    scores: NDArray[np.float64]
    attack: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    """At the threshold that is in use."""
    sources: Sequence[str]
    asked: NDArray[np.bool_]
    """The encoder was asked."""


def scored(rows: Sequence[Row], detector: Detector, thresholds: Mapping[Side, float]) -> Scored:
    """Score each row as a text of its own."""
    rows = [row for row in rows if row.label not in LEFT_OUT]
    sides = [SIDE_OF_WHERE[row.where] for row in rows]
    results = [detector.score(row.text, side) for row, side in zip(rows, sides, strict=True)]
    scores = np.array([one.score for one in results])
    limits = np.array([thresholds[side] for side in sides])
    return Scored(
        scores,
        np.array([row.label != HARMLESS for row in rows], bool),
        scores >= limits,
        [row.source for row in rows],
        np.array([any(window.second for window in one.best) for one in results], bool),
    )


def figures(result: Scored) -> dict[str, Any]:
    """Over all rows, and by source."""
    harmless = result.scores[~result.attack]
    limits = {rate: limit_at(harmless, rate) for rate in FALSE_ALARMS}
    overall = _figures(result, np.ones(len(result.scores), bool), limits, harmless)
    sources = defaultdict(list)
    for at, source in enumerate(result.sources):
        sources[source].append(at)
    overall["sources"] = {}
    for source, places in sorted(sources.items()):
        here = np.zeros(len(result.scores), bool)
        here[places] = True
        overall["sources"][source] = _figures(result, here, limits, harmless)
    return overall


def limit_at(harmless: NDArray[np.float64], rate: float) -> float:
    """The score above which no more than this share of harmless texts lies."""
    if not len(harmless):
        return 0.0
    return float(np.sort(harmless)[::-1][min(int(rate * len(harmless)), len(harmless) - 1)])


def _figures(
    result: Scored, here: NDArray[np.bool_], limits: Mapping[float, float], all_harmless: NDArray[np.float64]
) -> dict[str, Any]:
    """Of the rows that are chosen; attacks of one source are set against all harmless texts."""
    attacks, harmless = here & result.attack, here & ~result.attack
    scores = result.scores[attacks]
    return {
        "attacks": int(attacks.sum()),
        "benign": int(harmless.sum()),
        "auroc": _auroc(scores, all_harmless),
        "recall_at_false_alarms": {
            str(rate): _share(scores > limit) if len(all_harmless) else None for rate, limit in limits.items()
        },
        "attack_recall": _share(result.flagged[attacks]),
        "benign_accuracy": _share(~result.flagged[harmless]),
    }


def _share(held: NDArray[np.bool_]) -> float | None:
    return round(float(held.mean()), 4) if len(held) else None


def _auroc(attacks: NDArray[np.float64], harmless: NDArray[np.float64]) -> float | None:
    """How likely an attack scores higher than a harmless text; ties count half."""
    if not len(attacks) or not len(harmless):
        return None
    ordered = np.sort(harmless)
    below, upto = np.searchsorted(ordered, attacks, "left"), np.searchsorted(ordered, attacks, "right")
    return round(float((below + upto).mean() / 2 / len(ordered)), 4)
