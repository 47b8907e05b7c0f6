"""Names without the model: what titles, labels and given names give away. For text beyond the budget."""

from __future__ import annotations

import re
from typing import Final

from extproc.pii.names.spans import Span, clean
from extproc.pii.names.words import load
from extproc.slices import matches

SCORE: Final = 0.6
_NAME: Final = r"(?:[^\W\d_a-zß-öø-ÿ][\w'’-]*\.?|van|von|de|der|den|la|del|della|di|da|dos|du|le|bin|al|el|ten|ter)"
_NAMES: Final = rf"{_NAME}(?: +{_NAME}){{0,3}}"
_TITLED: Final = re.compile(
    rf"\b(?i:mr|mrs|ms|miss|dr|prof|professor|sir|dame|lady|herr|frau|señora?|monsieur|madame)\b\.? +(?P<name>{_NAMES})"
)
_INTRODUCED: Final = re.compile(rf"\b(?i:my name is|name is|i am called|signed by)\b:? +(?P<name>{_NAMES})")
_LABELLED: Final = re.compile(
    rf"\b(?i:(?:[a-z]+[ _-])?name|customer|patient|client|employee|applicant|contact|author|attn|from|to)"
    rf"[\"']?[ \t]*[:=][ \t]*[\"']?"
    rf"(?P<name>{_NAME}(?: +{_NAME}){{1,3}})"
)
_CAPITALS: Final = re.compile(rf"(?<![\w@#/]){_NAMES}")
_WORD: Final = re.compile(r"[^\W\d_]+")


def find(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """People between two positions of a text, in order, none touching another."""
    end = len(text) if end is None else end
    given, common = load("given"), load("common")
    found: list[Span] = []
    for pattern in (_TITLED, _INTRODUCED, _LABELLED):
        found += [Span("PERSON", *m.span("name"), SCORE) for m in matches(pattern, text, start, end)]
    for match in matches(_CAPITALS, text, start, end):
        words = [w.lower() for w in _WORD.findall(match[0])]
        if any(w in given for w in words) and not all(w in common for w in words):
            found.append(Span("PERSON", *match.span(), SCORE))
    out: list[Span] = []
    for span in sorted(clean(text, found), key=lambda s: (s.start, -s.end)):
        if not out or span.start >= out[-1].end:
            out.append(span)
    return out
