"""Tricks of spelling undone: what a text reads like to a model, beside what it is spelled as."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import Final, NamedTuple

from extproc.pii.fold import fold

_LOOKALIKES: Final = str.maketrans(
    "авекмнорстухіјѕԁԛԝАВЕКМНОРСТУХІЈЅαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abekmhopctyxijsdqwABEKMHOPCTYXIJSaeiknoptuxABEZHIKMNOPTYX",
)
"""Letters of other scripts that look like Latin ones."""
_MIXED: Final = re.compile(r"(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[\u0370-\u052f])[^\W\d_]+")
_MARKS: Final = re.compile("[\u0300-\u036f]+")
_DIGITS: Final = str.maketrans("013457@$|", "oieastasi")
_LEET_HINT: Final = re.compile(r"[A-Za-z][013457@$|][A-Za-z]")
_LEET: Final = re.compile(
    r"(?<![\w@$])(?=[\w@$|]*[A-Za-z][013457@$|]|[\w@$|]*[013457@$|][A-Za-z])[A-Za-z013457@$|]{4,24}(?![\w@$])"
)
_LEAST_LEET: Final = 2
_SPACED: Final = re.compile(r"(?<!\w)(?:[^\W\d_][ ._*\-]){4,80}[^\W\d_](?!\w)")
_GAPS: Final = re.compile(r"[ ._*\-]")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,8192}={0,2}")
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ ]?){12,4096}(?![0-9A-Fa-f])")
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


class Reading(NamedTuple):
    """A way to read a text."""

    how: str
    """`text`, `respelled`, or what it was decoded from."""
    text: str


def readings(text: str) -> list[Reading]:
    """The text itself, folded; the same with tricks undone, where there are any; what encoded passages in it say."""
    folded = fold(text).text
    found = [Reading("text", folded)]
    respelled = _respelled(folded)
    if respelled != folded:
        found.append(Reading("respelled", respelled))
    found += _decoded(folded)
    return found


def _respelled(text: str) -> str:
    if not text.isascii():
        text = _MARKS.sub("", text)
        text = _MIXED.sub(lambda match: match[0].translate(_LOOKALIKES), text)
    if _LEET_HINT.search(text) and sum(1 for _ in _LEET.finditer(text)) >= _LEAST_LEET:
        text = _LEET.sub(lambda match: match[0].translate(_DIGITS), text)
    return _SPACED.sub(lambda match: _GAPS.sub("", match[0]), text)


def _decoded(text: str) -> list[Reading]:
    found: list[Reading] = []
    for match in _BASE64.finditer(text):
        said = _from_base64(match[0])
        if said is not None:
            found.append(Reading("base64", said))
        if len(found) >= MOST_DECODED:
            return found
    for match in _HEX.finditer(text):
        said = _readable(bytes.fromhex(match[0].replace(" ", "")))
        if said is not None:
            found.append(Reading("hex", said))
        if len(found) >= MOST_DECODED:
            return found
    lower = text.lower()
    for line in text.splitlines() if any(hint in lower for hint in _ROT13_HINTS) else ():
        if sum(1 for _ in _ROT13.finditer(line)) >= _LEAST_ROT13:
            found.append(Reading("rot13", codecs.decode(line, "rot13")))
        if len(found) >= MOST_DECODED:
            break
    return found


def _from_base64(text: str) -> str | None:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return _readable(base64.b64decode(plain + "=" * (-len(plain) % 4)))
    except (binascii.Error, ValueError):
        return None


def _readable(data: bytes) -> str | None:
    """The bytes as a text that somebody may have written; None: they are none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    said = len(_READABLE.findall(text))
    return fold(text).text if said >= _LEAST_READABLE * len(text) and " " in text.strip() else None
