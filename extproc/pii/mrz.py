"""Machine-readable lines of travel documents (ICAO 9303): name, number, birth and sex at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES: Final = re.compile(
    r"(?<![A-Z0-9<])(?:[PVIAC][A-Z<][A-Z<]{3}[A-Z<]{2,39}<<[A-Z<]{1,39}(?:\s{1,12}[A-Z0-9<]{28,44})?"
    r"|[IAC][A-Z<][A-Z<]{3}[A-Z0-9<]{25}\s{1,12}[0-9]{6}[0-9<][MFX<][A-Z0-9<]{22}(?:\s{1,12}[A-Z<]{30})?)(?![A-Z0-9<])"
)


def lines(text: str) -> Iterator[Finding]:
    """Every one."""
    for match in _LINES.finditer(text):
        yield Finding("PASSPORT", *match.span(), 0.95, ("machine-readable lines",), rank=2.0)
