"""Tricks of spelling undone: what a text reads like to a model, beside what it is spelled as."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import string
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from extproc.pii.fold import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_LOOKALIKES: Final = str.maketrans(
    "авекмнорстухіјѕԁԛԝАВЕКМНОРСТУХІЈЅαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abekmhopctyxijsdqwABEKMHOPCTYXIJSaeiknoptuxABEZHIKMNOPTYX",
)
"""Letters of other scripts that look like Latin ones."""
_LOOKING_ALIKE: Final = re.compile("[\u0370-\u052f]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile("[A-Za-z]")
_MARKS: Final = re.compile("[\u0300-\u036f]+")
_DIGITS: Final = str.maketrans("013457@$|", "oieastasi")
_DOMAIN: Final = re.compile(r"[.][A-Za-z]")
_SHORTEST_LEET, _LONGEST_LEET = 4, 24
_LEAST_LEET: Final = 2
_SPACED: Final = re.compile(r"(?<!\w)(?:[^\W\d_][ ._*\-]){4,80}[^\W\d_](?!\w)")
_GAPS: Final = re.compile(r"[ ._*\-]")
_HEX: Final = re.compile(rb"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2} ?){12,4096}(?![0-9A-Fa-f])")
_LEAST_BASE64, _MOST_BASE64, _LEAST_HEX = 20, 8192, 24
"""Bytes of a passage."""
_ROT13: Final = re.compile(
    r"\b(?:gur|naq|lbh|lbhe|nyy|vtaber|sbetrg|flfgrz|cebzcg|cebzcgf|cnffjbeq|frperg|vafgehpgvbaf|vafgehpgvba|cerivbhf|cevbe|erirny|ehyrf|"
    r"abj|guvf|jvgu|gryy|zr|ubj|npg|sebz|qb|abg|uvqqra|fnl|cevag|nobir|orsber)\b",
    re.IGNORECASE,
)
_ROT13_HINTS: Final = ("naq", "gur", "nyy", "gryy", "lbh", "vtaber", "flfgrz", "cebzcg", "cnffjbeq", "frperg", "erirny")
"""Of two such words in a line, one is mostly among these: to find out is cheap."""
_LEAST_ROT13: Final = 2
MOST_DECODED: Final = 8
"""Passages of one text that are decoded."""
_READABLE: Final = re.compile(r"[\w\s.,;:!?'\"()/-]")
_LEAST_READABLE: Final = 0.9

# Expressions as these take longer over a text than all else that the first stage does. So the text is spelled with one letter for
# each kind of character, and the shortest thing that an expression can match is looked for in that: it is hardly ever there.
_ALPHA: Final = frozenset(string.ascii_letters)


def _kinds(letter: Callable[[str], bool], other: Callable[[str], bool]) -> bytes:
    return bytes(ord("a") if letter(c) else ord("-") if other(c) else ord(".") for c in map(chr, range(256)))


_LEET_KINDS: Final = _kinds(lambda c: c in _ALPHA, lambda c: c in "013457@$|")
_SPACED_KINDS: Final = _kinds(lambda c: c in _ALPHA or c == "?" or c >= "\x80", lambda c: c in " ._*-")
"""A question mark stands for a character that Latin-1 does not have."""
_TURN: Final = ord("a") + ord("-")
"""A letter beside such a digit."""
_BASE64_BYTES: Final = np.array([c in _ALPHA or c in "0123456789+/_-" for c in map(chr, range(256))])
_HEX_BYTES: Final = np.array([c in string.hexdigits or c == " " for c in map(chr, range(256))])


class Reading(NamedTuple):
    """A way to read a text."""

    how: str
    """`text`, `respelled`, or what it was decoded from."""
    text: str


def readings(text: str) -> list[Reading]:
    """The text itself, folded; the same with tricks undone, where there are any; what encoded passages in it say."""
    folded = fold(text).text
    all_readings = [Reading("text", folded)]
    respelled = _respelled(folded)
    if respelled != folded:
        all_readings.append(Reading("respelled", respelled))
    all_readings += islice(_decoded(folded), MOST_DECODED)
    return all_readings


def _respelled(text: str) -> str:
    if not text.isascii():
        text = _MARKS.sub("", text)
        if _LOOKING_ALIKE.search(text):
            text = _WORD.sub(lambda match: _one_script(match[0]), text)
    characters = text.encode("latin-1", "replace")
    kinds = characters.translate(_LEET_KINDS)
    if b"a-a" in kinds:
        text = _without_leet(text, np.frombuffer(kinds, np.uint8))
    if b"a-a-a-a-a" in characters.translate(_SPACED_KINDS):
        text = _SPACED.sub(lambda match: _GAPS.sub("", match[0]), text)
    return text


def _one_script(word: str) -> str:
    return word.translate(_LOOKALIKES) if _LATIN.search(word) and _LOOKING_ALIKE.search(word) else word


def _without_leet(text: str, kinds: NDArray[np.uint8]) -> str:
    """Digits for letters undone, where more than one word is spelled so. `kinds`: of each character."""
    turns = np.flatnonzero(kinds[1:] + kinds[:-1] == _TURN)
    within = zip(*_runs(kinds != ord("."), _SHORTEST_LEET, turns), strict=True)
    words = [(start, end) for start, end in within if _is_leet(text, start, end)]
    if len(words) < _LEAST_LEET:
        return text
    parts, done = [], 0
    for start, end in words:
        parts += [text[done:start], text[start:end].translate(_DIGITS)]
        done = end
    return "".join([*parts, text[done:]])


def _is_leet(text: str, start: int, end: int) -> bool:
    if end - start > _LONGEST_LEET or _joins(text[start - 1 : start]) or _joins(text[end : end + 1]):
        return False
    if "|" in (text[start], text[end - 1]):  # the edge of a table's cell
        return False
    return not ("@" in text[start:end] and _DOMAIN.match(text, end))  # an address of mail


def _joins(character: str) -> bool:
    return character.isalnum() or character == "_"


def _decoded(text: str) -> Iterator[Reading]:
    """What encoded passages say, as far as somebody may have written it."""
    data = text.encode(errors="replace")
    each = np.frombuffer(data, np.uint8)
    for start, end in zip(*_runs(_BASE64_BYTES.take(each), _LEAST_BASE64), strict=True):
        for at in range(start, end, _MOST_BASE64):
            decoded = _from_base64(data[at : min(end, at + _MOST_BASE64)])
            if decoded is not None:
                yield Reading("base64", decoded)
    for start, end in zip(*_runs(_HEX_BYTES.take(each), _LEAST_HEX), strict=True):
        for match in _HEX.finditer(data[start:end]):
            decoded = _readable(bytes.fromhex(match[0].decode().replace(" ", "")))
            if decoded is not None:
                yield Reading("hex", decoded)
    for line in text.splitlines() if _may_be_rot13(text) else ():
        if sum(1 for _ in _ROT13.finditer(line)) >= _LEAST_ROT13:
            yield Reading("rot13", codecs.decode(line, "rot13"))


def _runs(within: NDArray[np.bool_], least: int, around: NDArray[np.intp] | None = None) -> tuple[list[int], list[int]]:
    """Where so many characters in a row are of a kind begin and end. `around`: only where one of these stands in it."""
    framed = np.zeros(len(within) + 2, bool)
    framed[1:-1] = within
    edges = np.flatnonzero(framed[1:] != framed[:-1])
    starts, ends = edges[::2], edges[1::2]
    wanted = ends - starts >= least
    if around is not None:
        wanted &= around.searchsorted(starts) < around.searchsorted(ends)
    return starts[wanted].tolist(), ends[wanted].tolist()


def _may_be_rot13(text: str) -> bool:
    lower = text.lower()
    for hint in _ROT13_HINTS:
        at = lower.find(hint)
        while at >= 0:
            end = at + len(hint)
            if not (lower[at - 1 : at].isalnum() or lower[end : end + 1].isalnum()):
                return True
            at = lower.find(hint, end)
    return False


def _from_base64(data: bytes) -> str | None:
    plain = data.replace(b"-", b"+").replace(b"_", b"/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return _readable(base64.b64decode(plain + b"=" * (-len(plain) % 4)))
    except (binascii.Error, ValueError):
        return None


def _readable(data: bytes) -> str | None:
    """The bytes as a text that somebody may have written; None: they are none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    words = len(_READABLE.findall(text))
    return fold(text).text if words >= _LEAST_READABLE * len(text) and " " in text.strip() else None
