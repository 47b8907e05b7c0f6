"""Values whose label is the head of their column, or the JSON key of the whole text: the cell is the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.finding import Finding
from extproc.pii.led import DATE, is_name, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.labels import Label, Vocabulary
    from extproc.pii.recognizer import Recognizer

_DELIMITERS = "|\t;,"
_NAME = re.compile(r"""["'*_`]{0,2}[^\W\d][\w .#/'-]{0,40}["'*_`]{0,2}""")
_LONGEST_LINE, _LONGEST_CELL = 2000, 128


def cells(text: str, leading: Iterable[Label], vocabulary: Vocabulary) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Start, end and kinds of the cells below the heads in which these labels stand."""
    done = -1
    for label in leading:
        if label.start < done:
            continue
        line_start = text.rfind("\n", max(0, label.start - _LONGEST_LINE), label.start) + 1
        line_end = text.find("\n", label.end, label.end + _LONGEST_LINE)
        if line_end < 0:
            continue
        head = text[line_start:line_end]
        delimiter = next((d for d in _DELIMITERS if d in head), None)
        if delimiter is None or any(c.isdigit() for c in head):
            continue
        done = line_end
        if not _is_head(head, delimiter):
            continue
        kinds = [vocabulary.of_key(cell) for cell in head.split(delimiter)]
        yield from _below(text, line_end + 1, delimiter, kinds)


def _is_head(line: str, delimiter: str) -> bool:
    """Whether a line reads as names of columns, and not as prose or code."""
    cells = line.strip().strip(delimiter).split(delimiter)
    return len(cells) > 1 and all(_NAME.fullmatch(cell.strip()) for cell in cells)


def _below(
    text: str, at: int, delimiter: str, kinds: list[frozenset[str]]
) -> Iterator[tuple[int, int, frozenset[str]]]:
    while at < len(text):
        end = text.find("\n", at, at + _LONGEST_LINE)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if line.strip("-+|=: \t"):
            if line.count(delimiter) != len(kinds) - 1:
                return
            start = at
            for cell, named in zip(line.split(delimiter), kinds, strict=True):
                if named:
                    left = start + len(cell) - len(cell.lstrip(" \"'"))
                    yield left, left + len(cell.strip(" \"'\r")), named
                start += len(cell) + 1
        at = end + 1


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
            yield Finding(kind, start, end, 0.8, (where,))
        elif kind == "USERNAME" and " " not in content and len(content) > 2 and is_name(content, quoted=True):
            yield Finding(kind, start, end, 0.66, (where,))
        elif kind == "DATE_OF_BIRTH" and DATE.match(content):
            yield Finding(kind, start, end, 0.92, ("date", where))
        for _, pattern in led.get(kind, ()):
            if pattern.fullmatch(content) and (kind == "BIC" or sum(c.isdigit() for c in content) >= 3):
                yield Finding(kind, start, end, 0.857, ("shape", where))
