"""The one scan: a text in a single pass -> its tokens of interest and its labels.

Each alternative begins with characters of its own and repeats no group that could match the same text in two ways, so
the pass is linear. It decides nothing: what a token is, `analyzer.py` finds out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from extproc.pii.pieces import BLOCK, GAP, LONGEST_WORD, SHORT, Pieces
from extproc.pii.vocabulary import IDLE_WORDS, Label, Vocabulary
from extproc.pii.vocabulary import WORD as WORDS
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from extproc.pii.pieces import Cut
    from extproc.pii.vocabulary import Phrases

_CJK = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LETTER = rf"[^\W\d_{_CJK}]"
_LOCAL = r"a-zA-Z0-9_%+\u00c0-\u024f\u0400-\u04ff"
_HOST = r"a-zA-Z0-9_\u00c0-\u024f\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff"
_GROUP = r"[A-Za-z]*[0-9][A-Za-z0-9]*"

_OTHER = (
    rf"[{_LOCAL}.-]{{1,64}}@|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?![0-9])"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]"
)
"""What a chain may not run into: it begins a token of its own."""

_VECTOR = r"(?:[-+]?[0-9]{1,3}\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?[,\s\]]{1,4}){6,}+"
"""Numbers of a vector: nobody's."""
_FORMS = {
    "word": rf"{_LETTER}++(?![\w@.+-]|:[/:0-9A-Fa-f])",
    "email": rf"[{_LOCAL}][{_LOCAL}.-]{{0,63}}@(?:[{_HOST}-]{{1,63}}\.){{1,8}}[^\W\d_](?:[{_HOST}-]{{0,61}}[{_HOST}])",
    "uuid": r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![\w-])",
    "url": r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|www\.(?=[a-zA-Z0-9])",
    "colons": r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4})",
    "hyphens": r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}(?![\w-])|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])",
    "ipv4": r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])",
    "phone": (
        r"\+\(?[0-9][0-9 ().\-/]{5,22}[0-9](?![A-Za-z]|_[0-9])|"
        r"\(\+?[0-9]{1,5}\)[ .\-/]{0,3}[0-9][0-9 .\-/]{3,16}[0-9](?![A-Za-z_])"
    ),
    "chain": (rf"{_GROUP}(?:(?:[./-]| (?!{_OTHER}))(?:{_GROUP}|(?P<capitals>[A-Z]{{1,4}})(?![A-Za-z0-9_]))){{0,63}}"),
    "domain": r"(?:[a-zA-Z0-9-]{1,63}\.){1,6}[a-zA-Z]{2,24}(?![\w@-]|\.[\w])",
    "plain": rf"{_LETTER}+",
    "script": rf"[{_CJK}]+(?: [\uac00-\ud7af]+){{0,3}}",
}
"""What a token looks like, in the order in which they are tried: a text is read as the first that matches."""
_SKIPPED = r"[\s\"',;{}\[\]<>=!?*&#|^~$`)]*+"
"""What no token begins with, skipped in one go."""
SCAN = re.compile(rf"(?:{_VECTOR}|{'|'.join(f'(?P<{name}>{form})' for name, form in _FORMS.items())}){_SKIPPED}")

WORD = SCAN.groupindex["word"]
EMAIL = SCAN.groupindex["email"]
UUID = SCAN.groupindex["uuid"]
URL = SCAN.groupindex["url"]
COLONS = SCAN.groupindex["colons"]
HYPHENS = SCAN.groupindex["hyphens"]
IPV4 = SCAN.groupindex["ipv4"]
PHONE = SCAN.groupindex["phone"]
CHAIN = SCAN.groupindex["chain"]
CAPITALS = SCAN.groupindex["capitals"]
"""Those of a chain, within it."""
DOMAIN = SCAN.groupindex["domain"]
PLAIN = SCAN.groupindex["plain"]
SCRIPT = SCAN.groupindex["script"]


WINDOW = 2**14
"""Characters that are searched in one call: some milliseconds where no token begins."""
BEYOND = 2**11
"""So much more is looked at, for the rest of a token that begins within the window."""
FEW = 2**11
"""Shorter stretches are read match by match, longer ones window by window, as is the sooner for each."""
COMPOUNDS = ("password", "passwd", "passwort", "kennwort", "passphrase", "wachtwoord")
"""Ends of compound words that are labels as those are: `PGPASSWORD`."""
_TELEPHONES = frozenset("\u260e\u260f\u2706\U0001f4de\U0001f4df\U0001f4f1\U0001f4f2\U0001f919")
"""Pictures of telephones, which say what follows them."""
_ASSIGNS = frozenset("=:")
_ABBREVIATES = frozenset(".:") | _TELEPHONES
LONGEST_IDLE = 24
"""Longer words are seldom met again."""


@dataclass(slots=True)
class Tokens:
    """What the scan saw, each in the order of the text."""

    found: list[tuple[int, int, int]] = field(default_factory=list)
    """Kind, start, end of all but words."""
    words: list[tuple[int, int]] = field(default_factory=list)
    """Words that may begin a secret."""
    labels: list[Label] = field(default_factory=list)


class Scanner:
    """Reads texts, each once, for the labels of one vocabulary. Shared by threads."""

    def __init__(self, vocabulary: Vocabulary, keys: Container[str]) -> None:
        """`keys`: lower-case words, and beginnings of words, that may begin a secret."""
        self._vocabulary, self._keys = vocabulary, keys
        self._pieces = Pieces(self._words)

    def __call__(self, cut: Cut) -> Tokens:
        """The tokens and labels of a text."""
        text = cut.text
        reading = _Reading(text, self._vocabulary, self._keys)
        if len(text) < SHORT:
            reading.read(SCAN.finditer(text))
            return reading.tokens
        for start, end, words in self._pieces.busy(cut):
            if words is None or start < reading.end:
                for matches in reading.matches(start, end):
                    reading.read(matches)
            else:
                for first, last, begun in words:
                    if begun is None:
                        reading.word(start + first, start + last)
                    elif text[start + last : start + last + 2] not in begun.none_before:
                        reading.phrase(start + first, start + last, begun)
        return reading.tokens

    def _words(self, piece: str) -> tuple[tuple[int, int, Phrases | None], ...] | None:
        """The words of a piece that may be labels or begin secrets: where in it, and the phrases where they are no more than
        that; None where the piece holds more than words.
        """
        found: list[tuple[int, int, Phrases | None]] = []
        for match in SCAN.finditer(piece):
            kind = match.lastindex
            if kind not in (WORD, PLAIN):
                return None
            word = match[kind]
            begun = self._vocabulary.begun_by(word)
            if word.lower() in self._keys or word[:4] in self._keys:
                found.append((*match.span(kind), None))
            elif begun is not None or _is_camel(word) or word.lower().endswith(COMPOUNDS):
                found.append((*match.span(kind), begun))
        return tuple(found)


class _Reading:
    """One text on its way through the scan."""

    __slots__ = ("_keys", "_labelled", "_text", "_vocabulary", "end", "tokens")

    def __init__(self, text: str, vocabulary: Vocabulary, keys: Container[str]) -> None:
        self._text, self._vocabulary, self._keys = text, vocabulary, keys
        self.tokens = Tokens()
        self.end = 0
        """What stands before has been read."""
        self._labelled = 0
        """Where the last label ends."""

    def matches(self, start: int, end: int) -> Iterable[Iterable[re.Match[str]]]:
        """What the scan matches from one gap to another, and on to the gap after the last match; window by window."""
        text = self._text
        if start == 0 and end == len(text) <= WINDOW:
            return (SCAN.finditer(text),)
        if end <= self.end:
            return ()
        start = max(start, self.end)
        return (self._few(start, end),) if end - start < FEW else self._windows(start, end)

    def _few(self, start: int, end: int) -> Iterator[re.Match[str]]:
        """The same of a short stretch, match by match: of what stands behind it, no more is read than tells that it has ended."""
        text = self._text
        limit = end + BEYOND
        for match in SCAN.finditer(text, start, limit + BEYOND):
            if match.start() >= end:
                break
            yield match
            if match.end() >= end:
                stop = match.end(match.lastindex or 0)
                gap = GAP.search(text, stop, stop + LONGEST_WORD)
                end = gap.start() if gap else min(len(text), stop)
                if end <= stop:
                    break
                if end > limit:
                    self.end = match.end()
                    yield from chain.from_iterable(self._windows(match.end(), end))
                    return
        self.end = end

    def _windows(self, start: int, end: int) -> Iterator[list[re.Match[str]]]:
        text = self._text
        limit = min(len(text), end + BLOCK)
        while start < end:
            window = min(end, start + WINDOW)
            after = window
            matches = list(SCAN.finditer(text, start, min(limit, window + BEYOND)))
            while matches and matches[-1].start() >= window:
                matches.pop()
            yield matches
            if matches:
                match = matches[-1]
                after = match.end()
                if after >= end:
                    stop = match.end(match.lastindex or 0)
                    gap = GAP.search(text, stop, min(limit, stop + LONGEST_WORD))
                    end = gap.start() if gap else stop
                    if end <= stop:
                        self.end = end
                        return
            start = max(window, after)
            checkpoint()
        self.end = end

    def read(self, matches: Iterable[re.Match[str]]) -> None:
        """Take in what the scan matches."""
        text, vocabulary = self._text, self._vocabulary
        found, labels, idle = self.tokens.found, self.tokens.labels, vocabulary.idle
        for match in matches:
            kind = match.lastindex
            if kind is None:
                continue
            if kind == WORD or kind == PLAIN:  # noqa: PLR1714, SIM109 - twice as fast as a tuple
                if hash(match[kind]) not in idle:
                    self.word(*match.span(kind))
            elif kind == SCRIPT:
                offset = match.start(kind)
                for written in vocabulary.unspaced.finditer(match[kind]):
                    kinds = vocabulary.written[written.group()]
                    labels.append(Label(offset + written.start(), offset + written.end(), kinds))
            elif kind == DOMAIN:
                found.append((kind, *match.span(kind)))
                self._dotted(*match.span(kind))
            elif kind == CHAIN:
                start = match.start(kind)
                if match[CAPITALS] is not None or (
                    text[start - 2 : start - 1] in _ABBREVIATES
                    and (text[start - 3].isalpha() or text[start - 3] in "#." or text[start - 2] in _TELEPHONES)
                ):
                    self._chain(*match.span(kind), parted=match[CAPITALS] is not None)
                else:
                    found.append((kind, start, match.end(kind)))
            else:
                found.append((kind, *match.span(kind)))

    def _dotted(self, start: int, end: int) -> None:
        """The labels of a name with dots in it, and the last part of it as the name of a setting: `storage.account.key=`."""
        text = self._text
        read = (self._vocabulary.read(text, *word.span()) for word in WORDS.finditer(text, start, end))
        self.tokens.labels += (label for label in read if label is not None and label.end > label.start + 1)
        if text[end : end + 1] in _ASSIGNS:
            last = text.rfind(".", start, end) + 1
            if text[last:end].lower() in self._keys:
                self.tokens.words.append((last, end))

    def _chain(self, start: int, end: int, *, parted: bool) -> None:
        """A chain, and the abbreviation before it."""
        text, vocabulary = self._text, self._vocabulary
        label = _before_number(text, start, vocabulary)
        if label is not None:
            self.tokens.labels.append(label)
        if parted:
            _cut(text, (start, end), vocabulary, self.tokens)
        else:
            self.tokens.found.append((CHAIN, start, end))

    def word(self, start: int, end: int) -> None:
        """A word as a label or the start of a secret, if it is either."""
        vocabulary, keys = self._vocabulary, self._keys
        word = self._text[start:end]
        lower = word.lower()
        secret = lower in keys or word[:4] in keys
        if secret:
            self.tokens.words.append((start, end))
        begun = vocabulary.first.get(lower) if word.isascii() else vocabulary.begun_by(word)
        if begun is not None:
            self.phrase(start, end, begun)
        elif _is_camel(word):
            _split(self._text, start, end, vocabulary, self.tokens.labels)
            if lower.endswith("key"):
                self.tokens.words.append((end - len("key"), end))
        elif not word.isascii():
            return
        elif lower.endswith(COMPOUNDS):
            self.phrase(start, end, vocabulary.first["password"])
        elif not secret and len(vocabulary.idle) < IDLE_WORDS and len(word) <= LONGEST_IDLE:
            vocabulary.idle.add(hash(word))

    def phrase(self, start: int, end: int, begun: Phrases) -> None:
        """A word as the label that it begins, if it does."""
        if start < self._labelled:
            return
        text = self._text
        label = begun.longest(text, start, end)
        if label is None:
            return
        following = text[label.end : label.end + 4]
        if following[:1] == "_" and _goes_on(text, label.end):
            return
        if following == " of " and _SEVERAL.match(text, label.start):
            return
        self.tokens.labels.append(label)
        self._labelled = label.end


def _is_camel(word: str) -> bool:
    """Whether a word is several in camel case."""
    return not word.islower() and not word[1:].islower() and not word.isupper()


_INITIALS = re.compile(r"(?<![\w.])(?P<letters>(?:[A-Za-z]\.){2,5})(?: ?(?:No|Nr|Num|Id|ID|#)\.?)?:?[ #]{1,2}\Z")
_LETTER_LABEL = re.compile(r"(?:\A|[\n|•·,;][ \t]*|[0-9][ \t]{1,3})([MmTtPpCcFfHhWw]): ?\Z")
_NUMBER_SIGN = re.compile(r"\b(?:my|his|her|our|their|new|cell|phone|mobile|contact|home|work) (#): ?\Z", re.IGNORECASE)
_BORN = re.compile(r"(?:\A|[(,;\n] ?)(b\.) \Z")
_REACH_OF_INITIALS = 19
"""Characters of five initials with their full stops, `No.`, a colon and two spaces, and one before them."""


def _before_number(text: str, start: int, vocabulary: Vocabulary) -> Label | None:
    """A label in letters with full stops, `S.S.N. `, or of one letter, `m: `: elsewhere they are no label."""
    low = max(0, start - _REACH_OF_INITIALS)
    if start > 1 and text[start - 2] in _TELEPHONES:
        return Label(start - 2, start - 1, _PHONE)
    initials = _INITIALS.search(text, low, start)
    if initials:
        begun = vocabulary.first.get("".join(filter(str.isalpha, initials["letters"])).lower())
        return Label(*initials.span("letters"), begun.alone) if begun and begun.alone else None
    letter = _LETTER_LABEL.search(text, low, start)
    if letter:
        return Label(*letter.span(1), _PHONE)
    sign = _NUMBER_SIGN.search(text, low, start)
    if sign:
        return Label(*sign.span(1), _PHONE)
    born = _BORN.search(text, low, start)
    return Label(*born.span(1), _BIRTH) if born else None


_PHONE, _BIRTH = frozenset({"PHONE_NUMBER"}), frozenset({"DATE_OF_BIRTH"})


_SEVERAL = re.compile(r"(?i:numbers?) of (?!(?:my|his|her|our|their|your|the|a|an|this|that|mom|mum|dad)\b)[a-z]")
"""The number of what is counted, which is no label: `our number of staff`."""
_ONLY = frozenset("number no nr num value id code masked raw str text hash last new old primary home work".split())


def _goes_on(text: str, end: int) -> bool:
    """Whether a name in snake case goes on after a label, and so names something else: `text_completion`."""
    following = WORDS.match(text, end + 1)
    return following is not None and following.group().lower() not in _ONLY


_CAPS = re.compile(r"(?<=[ ./-])[A-Z]{1,4}(?![A-Za-z0-9_])")


def _cut(text: str, span: tuple[int, int], vocabulary: Vocabulary, tokens: Tokens) -> None:
    """A chain in which a group of capitals is a label: `79030835344 NIP 9473281651` is two chains."""
    start, end = span
    caps = _CAPS.search(text, start, end)
    while caps is not None:
        label = vocabulary.read(text, *caps.span())
        if label is not None:
            if caps.start() - 1 > start:
                tokens.found.append((CHAIN, start, caps.start() - 1))
            tokens.labels.append(label)
            start = min(end, label.end + 1)
        caps = _CAPS.search(text, max(caps.end(), start), end)
    if start < end:
        tokens.found.append((CHAIN, start, end))


_CAMEL = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])")


def _split(text: str, start: int, end: int, vocabulary: Vocabulary, labels: list[Label]) -> None:
    """Labels inside a name in camel case: `customerPhone`, `userSSN`."""
    if end - start > 40:
        return
    pieces = [(start + m.start(), start + m.end()) for m in _CAMEL.finditer(text[start:end])]
    at = 0
    while at < len(pieces):
        label = vocabulary.read_name(text, pieces[at:])
        if label:
            labels.append(label)
            while at < len(pieces) and pieces[at][0] < label.end:
                at += 1
        else:
            at += 1
