"""Slips of the keyboard put right, before a text is read: `i forgt my pasword`.

Only words that the tokenizer has to break into pieces are looked at, and one slip in each: a letter too many, one that is
missing, another one, or two that have changed places. What it was meant to be is a word of the examples, else, in English, one
of the tokenizer's own. A word with a capital that is not the first one of its text may be a name, and stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from extproc.intent.wording import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples

SHORTEST: Final = 4
"""Letters of a word that is looked at; of three, two may have changed places (`vnp`)."""
SHORTEST_PLAIN: Final = 6
"""Letters of a word that the examples do not have: with fewer, too many words are near."""
LONGEST: Final = 24
MOST: Final = 12
"""Words of one text that are looked at: each costs some 50 microseconds."""
_PIECE: Final = "##"
_WORD: Final = re.compile(r"[^\W\d_]+")
_PLAIN: Final = re.compile(r"[a-z]+")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_known: WeakKeyDictionary[Encoder, tuple[Mapping[str, int], frozenset[int]]] = WeakKeyDictionary()
"""Once for all meshes and topics of a process."""


class Typos:
    """The words of one mesh and of the tokenizer."""

    def __init__(self, own: Mapping[str, int], plain: Mapping[str, int], pieces: frozenset[int]) -> None:
        self._own = own
        """Word of the examples -> how many of them have it."""
        self._plain = plain
        """Whole word of the tokenizer -> its id: common ones come first."""
        self._pieces = pieces
        """Ids of what continues a word."""
        self._letters = "".join(sorted({*_LETTERS, *(letter for word in own for letter in word)}))

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
        for found in _WORD.finditer(text):
            written = found[0]
            word = written.lower()
            if len(word) > LONGEST or len(word) < SHORTEST - 1 or word in self._own or word in self._plain:
                continue
            looked_at += 1
            if looked_at > MOST:
                break
            named = found.start() > 0 and written[:1].isupper() and not written.isupper()
            meant = self._meant(word, english=english and not named)
            if meant is not None:
                out += [text[end : found.start()], meant]
                end = found.end()
        return "".join([*out, text[end:]]) if out else text

    def _meant(self, word: str, *, english: bool) -> str | None:
        own = self._own
        near = [made for made in self._slips(word) if made in own and made.isalpha()]
        if near:
            return max(near, key=lambda made: (own[made], made))
        if not english or len(word) < SHORTEST_PLAIN:
            return None
        return min(
            (made for made in self._slips(word) if made in self._plain), key=self._plain.__getitem__, default=None
        )

    def _slips(self, word: str) -> Iterator[str]:
        """What it may have been meant to be. The first letter is seldom wrong, and few letters leave too much open."""
        for i in range(len(word) - 1):
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        if len(word) < SHORTEST:
            return
        for i in range(1, len(word) + 1):
            head, tail = word[:i], word[i:]
            if len(word) > SHORTEST:
                yield head + tail[1:]
            for letter in self._letters:
                yield head + letter + tail
                if tail and len(word) > SHORTEST:
                    yield head + letter + tail[1:]


def _vocabulary(encoder: Encoder) -> tuple[Mapping[str, int], frozenset[int]]:
    """Whole words of an encoder's tokenizer, and the ids of its pieces."""
    known = _known.get(encoder)
    if known is None:
        tokens = encoder.tokenizer.get_vocab()
        pieces = frozenset(number for token, number in tokens.items() if token.startswith(_PIECE))
        words = {token: n for token, n in tokens.items() if len(token) >= SHORTEST_PLAIN and _PLAIN.fullmatch(token)}
        known = _known[encoder] = (words if pieces else {}, pieces)
    return known
