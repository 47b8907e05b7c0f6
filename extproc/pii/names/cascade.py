"""Both name models as one: the light one reads all, the network reads again where the light one is unsure."""

from __future__ import annotations

from bisect import bisect
from typing import TYPE_CHECKING, Final

import numpy as np

from extproc.pii.names.light import EVERYDAY, STRANGE, LightModel, units
from extproc.pii.names.spans import LABELS, Span, clean, decode, offsets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from extproc.pii.names.cues import Window
    from extproc.pii.names.light import Floats
    from extproc.pii.names.runner import NameModel

    Stretch = tuple[int, int]
    """From which word to which."""

SURE: Final = 0.75
"""Words whose class is at least this probable are not read again; found on held-out text."""
SURE_OF_STRANGE: Final = 0.95
"""The same of words with a capital that no list holds: surnames mostly, which the light model takes for nothing too soon."""
SURE_OF_UNKNOWN: Final = 0.85
"""The same of such words in lower case."""
NEAR, LEAST_EVERYDAY = 8, 2
"""So many everyday words so near to a strange one say that the text is in English."""
AROUND: Final = 7
"""Words to either side of one that is read again: what the network needs to tell what it is."""
BESIDE: Final = 1
"""Words to either side of it of which the network says too what they are. More of them make nothing better."""
_OFFSETS: Final = offsets_of({"PERSON": 0.6})
"""A missed person costs more than a false one; found on held-out text."""
_OFFSETS_BY_KIND: Final = (_OFFSETS, _OFFSETS, offsets_of({"PERSON": 0.3}), offsets_of({}))
"""Less so of a word of no list that is read again: the network says what it is though the light model was nearly sure."""


class NameCascade:
    """Reads windows for the wanted types. Shared by all streams."""

    def __init__(
        self, entities: Iterable[str], light: LightModel, network: NameModel, second_look_tokens: int = 48
    ) -> None:
        self._light, self._network = light, network
        self._second_look_tokens = second_look_tokens
        wanted = [[label.endswith("-" + entity) for label in LABELS] for entity in sorted(entities)]
        self._classes = np.array([*wanted, ~np.any(wanted, axis=0)], dtype=np.float32)
        """classes x labels: the wanted types, and all else."""

    def read(self, text: str, windows: Sequence[Window], budget: int | None = None) -> tuple[list[Span], int]:
        """The names inside the windows, and how many windows were read before `budget` words and signs were used up."""
        words, places, begins = units(text, windows)
        done = len(windows)
        if budget is not None and len(words) > budget:
            done = max((nth for nth, begin in enumerate(begins) if begin <= budget), default=0)
            words, places, begins = words[: begins[done]], places[: begins[done]], begins[:done]
        if not words:
            return [], done
        read, kinds = self._light.read(words, places, begins)
        logits = read + _OFFSETS
        kinds = _in_english(kinds)
        stretches, asked = self._unsure(logits, kinds, begins, [*begins[1:], len(words)])
        if asked:
            starts = places[asked, 0].tolist()
            parts = [(int(places[first, 0]), int(places[end - 1, 1])) for first, end in stretches]
            told = self._network.logits(text, parts, {*starts})
            for word, start in zip(asked, starts, strict=True):
                if start in told:
                    logits[word] = told[start] + _OFFSETS_BY_KIND[kinds[word]]
        return clean(text, decode(logits, places, breaks={*begins})), done

    def _unsure(
        self, logits: Floats, kinds: npt.NDArray[np.uint8], begins: Sequence[int], ends: Sequence[int]
    ) -> tuple[list[Stretch], list[int]]:
        """Stretches for a second look, those with the least sure word first, as many as are paid for, in their order; and the
        words of them that it is about.
        """
        columns = np.ascontiguousarray(logits.T)  # along rows of nine, numpy takes ten times as long
        shares = np.exp(columns - columns.max(axis=0))
        surest = (self._classes @ shares).max(axis=0) / shares.sum(axis=0)
        sure = np.array((SURE, SURE, SURE_OF_STRANGE, SURE_OF_UNKNOWN)).take(kinds)
        doubtful = np.flatnonzero(surest < sure).tolist()
        if not doubtful:
            return [], []
        names = logits.argmax(axis=1) > 0
        left = self._second_look_tokens
        chosen: list[Stretch] = []
        stretches = _stretches(doubtful, AROUND, names, begins, ends)
        for first, end in sorted(stretches, key=lambda stretch: float(surest[stretch[0] : stretch[1]].min())):
            if end - first <= left:
                left -= end - first
                chosen.append((first, end))
        chosen.sort()
        firsts, stops = [first for first, _ in chosen], [end for _, end in chosen]
        inside = [word for word in doubtful if (nth := bisect(firsts, word)) and word < stops[nth - 1]]
        return chosen, [word for part in _stretches(inside, BESIDE, names, firsts, stops) for word in range(*part)]


def _in_english(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The kinds, and no word of no list but among everyday words: in another language than the network knows, most would be."""
    at = np.flatnonzero(kinds >= STRANGE)
    if len(at):
        everyday = np.concatenate(([0], np.cumsum(kinds == EVERYDAY)))
        around = everyday[np.minimum(at + NEAR + 1, len(kinds))] - everyday[np.maximum(at - NEAR, 0)]
        kinds[at[around < LEAST_EVERYDAY]] = 0
    return kinds


def _stretches(
    doubtful: Iterable[int], around: int, names: npt.NDArray[np.bool_], begins: Sequence[int], ends: Sequence[int]
) -> list[Stretch]:
    """Doubtful words with so many around them, within their windows; none begins or ends inside a name."""
    found: list[Stretch] = []
    for word in doubtful:
        nth = bisect(begins, word) - 1
        first, end = max(begins[nth], word - around), min(ends[nth], word + around + 1)
        while first > begins[nth] and names[first] and names[first - 1]:
            first -= 1
        while end < ends[nth] and names[end - 1] and names[end]:
            end += 1
        if found and begins[nth] <= found[-1][0] and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found
