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


class NameLinker:
    """Groups names in the order in which they occur.

    A name joins the one earlier person that it can be a form of; where it fits several it is somebody new. What was
    decided is never revised, so that the turns of a growing conversation read the same each time.
    """

    def __init__(self) -> None:
        self._people: list[tuple[str, list[str]]] = []
        self._by_word: dict[str, set[int]] = {}
        """Word -> those of whose names it is one: who shares no word is nobody's other form."""
        self._leaders: dict[tuple[str, ...], str] = {}

    def leader(self, name: str) -> str:
        """The first form in which this person was named; the name itself for somebody new."""
        words = _words(name)
        key = tuple(words)
        if key in self._leaders:
            return self._leaders[key]
        sharing = set().union(*(self._by_word.get(word, ()) for word in words))
        fitting = [at for at in sharing if _fits(words, self._people[at][1]) or _fits(self._people[at][1], words)]
        if len(fitting) == 1:
            leader, known = self._people[fitting[0]]
            if len(words) > len(known):
                self._name(fitting[0], leader, words)
        else:
            leader = name
            self._people.append((name, words))
            self._name(len(self._people) - 1, name, words)
        self._leaders[key] = leader
        return leader

    def _name(self, at: int, leader: str, words: list[str]) -> None:
        self._people[at] = (leader, words)
        for word in words:
            self._by_word.setdefault(word, set()).add(at)


def _words(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("'s", "").replace("’s", ""))
    return [w for w in words if w not in _NO_NAME] or words


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
