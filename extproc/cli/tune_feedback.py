"""What callers say of texts, held against what the mesh does with them now: a part of `intentmesh tune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from extproc.cli.shortened import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.feedback import Entry
    from extproc.intent import Classifier

LISTED: Final = 20
"""Texts of each kind that are shown."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A text that is not given the intent that it has."""

    text: str
    intent: str | None
    """That it has; None: none."""
    given: str | None
    """That it is given; None: it reaches none."""
    count: int
    """How often it was said."""


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was said of texts."""

    labelled: int
    right: int
    """Of them, those that are given their intent now."""
    corrections: tuple[Correction, ...]
    """The most often said first."""
    disputed: tuple[str, ...]
    """Texts that have several labels: nothing is made of them."""


def heard(entries: Iterable[Entry], classifier: Classifier) -> Heard:
    """The same text counts once, and as often as it was said for its order."""
    votes: dict[str, list[str | None]] = {}
    for entry in entries:
        if entry.labelled and entry.text is not None:
            votes.setdefault(" ".join(entry.text.split()), []).append(entry.intent)
    disputed = tuple(text for text, labels in votes.items() if len(set(labels)) > 1)
    settled = {text: labels for text, labels in votes.items() if len(set(labels)) == 1}
    wrong = []
    for text, labels in settled.items():
        given = classifier.classify_now(text).intent
        if given != labels[0]:
            wrong.append(Correction(text, labels[0], given, len(labels)))
    wrong.sort(key=lambda correction: (-correction.count, correction.intent or "", correction.text))
    return Heard(len(settled), len(settled) - len(wrong), tuple(wrong), disputed)


def told(feedback: Heard) -> Iterator[str]:
    """For people."""
    if not feedback.labelled and not feedback.disputed:
        return
    yield f"feedback     {feedback.labelled} texts have a label, {feedback.right} of them are given that intent now"
    for correction in feedback.corrections[:LISTED]:
        text = repr(shortened(correction.text))
        given = f"is given {correction.given}" if correction.given else "reaches no intent"
        where = f"examples of {correction.intent}" if correction.intent else "classifier.out_of_scope"
        if correction.intent is None and correction.given is not None:
            where = f"not_examples of {correction.given}"
        yield f"add          {text} to the {where}; it {given}"
    for text in feedback.disputed[:LISTED]:
        yield f"disputed     {shortened(text)!r} has several labels in the feedback; say which one is right"
