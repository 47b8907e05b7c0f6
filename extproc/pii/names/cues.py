"""Where a name may stand: what decides, in microseconds, whether and over which part of a text the model runs.

A cue is a word in capitals that is no everyday word, a given name in lower case, a title, `my name is`, a label such as
`Name:`, a number beside a street's word. The text around it, up to the ends of its sentence, is a window for the model.
Most of the work is set arithmetic on the different words of a text; only texts with a hit are looked at word by word.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from extproc.pii.names.deeds import ALSO_NAMES
from extproc.pii.names.keys import announces
from extproc.pii.names.words import forms, load
from extproc.pii.pieces import Pieces
from extproc.slices import in_order

if TYPE_CHECKING:
    from extproc.pii.pieces import Cut

Window = tuple[int, int]

REACH: Final = 96
"""A window ends this many characters from its cue where no sentence ends before."""
LONGEST_ANNOUNCED: Final = 320
"""Characters of a text that is read as a whole because its key announces a name."""
JOIN: Final = 24
"""Windows nearer than this are one."""
LONGEST: Final = 1000
"""Windows are not joined beyond this: the budget stops between two."""
CASUAL: Final = 400
"""In texts up to this length that have no capitalised cue, any unknown word in lower case is one: people type so."""
ACRONYM: Final = 4
NEAR: Final = 64
"""How far from a street's word its number is looked for."""
TIMES: Final = 2
"""How often the model reads about one word of a text: what it is there, it is wherever else it stands."""

_WORDS: Final = re.compile(r"([^\W\d_]+)")
_WORD: Final = re.compile(r"[^\W\d_]+")
_GLUE: Final = frozenset("@#_/\\0123456789")
_GLUE_AFTER: Final = frozenset("@_/\\(=0123456789")
_PHRASE_WORDS: Final = forms(
    "mr mrs ms miss mx dr prof professor sir dame lady herr frau madame señor señora monsieur name attn"
)
_PHRASE: Final = re.compile(
    r"\b(?:(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|lady|herr|frau|madame|señora?|monsieur|attn)\b\.?[ :]+(?=[^\W\d_])"
    r"|name is +(?=[^\W\d_])|name[\"']?[ \t]*[:=|])",
    re.IGNORECASE,
)
STREET_WORDS: Final = forms(
    "street st road rd avenue ave lane ln drive dr court ct place pl square sq way boulevard blvd terrace close crescent "
    "gardens hill highway hwy parkway pkwy row mews circle alley walk marg nagar colony rue calle via viale piazza "
    "avenida rua ulica ul strada al os pl av avda travessa alameda corso jalan jl plaza praça carrer apt apartment "
    "flat suite unit house box chemin route rte "
    "fm carrera cra kr cll diagonal transversal plot"
)
_LED: Final = _PHRASE_WORDS | STREET_WORDS
"""Words that are a cue only with what stands beside them."""
STREET_ENDS: Final = (
    "straße",
    "strasse",
    "straat",
    "gatan",
    "vej",
    "veien",
    "gasse",
    "platz",
    "laan",
    "weg",
    "katu",
    "utca",
)
_STREET_KINDS: Final = (
    r"street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|place|pl|square|sq|way|boulevard|blvd|terrace|close|crescent|gardens|"
    r"hill|highway|hwy|parkway|pkwy|row|mews|circle|alley|walk|marg|nagar|colony"
)
_STREET: Final = re.compile(
    rf"\b\d{{1,5}}[a-z]?,?(?: \d/\d)?(?: (?:[^\W\d_]|\d{{1,3}}(?:st|nd|rd|th))[\w'’.-]*){{1,4}}? (?:{_STREET_KINDS})\b"
    r"|\b\d{1,6}[a-z]?,? (?:[nsew]{1,2}\.? )?(?:county |state |us |rural |farm |old )?(?:road|rd|route|rte|highway|hwy|fm) \d"
    r"|\b(?:rue|calle|via|viale|piazza|avenida|rua|ulica|ul|al|os|pl|strada|jalan|jl|av|avda|travessa|alameda|corso|plaza|praça|carrer|apt|apartment|flat|suite|unit|"
    r"house no)\b[^\n\d]{0,40}\d"
    r"|\b(?:carrera|cra|kr|cll|diagonal|transversal)\b\.? \d{1,3}[a-z]? ?(?:#|no\.?|n°) ?\d"
    r"|\bbox \d|\b\d{1,5}[a-z]?,? (?:rue|avenue|boulevard|bd|chemin|place) ",
    re.IGNORECASE,
)
_DIGIT: Final = re.compile(r"\d")
_STOP: Final = re.compile(r"[.!?](?=\s)")
_ABBREVIATED: Final = re.compile(
    r"(?:(?<![^\W_])[A-Z]|\b(?:Dr|Mr|Ms|Mrs|St|Jr|Sr|Prof|Rev|Sen|Gov|Gen|Col|Lt|Capt|Inc|No|vs)) ?$"
)


@cache
def _everyday() -> frozenset[str]:
    """Words, however they are written, that are no cue where only people are looked for."""
    places = load("places")
    return forms((load("common") | places) - (ALSO_NAMES & places))


class Cues:
    """Finds the windows. `places`: countries, towns, firms are cues too, for the types LOCATION and ORGANIZATION."""

    def __init__(self, *, places: bool = False) -> None:
        self._given, self._places, self._common, self._ambiguous = (
            load(n) for n in ("given", "places", "common", "ambiguous")
        )
        self._dictionary = load("dictionary")
        self._wants_places = places
        self._known = self._common | self._places | self._ambiguous
        self._quiet = self._common if places else _everyday()
        self._silent = self._quiet - _LED
        self._lower_cues = self._given | self._places if places else self._given
        self._pieces = Pieces(self._words)

    def windows(self, cut: Cut, key: str | None = None) -> list[Window]:
        """Parts of the text that may hold a name, in order, none overlapping another."""
        text = cut.text
        if key is not None and len(text) <= LONGEST_ANNOUNCED and announces(key):
            return [(0, len(text))] if text.strip() else []
        out: list[Window] = []
        marks = self._marks(cut)
        if not marks:
            return out
        seen: dict[str, int] = {}
        for at, word in in_order(marks, key=itemgetter(0, 1)):
            times = seen[word] = seen.get(word, 0) + 1
            if (out and at < out[-1][1]) or (word and times > TIMES):
                continue
            start, end = _sentence(text, at)
            if out and start - out[-1][1] < JOIN and end - out[-1][0] <= LONGEST:
                out[-1] = (out[-1][0], end)
            else:
                out.append((max(start, out[-1][1]) if out else start, end))
        return out

    def _marks(self, cut: Cut) -> list[tuple[int, str]]:
        """Positions of cues, and the word where it is a word that means the same wherever it stands."""
        text = cut.text
        if len(text) <= CASUAL:
            return self._read(text, 0, len(text), casual=True)
        marks: list[tuple[int, str]] = []
        for start, end, words in self._pieces.busy(cut):
            if words is None:
                marks += self._read(text, start, end)
            else:
                for first, last, sure, doubtful in words:
                    _mark(marks, text, start + first, text[start + first : start + last], sure=sure, doubtful=doubtful)
        return marks

    def _words(self, piece: str) -> tuple[tuple[int, int, bool, bool], ...]:
        """Of the words of a piece that are or may be cues where they stand in it, and whether they are sure or doubtful ones:
        not the words, which are their sender's.
        """
        sure, doubtful, _ = self._hits({*_WORD.findall(piece)} - self._quiet)
        return tuple(
            (*match.span(), match[0] in sure, match[0] in doubtful)
            for match in _WORD.finditer(piece)
            if match[0] in sure or match[0] in doubtful or match[0] in _LED
        )

    def _read(self, text: str, start: int, end: int, *, casual: bool = False) -> list[tuple[int, str]]:
        """The cues between two positions, met word by word."""
        pieces = _WORDS.split(text[start:end])  # signs, word, signs, word, ...
        different = set(pieces[1::2])
        if different <= self._silent:
            return []
        sure, doubtful, unknown = self._hits(different - self._quiet)
        if casual and not sure:
            sure = unknown
        led = different & _LED
        if not (sure or doubtful or led):
            return []
        wanted = sure | doubtful | led
        hits = [nth for nth in range(1, len(pieces), 2) if pieces[nth] in wanted]
        ends = list(accumulate(map(len, pieces), initial=start))
        marks: list[tuple[int, str]] = []
        for nth in hits:
            word = pieces[nth]
            _mark(marks, text, ends[nth], word, sure=word in sure, doubtful=word in doubtful)
        return marks

    def _hits(self, words: set[str]) -> tuple[set[str], set[str], set[str]]:
        """Words that are a cue wherever they stand, words that are one in some places only, and unknown ones in lower case."""
        sure: set[str] = set()
        doubtful: set[str] = set()
        unknown: set[str] = set()
        for word in words:
            low = word.lower()
            if word == low:
                if low in self._lower_cues or low.endswith(STREET_ENDS):
                    sure.add(word)
                elif low not in self._known and len(word) > 2 and low not in self._dictionary:
                    unknown.add(word)
            elif len(word) > 1 and word.isupper():
                if low in self._given or (len(word) > ACRONYM and low not in self._known) or self._wants_places:
                    sure.add(word)
            elif len(word) > 1:
                (doubtful if low in self._ambiguous or low in self._common else sure).add(word)
        return sure, doubtful, unknown


def _mark(marks: list[tuple[int, str]], text: str, start: int, word: str, *, sure: bool, doubtful: bool) -> None:
    """Add the cues that a word is, where it stands."""
    end = start + len(word)
    if word in _LED:
        if word in _PHRASE_WORDS and (phrase := _PHRASE.match(text, start)):
            marks.append((phrase.end(), ""))
        low, high = max(0, start - NEAR), end + NEAR
        numbered = word in STREET_WORDS and _DIGIT.search(text, low, high)
        if numbered and (street := _STREET.search(text, low, high)):
            marks.append((street.start(), ""))
    if not (sure or doubtful):
        return
    if (start and text[start - 1] in _GLUE) or text[end : end + 1] in _GLUE_AFTER:
        return
    if sure:
        marks.append((start, word))
    elif _stands_apart(text, start, end):
        marks.append((start, ""))


def _stands_apart(text: str, start: int, end: int) -> bool:
    """A name that is an everyday word too (Will, Grace): a cue inside a sentence, beside a capital, or before what people do."""
    before = text[max(0, start - 8) : start].rstrip(" ")[-1:]
    if before and before not in '.!?:\n"“(>*-#|':
        return True
    after = text[end : end + 12]
    return bool(after[:1] in {",", "'", "’"} or after[1:2].isupper() or _DEED.match(after))


_DEED: Final = re.compile(
    r" (?:is|was|has|had|will|and|said|[a-z]{2,}ed|[a-z]{2,}s|sent|gave|paid|forgot|lost|told|left|bought|wrote|split|"
    r"quit|broke|got|rang|"
    r"drove|didn't|never|still|already|thought)\b"
)


_BREAKS: Final = "\n\t|"
_BREAKS_BEFORE: Final = "\n\t|;"
"""What ends a sentence as a full stop does: a semicolon only where it stands before."""


def _sentence(text: str, at: int) -> Window:
    """The sentence around a position, cut at REACH."""
    low, high = max(0, at - REACH), min(len(text), at + REACH)
    before, after = text[low:at], text[at + 1 : high]
    start = max(_last_end(text, low, at), low + max(map(before.rfind, _BREAKS_BEFORE)) + 1)
    if start <= low:
        start = low
        if low and (space := text.find(" ", low, at)) >= 0:
            start = space + 1
    end = _next_end(text, at, high)
    for sign in _BREAKS:
        if sign in after:
            end = min(end, at + 1 + after.index(sign))
    if end == high < len(text) and (space := text.rfind(" ", at, high)) > at:
        end = space
    return start, end


def _last_end(text: str, low: int, at: int) -> int:
    """One past the last full stop before a position, or `low`."""
    while at > low:
        stop = max(text.rfind(". ", low, at), text.rfind("! ", low, at), text.rfind("? ", low, at))
        if stop < 0:
            return low
        if _ends_sentence(text, stop):
            return stop + 1
        at = stop
    return low


def _next_end(text: str, at: int, high: int) -> int:
    """One past the next full stop after a position, or `high`."""
    for match in _STOP.finditer(text, at + 1, high):
        if _ends_sentence(text, match.start()):
            return match.end()
    return high


def _ends_sentence(text: str, stop: int) -> bool:
    """Not after an initial, a title or an abbreviation, and not before a word in lower case."""
    if text[stop + 1 : stop + 4].lstrip()[:1].islower():
        return False
    return text[stop] != "." or _ABBREVIATED.search(text, max(0, stop - 6), stop) is None
