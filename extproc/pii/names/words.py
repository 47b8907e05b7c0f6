"""The word lists of `extproc/assets/names`, loaded once."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@cache
def load(name: str) -> frozenset[str]:
    """A list by its name: `given`, `common`, `ambiguous`, `places`, `dictionary`. Words in lower case."""
    file = resources.files("extproc.assets").joinpath("names", f"{name}.txt")
    return frozenset(file.read_text(encoding="utf-8").split())


def forms(words: str | Iterable[str]) -> frozenset[str]:
    """Words as they stand, capitalised, and in capitals."""
    words = words.split() if isinstance(words, str) else list(words)
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))
