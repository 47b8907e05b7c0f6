"""Stage one: what a `mesh.yaml` decides without any model. Exact texts, headers, patterns, in that order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intents import Intent

PATTERN_CHARACTERS: Final = 20_000
"""Patterns see this much of a text, half from each end: a pattern's time may grow with the text, ours must not."""
_UNLIKE: Final = re.compile(r"\$|\{,|\[:|\\[0-9afvxuUN]|\\[tnr]-|[^ -~]")
"""What RE2 understands otherwise than `re` and does not refuse, or what could match a stand-in."""
_STRANGE: Final = re.compile(r"[^\x00-\x0a\x0c-\x1b\x20-\x7f]")
MOST_STRANGE: Final = 32
"""More different ones than this are no punctuation."""
_RARE_SPACES: Final = "\x0b\x1c\x1d\x1e\x1f"
"""White space for `re`, and not for RE2."""
_SPACE, _SIGN = "\x0c", "\x01"


class Pattern:
    """A pattern as `re` understands it, searched for by RE2 where that says the same.

    RE2's time is linear in the text whatever the pattern: for `refund.*order` in 2,857 times `refund`, `re` takes 0.3 s.
    """

    def __init__(self, pattern: str) -> None:
        self._slow = re.compile(pattern, re.IGNORECASE)
        self._linear = _linear(pattern)

    def search(self, text: Read) -> bool:
        """Whether it is somewhere in a text."""
        if self._linear is not None and text.plain is not None:
            return self._linear.search(text.plain) is not None
        return self._slow.search(text.text) is not None


class Read:
    """A text, and how RE2 reads it: in ASCII, with a stand-in for each other sign or space that is none of a word."""

    __slots__ = ("plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain: bytes | None = None
        """None: letters or digits in it are not ASCII, or it is empty."""
        if not text.isascii() or any(map(text.__contains__, _RARE_SPACES)):
            strange = {*_STRANGE.findall(text)}
            if len(strange) > MOST_STRANGE or any(map(str.isalnum, strange)):
                return
            for char in strange:
                text = text.replace(char, _SPACE if char.isspace() else _SIGN)
        self.plain = text.encode() or None


def _linear(pattern: str) -> Any:
    """The pattern in RE2; None where it would not take it, or mean something else by it."""
    if _UNLIKE.search(pattern):
        return None
    import re2  # noqa: PLC0415 - loaded only where somebody has patterns of their own

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error:
        return None


class Rules:
    """The deterministic rules of all intents. Where two intents claim a text, the first in the file has it."""

    def __init__(self, intents: Mapping[str, Intent]) -> None:
        self._exact: dict[str, str] = {}
        self._headers: list[tuple[str, dict[str, str]]] = []
        self._patterns: list[tuple[str, Pattern]] = []
        for name, intent in intents.items():
            for text in intent.exact:
                self._exact.setdefault(_folded(text), name)
            if intent.headers:
                self._headers.append((name, {key.lower(): value for key, value in intent.headers.items()}))
            self._patterns += [(name, Pattern(pattern)) for pattern in intent.patterns]
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
            read = Read(text if len(text) <= PATTERN_CHARACTERS else f"{text[:half]}\n{text[-half:]}")
            for name, pattern in self._patterns:
                if pattern.search(read):
                    return name, "pattern"
        return None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
