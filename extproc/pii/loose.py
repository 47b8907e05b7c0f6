"""Numbers right after their label that something has torn: spaced digit by digit, dotted, broken over two lines, misread.

Read only there, because nothing but the label holds such a value together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii import cards, checksums, ibans, led
from extproc.pii.finding import Finding
from extproc.pii.recognizer import Recognizer, expand
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.pii.vocabulary import Label

TORN, HIDDEN_CARD, TORN_PHONE, TORN_IBAN, TORN_AND_BROKEN = 0.84, 0.8, 0.7, 0.6, 0.56
"""Scores: each a step below what `numbers` gives the same value untorn, so that one that stands in one piece goes before it;
at the end what neither a check nor its form holds together."""
ABOVE_ITS_LINE, ABOVE_ITS_GROUPS = 0.3, 1.0
"""Ranks: of a number over two lines the first is one as well, and so is each group of an IBAN."""
_MISREAD = str.maketrans("OoQlIi|SsBZ", "00011115582")
_DIGIT = re.compile(r"[0-9]")
_BETWEEN = " .-/_>\n\r\t"
_BETWEEN_OF_CARD = _BETWEEN + ",:|·()"
"""A card's range, length and check prove it, however its groups are parted."""
_MOST_BETWEEN = 14
"""Separators between two characters: a break of the line and the indentation below it."""
_MOST_BREAKS, _MOST_BREAKS_OF_CARD = 2, 3
_LONGEST = 28
_REACH = 48
"""How far from a label its number begins at most."""
_CARD = frozenset({"CREDIT_CARD"})
_PHONE = re.compile(r"(?:\+|00)?[0-9(][0-9 ().\-/]{1,20}(?:\r?\n[ \t]{0,8})[0-9][0-9 .\-/]{1,16}(?![0-9A-Za-z])")


class Loose:
    """The shapes without separators of the types that have a checksum, by type."""

    def __init__(self, recognizers: Iterable[Recognizer]) -> None:
        self._shapes: dict[str, list[tuple[str, str]]] = {}
        for recognizer in recognizers:
            if recognizer.check is None:
                continue
            for shape in expand(recognizer.shapes):
                whole = shape.replace("-", "")
                listed = self._shapes.setdefault(recognizer.entity_type, [])
                if len(whole) >= 8 and whole.count("9") >= 6 and (whole, recognizer.check) not in listed:
                    listed.append((whole, recognizer.check))
        for listed in self._shapes.values():
            listed.sort(key=lambda item: -len(item[0]))
        self.entity_types = frozenset(self._shapes) | {"IBAN_CODE", "PHONE_NUMBER"}
        """The types that are read here."""

    def find(self, starts: led.Starts, labels: Iterable[Label], taken: set[int]) -> list[Finding]:
        """What stands after a label and begins at no position of `taken`."""
        text, found = starts.text, []
        for label in in_slices(labels, 256):
            kinds = label.kinds & self.entity_types
            if not kinds or not _DIGIT.search(text, label.end, label.end + _REACH):
                continue
            for at in starts.of(label):
                finding = self._at(text, at, kinds, taken=at in taken)
                if finding:
                    found.append(finding)
                    break
        return found

    def _at(self, text: str, at: int, kinds: frozenset[str], *, taken: bool) -> Finding | None:
        """What begins here."""
        if "IBAN_CODE" in kinds and text[at : at + 1].isalpha() and (finding := _iban(text, at)):
            return finding
        if "PHONE_NUMBER" in kinds and (finding := _phone(text, at, taken=taken)):
            return finding
        if "CREDIT_CARD" in kinds and (finding := self._card(text, at)):
            return finding
        if taken or not text[at : at + 1].isalnum():
            return None
        chars, ends = _collect(text, at, _LONGEST)
        read = (self._read(text, at, kind, chars, ends) for kind in (kinds - _CARD) & self._shapes.keys())
        return max(filter(None, read), key=lambda f: f.score, default=None)

    def _card(self, text: str, at: int) -> Finding | None:
        """The card that begins here, whatever parts its groups; of one whose middle is hidden, what is left."""
        hidden = cards.HIDDEN.match(text, at) or cards.last_digits(text, at)
        if hidden:
            return Finding("CREDIT_CARD", *hidden.span(), HIDDEN_CARD, ("first and last digits", "label before"))
        at += text[at : at + 1] == "("
        if not text[at : at + 1].isalnum():
            return None
        return self._read(text, at, "CREDIT_CARD", *_collect(text, at, _LONGEST, card=True))

    def _read(self, text: str, at: int, kind: str, chars: str, ends: list[int]) -> Finding | None:
        best = None
        for shape, check in self._shapes[kind]:
            length = len(shape)
            if len(chars) < length or text[ends[length - 1] : ends[length - 1] + 1].isalnum():
                continue
            end = ends[length - 1]
            value = _as(shape, chars[:length])
            if value is None or (kind in _CARD and cards.ISSUERS.fullmatch(value) is None):
                continue
            if checksums.valid(check, value):
                return Finding(kind, at, end, TORN, ("torn", f"checksum {check}", "label before"))
            best = best or Finding(kind, at, end, TORN_AND_BROKEN, ("torn", "checksum fails", "label before"))
        return best if kind not in _CARD else None


def _phone(text: str, at: int, *, taken: bool) -> Finding | None:
    """A telephone number over two lines, if it is as long as one only with the second."""
    match = _PHONE.match(text, at)
    if match is None:
        return None
    first, _, rest = match.group().partition("\n")
    end = at + len(match.group().rstrip(" .-/"))
    digits = sum(map(str.isdigit, first))
    if taken and (digits > _ALONE or text[end : end + 1] not in _LINE_ENDS):
        return None  # what stands on the next line is something else
    digits += sum(map(str.isdigit, rest))
    if not _ALONE < digits <= _MOST_DIGITS:
        return None
    return Finding("PHONE_NUMBER", at, end, TORN_PHONE, ("torn", "label before"), rank=ABOVE_ITS_LINE)


_ALONE, _MOST_DIGITS = 8, 15
"""Digits of a short local number, and of the longest there is (E.164)."""
_LINE_ENDS = ("", "\n", "\r", ".", ",", ";", ")")


def _collect(text: str, at: int, length: int, *, card: bool = False) -> tuple[str, list[int]]:
    """The next letters and digits, over separators and two breaks of the line; and where each ends."""
    parting, most = (_BETWEEN_OF_CARD, _MOST_BREAKS_OF_CARD) if card else (_BETWEEN, _MOST_BREAKS)
    chars: list[str] = []
    limit = min(len(text), at + 3 * length + _MOST_BETWEEN)
    separated, broken = 0, 0
    ends: list[int] = []
    while at < limit and len(chars) < length:
        char = text[at]
        if char.isascii() and char.isalnum():
            chars.append(char)
            separated = 0
            ends.append(at + 1)
        elif char in parting and separated < (_MOST_BETWEEN if broken else 4) and (char != "\n" or broken < most):
            separated += 1
            broken += char == "\n"
        else:
            break
        at += 1
    return "".join(chars), ends


def _as(shape: str, chars: str) -> str | None:
    """The characters as this shape has them, letters that were digits turned back; None if they cannot be."""
    out = []
    for wanted, char in zip(shape, chars, strict=True):
        read = char.translate(_MISREAD) if wanted == "9" else char
        if read.isdigit() != (wanted == "9"):
            return None
        out.append(read)
    if sum(char.isdigit() for char in chars) < 3:
        return None
    return "".join(out)


def _iban(text: str, at: int) -> Finding | None:
    """Two letters, and digits enough for the country."""
    length = ibans.LENGTHS.get(_collect(text, at, 2)[0])
    if length is None:
        return None
    chars, ends = _collect(text, at, length)
    if len(chars) < length or sum(c.isdigit() for c in chars) < 10 or text[ends[-1] : ends[-1] + 1].isalnum():
        return None
    end = ends[-1]
    return Finding("IBAN_CODE", at, end, TORN_IBAN, ("torn", "label before"), rank=ABOVE_ITS_GROUPS)
