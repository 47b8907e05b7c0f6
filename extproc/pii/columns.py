"""Values whose label is the head of their column, or the JSON key of the whole text: the cell is the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.pii.finding import Finding
from extproc.pii.led import DATE, DATE_SCORE, SHAPE_SCORE
from extproc.pii.passwords import LABELLED, USER_SCORE, is_name, is_secret

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from extproc.pii.recognizer import Recognizer

_LONGEST_CELL = 128


def value(
    text: str,
    span: tuple[int, int],
    kinds: frozenset[str],
    led: dict[str, list[tuple[Recognizer, re.Pattern[str]]]],
    where: str,
) -> Iterator[Finding]:
    """What a cell is that a label names as a whole."""
    start, end = span
    if not 0 < end - start <= _LONGEST_CELL:
        return
    content = text[start:end]
    for kind in kinds:
        if (
            kind == "PASSWORD"
            and " " not in content
            and is_secret(content, quoted=False, sign=True, announced=True, short=False)
        ):
            yield Finding(kind, start, end, LABELLED, (where,))
        elif kind == "USERNAME" and " " not in content and len(content) > 2 and is_name(content, quoted=True):
            yield Finding(kind, start, end, USER_SCORE, (where,))
        elif kind == "DATE_OF_BIRTH" and DATE.match(content):
            yield Finding(kind, start, end, DATE_SCORE, ("date", where))
        for recognizer, pattern in led.get(kind, ()):
            if pattern.fullmatch(content) and sum(c.isdigit() for c in content) >= recognizer.least_digits_of_cell:
                yield Finding(kind, start, end, SHAPE_SCORE, ("shape", where))
