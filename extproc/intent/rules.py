"""Stage one: what a `mesh.yaml` decides without any model. Exact texts, headers, patterns, in that order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intents import Intent

PATTERN_CHARACTERS = 20_000
"""Patterns see this much of a text, half from each end: a pattern's time may grow with the text, ours must not."""


class Rules:
    """The deterministic rules of all intents. Where two intents claim a text, the first in the file has it."""

    def __init__(self, intents: Mapping[str, Intent]) -> None:
        self._exact: dict[str, str] = {}
        self._headers: list[tuple[str, dict[str, str]]] = []
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        for name, intent in intents.items():
            for text in intent.exact:
                self._exact.setdefault(_folded(text), name)
            if intent.headers:
                self._headers.append((name, {key.lower(): value for key, value in intent.headers.items()}))
            self._patterns += [(name, re.compile(pattern, re.IGNORECASE)) for pattern in intent.patterns]
        self._longest_exact = max(map(len, self._exact), default=0)

    def match(self, text: str, headers: Mapping[str, str]) -> tuple[str, str] | None:
        """(intent, kind of rule), or None. Header names in `headers` are in lower case, as HTTP/2 sends them."""
        for name, wanted in self._headers:
            if all(headers.get(key) == value for key, value in wanted.items()):
                return name, "header"
        if self._exact and len(text) <= 4 * self._longest_exact + 64:
            name_of_text = self._exact.get(_folded(text))
            if name_of_text is not None:
                return name_of_text, "exact"
        if self._patterns:
            half = PATTERN_CHARACTERS // 2
            read = text if len(text) <= PATTERN_CHARACTERS else f"{text[:half]}\n{text[-half:]}"
            for name, pattern in self._patterns:
                if pattern.search(read):
                    return name, "pattern"
        return None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
