"""Findings before the resolver: the same as a result, and the rank by which overlapping ones are settled."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from extproc.slices import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence


class Finding(NamedTuple):
    """One candidate that something speaks for, in positions of the folded text."""

    entity_type: str
    start: int
    end: int
    score: float
    """How much speaks for it, from 0 to 1. No probability: what counts is the order, of those that overlap and beside
    `min_score`."""
    evidence: tuple[str, ...]
    rank: float = 0.0
    """Above any score for what contains others and must go as a whole: a URL with its password, a PEM block."""


def resolve(findings: Sequence[Finding], min_score: float) -> list[Finding]:
    """The findings to report, none overlapping another, in the order of the text.

    The higher rank wins, then the better score, then the longer span. Settled among those that touch each other, however
    far that goes: the rest of the text has no say in it.
    """
    taken: list[Finding] = []
    if not findings:
        return taken
    touching: list[Finding] = []
    end = 0
    for finding in in_order((f for f in findings if f.score >= min_score), key=_place):
        if touching and finding.start >= end:
            taken += _settle(touching)
            touching = []
        end = max(end, finding.end) if touching else finding.end
        touching.append(finding)
    return taken + _settle(touching)


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, finding.end


def _settle(touching: list[Finding]) -> list[Finding]:
    if len(touching) < 2:
        return touching
    taken: list[Finding] = []
    starts: list[int] = []
    for finding in sorted(touching, key=lambda f: (-f.rank, -f.score, f.start - f.end, f.start)):
        at = bisect_right(starts, finding.start)
        if at and taken[at - 1].end > finding.start:
            continue
        if at < len(taken) and taken[at].start < finding.end:
            continue
        starts.insert(at, finding.start)
        taken.insert(at, finding)
    return taken
