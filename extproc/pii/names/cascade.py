"""Both name models as one: the light one reads all, the network reads again where the light one is unsure.

In a long text the network does so in a thread of its own, while the caller looks for everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from extproc.pii.names.aside import Aside
from extproc.pii.names.light import LightModel, units
from extproc.pii.names.runner import BIAS, NameModel
from extproc.pii.names.spans import LABELS, Span, clean, decode, offsets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from extproc.pii.names.cues import Window
    from extproc.pii.names.light import Floats

SURE: Final = 0.75
"""A window in which every word's class is at least this probable is not read again; found on held-out text."""
LONG: Final = 4096
"""Characters from which on the network has a thread: for less, waking it costs what it saves."""
_OFFSETS: Final = offsets_of(BIAS)


class NameCascade:
    """Reads windows for the wanted types. Shared by all streams."""

    def __init__(
        self, entities: Iterable[str], light: LightModel, network: NameModel, second_look_tokens: int = 128
    ) -> None:
        self._light, self._network = light, network
        self._aside = Aside()
        self._second_look_tokens = second_look_tokens
        wanted = [[label.endswith("-" + entity) for entity in sorted(entities)] for label in LABELS]
        self._classes = np.array([[*row, not any(row)] for row in wanted], dtype=np.float32)
        """labels x classes: the wanted types, and all else."""

    def begin(
        self, text: str, windows: Sequence[Window], budget: int | None = None
    ) -> Callable[[], tuple[list[Span], int]]:
        """Begin to read. What comes back gives the names inside the windows, and how many windows were read before
        `budget` words and signs were used up.
        """
        words, places, begins = units(text, windows)
        done = len(windows)
        if budget is not None and len(words) > budget:
            done = max((nth for nth, begin in enumerate(begins) if begin <= budget), default=0)
            words, places, begins = words[: begins[done]], places[: begins[done]], begins[:done]
        if not words:
            return lambda: ([], done)
        logits = self._light.logits(words, places, begins) + _OFFSETS
        ends = [*begins[1:], len(words)]
        again = self._unsure(logits, begins, ends)
        second = None
        if again:
            aside = self._aside if len(text) >= LONG else None
            second = self._network.begin(text, [windows[nth] for nth in sorted(again)], aside)
        for nth in again:
            logits[begins[nth] : ends[nth], 1:] = -np.inf
        spans = clean(text, decode(logits, places.tolist(), breaks={*begins}))
        return lambda: (sorted([*spans, *second()], key=lambda span: span.start) if second else spans, done)

    def _unsure(self, logits: Floats, begins: Sequence[int], ends: Sequence[int]) -> set[int]:
        """Windows for a second look, the least sure first, as many as are paid for."""
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        surest = (shares @ self._classes).max(axis=1) / shares.sum(axis=1)
        if surest.min() >= SURE:
            return set()
        left = self._second_look_tokens
        chosen: set[int] = set()
        least = [(float(surest[b:e].min()), nth) for nth, (b, e) in enumerate(zip(begins, ends, strict=True)) if b < e]
        for sureness, nth in sorted(least):
            if sureness >= SURE:
                break
            size = ends[nth] - begins[nth]
            if size <= left:
                left -= size
                chosen.add(nth)
        return chosen
