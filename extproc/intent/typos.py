"""Slips of the keyboard put right, before a text is read: `i forgt my pasword`.

Only words that the tokenizer has to break into pieces are looked at, and one slip in each: a letter too many, one that is
missing, another one, or two that have changed places. What it was meant to be is a word of the examples, else, in English, one
of the tokenizer's own. A word with a capital that is not the first one of its text may be a name, and stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from extproc.intent.wording import words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples

SHORTEST: Final = 4
"""Letters of a word that is looked at; of three, two may have changed places (`vnp`)."""
SHORTEST_PLAIN: Final = 6
"""Letters of a word that the examples do not have: with fewer, too many words are near."""
LONGEST: Final = 24
MOST: Final = 12
"""Words of one text that are looked at: each costs some 5 microseconds."""
_PIECE: Final = "##"
_WORD: Final = re.compile(r"[^\W\d_]+")
_PLAIN: Final = re.compile(r"[a-z]+")
_known: WeakKeyDictionary[Encoder, tuple[Mapping[str, int], Slips, frozenset[int]]] = WeakKeyDictionary()
"""Once for all meshes and topics of a process."""


class Slips:
    """Words, and what each may become by one slip.

    Two words that are a slip apart have a form in common that lacks a letter: so many forms of a word are looked up, not the
    hundreds of words that it may have been meant to be. Of a form its hash is kept: the words are asked whether it is so.
    """

    def __init__(self, words: Collection[str]) -> None:
        self._words = words if isinstance(words, dict) else dict.fromkeys(words)
        self._listed = listed = list(words)
        hashes = np.fromiter((hash(form) for word in listed for form in _shorter(word)), np.int64)
        order = hashes.argsort(kind="stable")
        self._hashes = hashes[order]
        counts = np.fromiter((len(word) - 1 if word else 0 for word in listed), np.int64, len(listed))
        self._at = np.repeat(np.arange(len(listed), dtype=np.int32), counts)[order]

    def slips(self, word: str) -> Iterator[str]:
        """What it may have been meant to be. The first letter is seldom wrong, and few letters leave too much open."""
        words = self._words
        for i in range(len(word) - 1):
            made = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            if made in words:
                yield made
        if len(word) < SHORTEST:
            return
        forms = _shorter(word)
        if len(word) > SHORTEST:
            yield from (form for form in forms if form in words)
        else:
            forms = []
        wanted = np.array([hash(word), *map(hash, forms)], np.int64)
        starts, ends = self._hashes.searchsorted(wanted), self._hashes.searchsorted(wanted, "right")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            for at in self._at[start:end].tolist():
                made = self._listed[at]
                if _is_slip(word, made):
                    yield made


def _shorter(word: str) -> list[str]:
    """A word without each of its letters but the first."""
    return [word[:i] + word[i + 1 :] for i in range(1, len(word))]


def _is_slip(word: str, made: str) -> bool:
    """Whether one has a letter more, or, of the same length, another letter."""
    if len(made) == len(word):
        return sum(map(str.__ne__, word, made)) == 1 and word[0] == made[0]
    return len(made) == len(word) + 1 and word in _shorter(made)


class Typos:
    """The words of one mesh and of the tokenizer."""

    def __init__(
        self, own: Mapping[str, int], plain: Mapping[str, int], near_plain: Slips, pieces: frozenset[int]
    ) -> None:
        self._own = own
        """Word of the examples -> how many of them have it."""
        self._plain = plain
        """Whole word of the tokenizer -> its id: common ones come first."""
        self._pieces = pieces
        """Ids of what continues a word."""
        self._near_own = Slips(own)
        self._near_plain = near_plain

    @classmethod
    def of(cls, examples: Examples, encoder: Encoder) -> Typos:
        """None of a tokenizer that does not mark pieces: then nothing is ever looked at."""
        own: dict[str, int] = {}
        for text in (*examples.texts, *examples.titles):
            for word in set(words_of(text)):
                own[word] = own.get(word, 0) + 1
        return cls(own, *_vocabulary(encoder))

    def may_have(self, ids: Iterable[int]) -> bool:
        """Whether a text, by its tokens, has a word that is in pieces."""
        return not self._pieces.isdisjoint(ids)

    def corrected(self, text: str, *, english: bool) -> str:
        """The text, with what is near enough put right."""
        looked_at = 0
        out: list[str] = []
        end = 0
        for match in _WORD.finditer(text):
            written = match[0]
            word = written.lower()
            if len(word) > LONGEST or len(word) < SHORTEST - 1 or word in self._own or word in self._plain:
                continue
            looked_at += 1
            if looked_at > MOST:
                break
            named = match.start() > 0 and written[:1].isupper() and not written.isupper()
            meant = self._meant(word, english=english and not named)
            if meant is not None:
                out += [text[end : match.start()], meant]
                end = match.end()
        return "".join([*out, text[end:]]) if out else text

    def _meant(self, word: str, *, english: bool) -> str | None:
        own = self._own
        near = [made for made in self._near_own.slips(word) if made.isalpha()]
        if near:
            return max(near, key=lambda made: (own[made], made))
        if not english or len(word) < SHORTEST_PLAIN:
            return None
        return min(self._near_plain.slips(word), key=self._plain.__getitem__, default=None)


def _vocabulary(encoder: Encoder) -> tuple[Mapping[str, int], Slips, frozenset[int]]:
    """Whole words of an encoder's tokenizer, what is near to each, and the ids of its pieces."""
    known = _known.get(encoder)
    if known is None:
        tokens = encoder.tokenizer.get_vocab()
        pieces = frozenset(number for token, number in tokens.items() if token.startswith(_PIECE))
        words = {token: n for token, n in tokens.items() if len(token) >= SHORTEST_PLAIN and _PLAIN.fullmatch(token)}
        words = words if pieces else {}
        known = _known[encoder] = (words, Slips(words), pieces)
    return known
