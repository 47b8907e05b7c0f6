"""Recognizers, allow and deny lists of a user's own.

Their patterns run in RE2, which is linear in the text whatever the pattern; the built-in ones are linear by construction.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.pii import checksums
from extproc.pii.finding import Finding
from extproc.pii.labels import NEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config.pii import PiiSettings, RecognizerSettings
    from extproc.pii.labels import Labels


@dataclass(frozen=True, slots=True)
class Own:
    """A user's recognizers and lists, compiled."""

    recognizers: tuple[tuple[RecognizerSettings, Any], ...]
    denied: re.Pattern[str] | None
    denied_types: dict[str, str]
    allowed_values: frozenset[str]
    allowed_patterns: tuple[Any, ...]
    labels: tuple[tuple[str, str], ...]
    """Phrase, entity type."""
    entity_types: frozenset[str]

    def allowed(self, value: str) -> bool:
        """Whether the user says that this value is nobody's."""
        if not self.allowed_values and not self.allowed_patterns:
            return False
        return value.casefold() in self.allowed_values or any(p.fullmatch(value) for p in self.allowed_patterns)

    @property
    def searches(self) -> bool:
        """Whether there is anything to look for."""
        return self.denied is not None or bool(self.recognizers)

    def find(self, text: str, labels: Labels) -> list[Finding]:
        """What the user's recognizers and deny list find."""
        found = []
        if self.denied is not None:
            for match in self.denied.finditer(text):
                kind = self.denied_types[match.group().casefold()]
                found.append(Finding(kind, *match.span(), 1.0, ("deny list",), rank=5.0))
        if not self.recognizers:
            return found
        encoded, position = _bytes(text)
        for settings, pattern in self.recognizers:
            for match in pattern.finditer(encoded):
                start, end = position(match.start()), position(match.end())
                if start == end:
                    continue
                if settings.checksum and not checksums.valid(settings.checksum, text[start:end]):
                    continue
                evidence: tuple[str, ...] = ("pattern",) + (
                    (f"checksum {settings.checksum}",) if settings.checksum else ()
                )
                score = settings.score
                grade, where = (
                    labels.around(start, end).kinds.get(settings.entity, (0, "")) if settings.labels else (0, "")
                )
                if grade >= NEAR:
                    score, evidence = min(1.0, max(score, 0.5) + 0.1 * grade), (*evidence, where)
                found.append(Finding(settings.entity, start, end, score, evidence, rank=0.5))
        return found


NOTHING = Own((), None, {}, frozenset(), (), (), frozenset())


def compile_settings(settings: PiiSettings) -> Own:
    """Compile a user's part of the settings, which are known to be right."""
    if not (settings.recognizers or settings.deny or settings.allow or settings.allow_patterns):
        return NOTHING
    import re2  # noqa: PLC0415 - loaded only where somebody has patterns of their own

    recognizers = [
        (own, re2.compile((f"(?i:{own.pattern})" if own.ignore_case else own.pattern).encode()))
        for own in settings.recognizers
    ]
    denied = {word.casefold(): kind for kind, listed in settings.deny.items() for word in listed if word.strip()}
    pattern = None
    if denied:
        longest_first = sorted(denied, key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return Own(
        tuple(recognizers),
        pattern,
        denied,
        frozenset(value.casefold() for value in settings.allow),
        tuple(re2.compile(value) for value in settings.allow_patterns),
        tuple((label, own.entity) for own in settings.recognizers for label in own.labels),
        frozenset(own.entity for own in settings.recognizers) | frozenset(settings.deny),
    )


def _bytes(text: str) -> tuple[bytes, Callable[[int], int]]:
    """UTF-8 of a text, and the way from its offsets back to characters."""
    encoded = text.encode(errors="surrogatepass")
    if len(encoded) == len(text):
        return encoded, lambda offset: offset
    ends: list[int] = []
    shifts: list[int] = []
    shift = 0
    for match in re.finditer(r"[^\x00-\x7f]", text):
        width = len(match.group().encode(errors="surrogatepass"))
        shift += width - 1
        ends.append(match.end() + shift)
        shifts.append(shift)

    def position(offset: int) -> int:
        i = bisect_right(ends, offset)
        return offset - (shifts[i - 1] if i else 0)

    return encoded, position
