"""Bare dates: off until `DATE_TIME` is named in `pii.entities`."""

from __future__ import annotations

import re

from extproc.pii.finding import Finding
from extproc.pii.led import DATE
from extproc.slices import matches

ISO, IN_WORDS, WITHOUT_YEAR = 0.8, 0.75, 0.6
"""Scores: below a date of birth (`led.DATE_SCORE`), and of each other by how few other things look like them."""
_ISO = re.compile(
    r"(?<![\w.-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|"
    r"[+-][0-9]{2}:?[0-9]{2})?)?(?![\w-])"
)
_SHORT = re.compile(r"(?<![\w./-])(?:0?[1-9]|1[0-2])/(?:0[1-9]|[12][0-9]|3[01])(?![\w/.-])")
_START = re.compile(r"(?<![\w./-])(?=[0-9]|[a-zA-Z]{3})")


def bare(text: str) -> list[Finding]:
    """Every date with a day."""
    found = [Finding("DATE_TIME", *m.span(), ISO, ("date",)) for m in matches(_ISO, text, 0, len(text))]
    found += [Finding("DATE_TIME", *m.span(), WITHOUT_YEAR, ("date",)) for m in matches(_SHORT, text, 0, len(text))]
    for start in matches(_START, text, 0, len(text)):
        match = DATE.match(text, start.start())
        if match:
            found.append(Finding("DATE_TIME", *match.span(), IN_WORDS, ("date",)))
    return found
