"""Labels: the words and phrases beside a value that say what it is. Whole words only, in many languages."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_letters
from typing import Final, NamedTuple

from extproc.pii.by_hash import ByHash, alike
from extproc.pii.fold import fold

WORD = re.compile(r"[^\W\d_]+")
_NEXT = re.compile(r"[\W\d_]{0,3}([^\W\d_]{1,24})(?![^\W\d_])")
_CJK = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MARKS: Final = "[\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0962\u0963\u0980-\u0983\u09bc-\u09cd\u0b82\u0bbe-\u0bcd]{0,3}"
"""Vowel signs that no word of a pattern holds: a label ends before its last ones."""
NEGATIVE = "-"
"""Kind of the labels that speak against personal data."""


class Label(NamedTuple):
    """A label that stands in a text."""

    start: int
    end: int
    kinds: frozenset[str]


def plain(word: str) -> str:
    """Lower case, without accents."""
    word = word.lower()
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


NUMBERS: Final = ("number", "no", "id")
"""What `#` is read as."""
IDLE_WORDS: Final = 50_000
"""Words that are remembered to be of no interest; about 5 MB."""


LONGEST_KEY: Final = 80
"""Of a longer key, its beginning is read."""


EVERYDAY: Final = frozenset("me se my his her our their s a mi mon mio mijn mitt meu meine mój мой mera nomor".split())
"""Words that stand everywhere: a phrase of one of them and another word is looked for at that other word."""
_BEFORE: Final = re.compile(r"([^\W\d_]+)[\W\d_]{0,3}\Z")
_REACH_BEFORE: Final = max(map(len, EVERYDAY)) + 4
"""Characters: such a word, what may stand between, and what would make it another word."""


class Phrases:
    """The phrases that begin with one word."""

    __slots__ = ("alone", "followed_in_vain", "led", "longer", "none_before")

    def __init__(self) -> None:
        self.alone: frozenset[str] | None = None
        """Kinds of the word alone."""
        self.led: dict[str, frozenset[str]] = {}
        """By an everyday word before it: the kinds of both."""
        self.longer: dict[str, list[tuple[tuple[str, ...], frozenset[str]]]] = {}
        """By the second word: what follows the first, and the kinds of all."""
        self.followed_in_vain: frozenset[str] = frozenset()
        """A space and a letter after which no second word stands: most words that begin a phrase begin none."""
        self.none_before: frozenset[str] = frozenset()
        """The same where the word is no label alone: before these there is none at all."""

    def longest(self, text: str, start: int, end: int) -> Label | None:
        """The longest of them that stands at these positions of the first word."""
        following = text[end : end + 2]
        if self.longer and following not in self.followed_in_vain:
            if "#" in following and (numbered := self._numbered(start, end)):
                return numbered
            second = _NEXT.match(text, end)
            for rest, kinds in self.longer.get(plain(second[1]), ()) if second else ():
                stop = _follow(text, end, rest)
                if stop:
                    return Label(start, stop, kinds)
        alone = self.kinds(text, start) if self.led else self.alone
        return Label(start, end, alone) if alone is not None else None

    def _numbered(self, start: int, end: int) -> Label | None:
        """The phrase of the first word and `number`, of which the sign for it is written: `member #`."""
        for word in NUMBERS:
            for rest, kinds in self.longer.get(word, ()):
                if len(rest) == 1:
                    return Label(start, end, kinds)
        return None

    def kinds(self, text: str, start: int) -> frozenset[str] | None:
        """Kinds of the word alone at this position, or of it and the everyday word before it; None: it is no label."""
        before = _BEFORE.search(text, max(0, start - _REACH_BEFORE), start) if self.led else None
        return self.led.get(before[1].lower(), self.alone) if before else self.alone


class Vocabulary:
    """All phrases that are labels, by their first word."""

    def __init__(self, phrases: dict[str, frozenset[str]]) -> None:
        self.first: dict[str, Phrases] = {}
        """First word -> the phrases that begin with it."""
        written: dict[str, frozenset[str]] = {}
        for raw, kinds in phrases.items():
            phrase = fold(raw).text
            if _CJK.search(phrase):
                written[phrase] = written.get(phrase, frozenset()) | kinds
                continue
            words = tuple(WORD.findall(phrase.lower()))
            if len(words) == 2 and words[0] in EVERYDAY:
                for head in {words[1], plain(words[1])}:
                    led = self.first.setdefault(head, Phrases()).led
                    led[words[0]] = led.get(words[0], frozenset()) | kinds
                continue
            rest = tuple(plain(word) for word in words[1:])
            for head in {words[0], plain(words[0])} if words else ():
                self._add(head, rest, kinds)
        for begun in self.first.values():
            for choices in begun.longer.values():
                choices.sort(key=lambda choice: -len(choice[0]))
            initials = {second[0] for second in begun.longer}
            begun.followed_in_vain = frozenset(f" {c}" for c in ascii_letters if c.lower() not in initials)
            if begun.alone is None and not begun.led:
                begun.none_before = begun.followed_in_vain
        self.idle: set[int] = set()
        """Hashes of words, as they were written, that begin and hold no label and begin no secret: at most IDLE_WORDS."""
        self.written = written
        self.unspaced = re.compile("|".join(sorted(map(re.escape, written), key=len, reverse=True)) or r"(?!)")
        self._of_key = ByHash(self._read_key, 1024)  # a program has few keys, and sends them again and again

    def _add(self, head: str, rest: tuple[str, ...], kinds: frozenset[str]) -> None:
        begun = self.first.setdefault(head, Phrases())
        if not rest:
            begun.alone = (begun.alone or frozenset()) | kinds
        else:
            choices = begun.longer.setdefault(rest[0], [])
            known = next((old for words, old in choices if words == rest), None)
            if known is not None:
                choices.remove((rest, known))
            choices.append((rest, kinds | (known or frozenset())))

    def begun_by(self, word: str) -> Phrases | None:
        """The phrases that begin with a word, however it is written."""
        lower = word.lower()
        begun = self.first.get(lower)
        if begun is None and not lower.isascii():
            begun = self.first.get(plain(lower))
        return begun

    def read(self, text: str, start: int, end: int) -> Label | None:
        """The longest label that begins with the word at these positions."""
        begun = self.begun_by(text[start:end])
        return None if begun is None else begun.longest(text, start, end)

    def read_name(self, text: str, pieces: list[tuple[int, int]]) -> Label | None:
        """The longest label that begins with the first of these pieces of a name in camel case."""
        words = [plain(text[start:end]) for start, end in pieces]
        begun = self.first.get(words[0])
        if begun is None:
            return None
        for rest, kinds in begun.longer.get(words[1], ()) if len(words) > 1 else ():
            if tuple(words[1 : 1 + len(rest)]) == rest:
                return Label(pieces[0][0], pieces[len(rest)][1], kinds)
        alone = begun.kinds(text, pieces[0][0])
        return Label(*pieces[0], alone) if alone is not None else None

    def of_key(self, key: str) -> frozenset[str]:
        """Kinds that a JSON key or the head of a column names: `customerPhone`, `home-phone`, `Tel.`."""
        return self._of_key(alike(key[:LONGEST_KEY]))

    def _read_key(self, key: str) -> frozenset[str]:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key)
        kinds: frozenset[str] = frozenset()
        for word in WORD.finditer(spaced):
            label = self.read(spaced, *word.span())
            if label:
                kinds |= label.kinds
        for word in self.unspaced.finditer(spaced):
            kinds |= self.written[word.group()]
        return kinds


def _follow(text: str, at: int, words: tuple[str, ...]) -> int:
    """End of these words, if they come next with nothing much between them; else 0."""
    for expected in words:
        following = _NEXT.match(text, at)
        if following is None or plain(following[1]) != expected:
            return 0
        at = following.end()
    return at
