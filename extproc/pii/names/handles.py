"""Names that are written as nobody says them: handles (`@ravishankar`), and those of tickets (`SHANKAR/RAVI MR`).

Code has decorators, scopes and rules after the sign of a handle, and paths and pairs of words beside a stroke.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.spans import Span
from extproc.pii.names.words import load

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORE: Final = 0.7
_HANDLE: Final = re.compile(r"@(?<![\w@./:`\"'(-]@)(?P<name>[a-z][a-z0-9._-]{5,30})(?![\w@/(={]|:(?!\s))")
_LETTERS: Final = re.compile(r"[a-z]+")
_SHORTEST, _SHORTEST_REST = 4, 3
"""Letters of the given name, and of what follows it."""


_GIVEN_AND_TITLE: Final = re.compile(r"/[A-Z]{2,24}(?: [A-Z]{2,24})? ?(?:MRS|MR|MS|MSTR|MISS|CHD|INF)(?![\w/])")
_SURNAME: Final = re.compile(r"(?<![\w/])[A-Z]{2,24}\Z")
_REACH: Final = 25
"""Characters of a surname, and one before it."""


def on_tickets(text: str) -> Iterator[Span]:
    """Surname, given name and title, as airlines write them."""
    if "/" not in text:
        return
    for match in _GIVEN_AND_TITLE.finditer(text):
        low = max(0, match.start() - _REACH)
        surname = _SURNAME.search(text[low : match.start()])
        if surname:
            yield Span("PERSON", low + surname.start(), match.end(), SCORE)


def find(text: str) -> Iterator[Span]:
    """Handles that begin with a given name and go on with another word."""
    if "@" not in text:
        return
    for match in _HANDLE.finditer(text):
        name = match["name"].rstrip("._-")
        end = match.start("name") + len(name)
        if text[end : end + 1] in ("\n", "\r") and text[: match.start()].rpartition("\n")[2].strip() == "":
            continue  # a decorator, on a line of its own
        if _begins_with_a_name(name):
            yield Span("PERSON", match.start("name"), end, SCORE)


def _begins_with_a_name(handle: str) -> bool:
    letters = _LETTERS.match(handle)
    if letters is None or letters[0] in load("common"):
        return False
    word, given, common = letters[0], load("given"), load("common")
    if len(word) < len(handle):
        return len(word) >= _SHORTEST and word in given and word not in common
    return any(
        word[:length] in given and word[:length] not in common
        for length in range(_SHORTEST, len(word) - _SHORTEST_REST + 1)
    )
