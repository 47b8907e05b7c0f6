"""Tables in a text: a line of names over lines with as many cells. What stands below a name has it as its label."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.vocabulary import Label, Vocabulary

_COLUMNS = re.compile(r"\(\s{0,8}(?P<names>[^()'=;]{3,400})\)\s{0,8}values\s{0,8}(?=\()", re.IGNORECASE)
_ROW = re.compile(r"\((?P<cells>(?:'(?:[^'\\]|\\.|'')*'|[^()'])*)\)\s{0,8},?\s{0,8}")
_MOST_ROWS = 2000
"""`INSERT INTO users (name, phone) VALUES (…), (…)`: rows of one statement."""
_DELIMITERS = "|\t;,"
_NAME = re.compile(r"""["'*_`]{0,2}[^\W\d][\w .#/()'-]{0,40}["'*_`]{0,2}""")
_LONGEST_HEAD, _LONGEST_LINE = 400, 2000
"""Longer lines belong to no table, so that finding them stays linear."""


_ENDS_PROSE = frozenset(".!?:{;")
"""What ends a sentence or a line of code, and no head."""


class Table(NamedTuple):
    """One table."""

    start: int
    """Of the first line below the head."""
    end: int
    delimiter: str
    columns: list[frozenset[str]]
    """Kinds that the head of each column names."""


def tables(text: str, labels: Iterable[Label], vocabulary: Vocabulary) -> list[Table]:
    """The tables over which a label stands, in the order of the text."""
    found = list(_inserted(text, vocabulary)) if "VALUES" in text or "values" in text else []
    done = found[-1].end if found else 0
    if "\n" not in text:
        return found
    for label in labels:
        if label.start < done:
            continue
        start = text.rfind("\n", max(0, label.start - _LONGEST_HEAD), label.start) + 1
        end = text.find("\n", label.end, label.end + _LONGEST_HEAD)
        if end < 0 or (not start and label.start > _LONGEST_HEAD):
            continue
        done = end
        head = text[start:end]
        if head[-1:] in _ENDS_PROSE:
            continue
        delimiter = next((d for d in _DELIMITERS if d in head), None)
        if delimiter is None or not _is_head(head, delimiter):
            continue
        cells = head.split(delimiter)
        done = _end(text, end + 1, delimiter, len(cells) - 1)
        if done > end + 1:
            found.append(Table(end + 1, done, delimiter, [vocabulary.of_key(cell) for cell in cells]))
    return found


def _inserted(text: str, vocabulary: Vocabulary) -> Iterator[Table]:
    """The rows of SQL statements that insert some, a table each."""
    for statement in _COLUMNS.finditer(text):
        columns = [vocabulary.of_key(name) for name in statement["names"].split(",")]
        if not any(columns):
            continue
        at = statement.end()
        for _ in range(_MOST_ROWS):
            row = _ROW.match(text, at)
            if row is None:
                break
            yield Table(*row.span("cells"), ",", columns)
            at = row.end()


_QUOTED = re.compile(r'"[^"\n]*"')


def unquoted(line: str, delimiter: str) -> str:
    """A line as long as it is, without the delimiters that stand in quotes."""
    return _QUOTED.sub(lambda match: match[0].replace(delimiter, "_"), line) if '"' in line else line


def _is_head(line: str, delimiter: str) -> bool:
    """Whether a line reads as names of columns, and not as prose, code or data."""
    cells = line.strip().strip(delimiter).split(delimiter)
    return len(cells) > 1 and all(_NAME.fullmatch(cell.strip()) for cell in cells) and not any(map(str.isdigit, line))


def _end(text: str, at: int, delimiter: str, count: int) -> int:
    """Where the lines end that have as many delimiters as the head, rules between them aside."""
    while at < len(text):
        end = text.find("\n", at, at + _LONGEST_LINE)
        if end < 0:
            end = len(text) if len(text) - at <= _LONGEST_LINE else at
        line = unquoted(text[at:end], delimiter)
        if line.count(delimiter) != count and (not line or line.strip("-+|=: \t")):
            break
        at = end + 1
    return min(at, len(text))


def cells(text: str, found: Iterable[Table]) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Start, end and kinds of the cells below the heads that are labels."""
    for table in found:
        at = table.start
        while at < table.end:
            end = text.find("\n", at, table.end)
            end = table.end if end < 0 else end
            start = at
            for cell, named in zip(
                unquoted(text[at:end], table.delimiter).split(table.delimiter), table.columns, strict=False
            ):
                if named:
                    left = start + len(cell) - len(cell.lstrip(" \"'"))
                    yield left, left + len(cell.strip(" \"'\r")), named
                start += len(cell) + 1
            at = end + 1
