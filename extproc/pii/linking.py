"""Which names of one request are the same person's: "Aisha Okafor", later "Ms Okafor" and "Aisha"."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_NO_NAME: Final = frozenset(
    re.findall(
        r"\w+",
        "mr mrs ms miss mx dr prof professor sir dame jr sr ii iii van von de der den la del di da dos du le bin al el",
    )
)


MOST_COMPARED: Final = 64
"""A name that more people could share is somebody new: a list of customers is not compared with itself."""


class NameLinker:
    """Groups names in the order in which they occur.

    A name joins the one earlier person that it can be a form of; where it fits several it is somebody new. What was
    decided is never revised, so that the turns of a growing conversation read the same each time.
    """

    def __init__(self) -> None:
        self._people: list[tuple[str, list[str]]] = []
        self._by_word: dict[str, set[int]] = {}
        """Word -> those in whose names it stands."""
        self._by_rarest: dict[str, set[int]] = {}
        """Word -> those of whose names it was the rarest word: whoever is a part of a longer name is found by one."""
        self._leaders: dict[tuple[str, ...], str] = {}

    def leader(self, name: str) -> str:
        """The first form in which this person was named; the name itself for somebody new."""
        words = _words(name)
        key = tuple(words)
        if key in self._leaders:
            return self._leaders[key]
        fitting = self._fitting(words)
        if len(fitting) == 1:
            leader, known = self._people[fitting[0]]
            if len(words) > len(known):
                self._people[fitting[0]] = (leader, words)
                self._index(fitting[0], words)
        else:
            leader = name
            self._people.append((name, words))
            rarest = min(_in_full(words), key=lambda word: len(self._by_word.get(word, ())), default="")
            self._by_rarest.setdefault(rarest, set()).add(len(self._people) - 1)
            self._index(len(self._people) - 1, words)
        self._leaders[key] = leader
        return leader

    def _fitting(self, words: list[str]) -> list[int]:
        """People of whose names these words are a part, or whose names are a part of these words."""
        in_full = _in_full(words)
        if not in_full:
            return []
        longer = set.intersection(*(self._by_word.get(word, set()) for word in in_full))
        shorter = set().union(*(self._by_rarest.get(word, ()) for word in in_full))
        if len(longer) + len(shorter) > MOST_COMPARED:
            return []
        known = ((at, self._people[at][1]) for at in longer | shorter)
        return [at for at, name in known if _fits(words, name) or _fits(name, words)]

    def _index(self, at: int, words: list[str]) -> None:
        for word in words:
            self._by_word.setdefault(word, set()).add(at)


def _words(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("'s", "").replace("’s", ""))
    return [w for w in words if w not in _NO_NAME] or words


def _in_full(words: list[str]) -> list[str]:
    """Without initials: one word at least is to be the same in full."""
    return [word for word in words if len(word) > 1]


def _fits(part: list[str], whole: list[str]) -> bool:
    """Each word of the part stands in the whole, in this order, in full or as its initial; one of them in full."""
    if not part or len(part) > len(whole):
        return False
    at, in_full = 0, 0
    for word in whole:
        if at < len(part) and (part[at] == word or (len(part[at]) == 1 and word.startswith(part[at]))):
            in_full += part[at] == word and len(word) > 1
            at += 1
    return at == len(part) and in_full > 0
