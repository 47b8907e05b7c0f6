"""What the name model says, beside what the rules say of the same text."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING

from extproc.pii.names.recognizer import BY_MODEL
from extproc.pii.names.words import load
from extproc.slices import in_order

if TYPE_CHECKING:
    from extproc.pii.finding import Finding
    from extproc.pii.vocabulary import Vocabulary


def beside_rules(text: str, people: list[Finding], findings: list[Finding], vocabulary: Vocabulary) -> list[Finding]:
    """The people that are no part of a password (`Jessica!1990` goes as a whole), and no label (`Karte`, `Zugang`)."""
    kept = [person for person in people if not _is_label(text, person, vocabulary)]
    passwords = [f for f in findings if f.entity_type == "PASSWORD"] if kept else []
    if not passwords:
        return kept
    starts = dict(in_order(((f.end, f.start) for f in passwords), key=itemgetter(0)))
    ends = list(starts)
    return [p for p in kept if (at := bisect_left(ends, p.end)) == len(ends) or starts[ends[at]] > p.start]


def _is_label(text: str, finding: Finding, vocabulary: Vocabulary) -> bool:
    """Whether what a model takes for a person is one word that announces something, and no given name."""
    if finding.entity_type != "PERSON" or finding.evidence != BY_MODEL:
        return False
    word = text[finding.start : finding.end]
    return word.isalpha() and vocabulary.begun_by(word) is not None and word.lower() not in load("given")
