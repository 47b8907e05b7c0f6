"""Private keys written out: PEM, OpenSSH, SSH2, PGP and OpenVPN blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN: Final = re.compile(r"-{4,5} ?BEGIN ([A-Za-z0-9 ]{0,40}(?:PRIVATE KEY(?: BLOCK)?|Static key V1)) ?-{4,5}")
_LONGEST_HEADER: Final = 90
_FILL: Final = r"(?:[\s\"'+,>|]|\\{1,2}[nr])"
_HEADERS: Final = r"(?:[A-Z][A-Za-z-]{3,20}: [^\n]{0,120}\n\s{0,8}|\n){0,6}"
_BODY: Final = re.compile(
    rf"{_FILL}{{0,40}}{_HEADERS}{_FILL}{{0,40}}[A-Za-z0-9+/=]{{16,}}"
    rf"(?:{_FILL}{{1,40}}[A-Za-z0-9+/=]{{24,}})*+(?:{_FILL}{{1,40}}[A-Za-z0-9+/=]{{1,63}}(?=\\?[\s\"'nr]*(?:-|=|\Z)))?"
    rf"(?:{_FILL}{{1,40}}=[A-Za-z0-9+/]{{4}})?"
)
"""Lines of base64, the last one shorter, and the checksum of OpenPGP."""
_MOST_BETWEEN: Final = 80


CERTAIN: Final = 1.0
ABOVE_ALL: Final = 4.0
"""Score and rank: a block says what it is, and goes with all that stands in it."""


def private_keys(text: str) -> Iterator[Finding]:
    """The blocks, each to its end or as far as its base64 goes. A header without base64 is a mention."""
    at = text.find("BEGIN ")
    while at >= 0:
        begin = _BEGIN.search(text, max(0, at - 6), at + _LONGEST_HEADER)
        body = _BODY.match(text, begin.end()) if begin and begin.start() < at else None
        end = at
        if begin and body:
            end = body.end()
            closing = text.find(f"END {begin[1]}", end, end + _MOST_BETWEEN + len(begin[1]))
            if closing >= 0:
                end = closing + len(f"END {begin[1]}")
                dashes = text[end : end + 6]
                end += len(dashes) - len(dashes.lstrip(" -"))
            yield Finding("PRIVATE_KEY", begin.start(), end, CERTAIN, ("PEM block",), rank=ABOVE_ALL)
        at = text.find("BEGIN ", max(end, at + 1))
