"""Texts from small grammars: `[list]` begins a list of lines, `{list}` in a line stands for any line of that list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

FOLDER = Path(__file__).parent / "texts"
_SLOT = re.compile(r"\{([a-z]\w*)\}")
_HEAD = re.compile(r"\[([A-Za-z]\w*)\]\Z")
_MOST_NESTED = 8


def read(name: str) -> dict[str, list[str]]:
    """The lists of a file. A line that is followed by ``` goes on until the next ```."""
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        head = _HEAD.match(line)
        if head:
            current = lists.setdefault(head[1], [])
        elif current and (line == "```" or current[-1].count("```") % 2):
            current[-1] += "\n" + line
        elif current is not None and line:
            current.append(line.replace("\\n", "\n"))
    return lists


class Grammar:
    """Lists of lines, and texts made of them."""

    def __init__(self, *names: str) -> None:
        self.lists: dict[str, list[str]] = {}
        for name in names:
            self.lists |= read(name)

    def text(self, start: str, rng: Random) -> str:
        """One text of a list."""
        return self._fill(rng.choice(self.lists[start]), rng, 0)

    def texts(self, start: str, count: int, rng: Random) -> list[str]:
        """Different texts of a list, as many as asked for or as there seem to be."""
        found: dict[str, None] = {}
        for _ in range(count * 4):
            found.setdefault(self.text(start, rng))
            if len(found) == count:
                break
        return list(found)

    def _fill(self, line: str, rng: Random, depth: int) -> str:
        if depth == _MOST_NESTED:
            return line
        return _SLOT.sub(lambda m: self._slot(m, rng, depth), line)

    def _slot(self, match: re.Match[str], rng: Random, depth: int) -> str:
        lines = self.lists.get(match[1])
        return match[0] if lines is None else self._fill(rng.choice(lines), rng, depth + 1)
