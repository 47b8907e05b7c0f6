"""Names that a text holds once more: what was found, wherever else it stands written the same way."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from extproc.pii.names.words import load
from extproc.pii.results import RecognizerResult
from extproc.slices import in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Stretch = tuple[int, int]

WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
REPEATED: Final = 0.6
"""Score of a name that the model read elsewhere in the text."""
SHORTEST: Final = 3
"""Characters of a name that is looked for, and by which it is."""
LITTLE: Final = 50_000
"""Names times characters that are searched one name after the other; beyond, for all names at once."""
_BLOCK: Final = 2**16
_BEGINNING: Final = re.compile(r"[^\W\d_]+|\d+")
_GOES_BEFORE: Final = re.compile(r"[\w@#/.-]")
_GOES_AFTER: Final = re.compile(r"[\w@-]|\.\w")
_FACTORS: Final = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], dtype=np.uint32)
"""Odd, so that three characters spread over all keys."""


def repeats(text: str, found: Sequence[RecognizerResult], read: Iterable[Stretch]) -> list[RecognizerResult]:
    """What was found, wherever else it stands written the same way: people by each word of their names, the others whole.

    `read`: where a model has judged already, whatever it said.
    """
    kinds: dict[str, str] = {}
    for result in found:
        name = text[result.start : result.end]
        for word in WORD.findall(name) if result.entity_type == "PERSON" else [name]:
            if _is_telling(word):
                kinds.setdefault(word, result.entity_type)
    if not kinds or len(text) < 2 * min(map(len, kinds)):
        return []
    taken = list(in_order({*((r.start, r.end) for r in found), *read}, key=itemgetter(0, 1)))
    out: list[RecognizerResult] = []
    at = 0
    for start, end, kind in in_order(_occurrences(text, kinds), key=itemgetter(0, 1, 2)):
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        if (at == len(taken) or taken[at][0] >= end) and (not out or start >= out[-1].end):
            out.append(RecognizerResult(kind, start, end, REPEATED, ("name repeated",)))
    return out


def _occurrences(text: str, kinds: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where names stand as words of their own."""
    little = len(kinds) * len(text) <= LITTLE
    for start, name in _each(text, kinds) if little else _all(text, kinds):
        end = start + len(name)
        if _is_emphasized(text, start, end) or (
            not _GOES_BEFORE.match(text[start - 1 : start]) and not _GOES_AFTER.match(text, end)
        ):
            yield start, end, kinds[name]


def _is_emphasized(text: str, start: int, end: int) -> bool:
    """Whether a word stands between underscores and nothing else of an identifier: `_Ravi_` in Markdown."""
    return (
        text[start - 1 : start] == "_" == text[end : end + 1]
        and not text[max(0, start - 2) : start - 1].isalnum()
        and not text[end + 1 : end + 2].isalnum()
    )


def _each(text: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    for name in names:
        start = text.find(name)
        while start >= 0:
            yield start, name
            start = text.find(name, start + len(name))


def _all(text: str, names: Collection[str]) -> Iterator[tuple[int, str]]:
    """Where a name's first characters may stand is told for all of the text at once; there the word is looked up."""
    by_beginning: dict[str, list[str]] = {}
    wanted = np.zeros(2**16, dtype=np.bool_)
    for name in names:
        beginning = _BEGINNING.match(name)
        by_beginning.setdefault(beginning[0] if beginning else name[0], []).append(name)
    longest = max(map(len, by_beginning), default=0)
    wanted[_keys("".join(name[:SHORTEST] for name in names))[::SHORTEST]] = True
    for offset in range(0, len(text), _BLOCK):
        keys = _keys(text[offset : offset + _BLOCK + SHORTEST - 1])
        for start in (np.flatnonzero(wanted[keys]) + offset).tolist():
            if text[start - 1 : start].isalnum():  # within a word: most of them, and the dearer look is spared
                continue
            beginning = _BEGINNING.match(text, start, start + longest + 1)  # of a run without end, no more
            for name in by_beginning.get(beginning[0] if beginning else text[start], ()):
                if text.startswith(name, start):
                    yield start, name


def _keys(text: str) -> npt.NDArray[np.uint32]:
    """16 bits of each SHORTEST characters that follow each other."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(codes) < SHORTEST:
        return codes[:0]
    first, second, third = (codes[at : len(codes) - SHORTEST + 1 + at] * _FACTORS[at] for at in range(SHORTEST))
    keys: npt.NDArray[np.uint32] = (first + second + third) >> np.uint32(16)
    return keys


def _is_telling(word: str) -> bool:
    """Whether a word names somebody by itself: long enough, and no everyday word."""
    low = word.lower()
    if len(word) < SHORTEST or low in load("common") or low in load("ambiguous"):
        return False
    return word != low or low in load("given")
