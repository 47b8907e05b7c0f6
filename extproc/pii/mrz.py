"""Machine-readable lines of travel documents (ICAO 9303): name, number, birth and sex at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES: Final = re.compile(
    r"[PVIAC](?<![A-Z0-9<].)(?:[A-Z<][A-Z<]{3}[A-Z<]{2,39}<<[A-Z<]{1,39}(?:\s{1,12}[A-Z0-9<]{28,44})?"
    r"|(?<=[IAC])[A-Z<][A-Z<]{3}[A-Z0-9<]{25}\s{1,12}[0-9]{6}[0-9<][MFX<][A-Z0-9<]{22}(?:\s{1,12}[A-Z<]{30})?)"
    r"(?![A-Z0-9<])"
)


SCORE: Final = 0.95
"""Nothing else has this form."""
WHOLE: Final = 2.0
"""Rank: the lines go with the name, the numbers and the dates in them."""


def lines(text: str) -> Iterator[Finding]:
    """Every one."""
    for match in _LINES.finditer(text):
        yield Finding("PASSPORT", *match.span(), SCORE, ("machine-readable lines",), rank=WHOLE)
