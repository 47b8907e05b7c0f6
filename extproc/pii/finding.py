"""Findings before the resolver: the same as a result, and the rank by which overlapping ones are settled."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Finding(NamedTuple):
    """One candidate that something speaks for, in positions of the folded text."""

    entity_type: str
    start: int
    end: int
    score: float
    evidence: tuple[str, ...]
    rank: float = 0.0
    """Above any score for what contains others and must go as a whole: a URL with its password, a PEM block."""


def resolve(findings: list[Finding], min_score: float) -> list[Finding]:
    """The findings to report, none overlapping another, in the order of the text.

    The higher rank wins, then the better score, then the longer span.
    """
    best = sorted(
        (f for f in findings if f.score >= min_score),
        key=lambda f: (-f.rank, -f.score, f.start - f.end, f.start),
    )
    if len(best) < 2:
        return best
    taken: list[Finding] = []
    starts: list[int] = []
    for finding in best:
        at = bisect_right(starts, finding.start)
        if at and taken[at - 1].end > finding.start:
            continue
        if at < len(taken) and taken[at].start < finding.end:
            continue
        starts.insert(at, finding.start)
        taken.insert(at, finding)
    return taken
