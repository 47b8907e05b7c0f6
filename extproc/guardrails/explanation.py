"""What a guardrail sees in a request, window by window: for people, with positions and scores and never a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.guardrails import InjectionGuard
from extproc.guardrails.injection.check import InjectionCheck
from extproc.guardrails.injection.detector import SIDE_OF
from extproc.guardrails.passages import passages_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extproc.config.guardrails import AnyGuard
    from extproc.payload import Segment


def explained(guards: Mapping[str, AnyGuard], segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """One entry for each passage that a guardrail with windows looks at."""
    lines = []
    for name, guard in guards.items():
        if not isinstance(guard, InjectionGuard):
            continue
        check = InjectionCheck(guard)
        for passage in passages_of(segments, check.places):
            side = SIDE_OF[passage.place]
            score = check.detector.score(passage.text, side)
            lines.append(
                {
                    "guardrail": name,
                    "mode": guard.mode,
                    "place": passage.place,
                    "path": passage.path,
                    "score": round(score.score, 4),
                    "threshold": round(check.thresholds[side], 4),
                    "windows": score.windows,
                    "likeliest": [
                        {
                            "read_as": window.how,
                            "start": window.start,
                            "end": window.end,
                            "first_stage": round(window.first, 3),
                            "score": round(window.score, 4),
                            "encoder": window.second,
                        }
                        for window in score.best
                    ],
                }
            )
    return lines
