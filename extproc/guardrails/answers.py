"""Guardrails on what a model answers: each text is judged sentence by sentence as it comes, and one that must not leave does not.

Of a streamed answer no more is held back than the sentence that is being written, unless a guardrail holds all of it. What has
left cannot be called back: `block` ends a text at the sentence that is at fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from extproc import payload
from extproc.decision import Verdict
from extproc.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config.guardrails import AnswerGuard
    from extproc.config.intercept import Intercept
    from extproc.edits import Edit
    from extproc.payload import ResponseEditor

NAME: Final = "guardrails"
LONGEST_SENTENCE: Final = 2000
"""Characters after which a sentence is judged, whether it has an end or not."""
LONGEST_HELD: Final = 2**17
"""Characters of a text that are held where all of it is to be."""
_END: Final = re.compile(r"[.!?…][\"')\]*_]*\s+|[。！？]|\n")
"""Where a sentence ends, with the space after it: a full stop in a number, a host or a file's name is none."""

Span = tuple[int, int]
log = logger()


class Inspector(Protocol):
    """Looks at one text of one answer, sentence by sentence."""

    def look(self, sentence: str) -> Sequence[Span]:
        """What is at fault in the next sentence."""


class Inspects(Protocol):
    """Makes the inspectors of one answer."""

    def inspector(self) -> Inspector:
        """For a text that begins."""


@dataclass(slots=True)
class Watched:
    """One guardrail over one answer, and what it has said of it."""

    name: str
    guard: AnswerGuard
    makes: Inspects
    enforced: bool
    fired: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing leaves before a text is at its end."""
        return self.guard.hold == "all" and self.enforced


@dataclass(slots=True)
class AnswerGuards:
    """The link of the answer's chain that holds the guardrails. See AnswerEdit."""

    rule: Intercept
    path: str
    watched: tuple[Watched, ...]
    name: str = NAME
    masked: bool = True
    failed: set[str] = field(default_factory=set)
    ended_by: Watched | None = None
    """The guardrail that has ended the answer: nothing more of any text in it leaves."""

    def editor(self, content_type: str, content_encoding: str) -> ResponseEditor:
        """See AnswerEdit."""
        return payload.response_editor(self.rule, content_type, content_encoding, _Editors(self), self.path)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said of the answer, as far as it has come."""
        return tuple(
            Verdict(NAME, one.guard.action, f"{one.name}:answer", score=1.0, enforced=one.enforced)
            for one in self.watched
            if one.fired
        )


class _Editors:
    """Makes the editors of one answer's texts. See EditorFactory."""

    redacts = True
    escapes = True

    def __init__(self, link: AnswerGuards) -> None:
        self._link = link
        self.holds = any(one.holds for one in link.watched)
        """Texts are held to their end: events that wait for it are no sign of a fault."""

    def __call__(self, *, key: str | None = None, redact: bool = True) -> SentenceEditor | _Passing:
        """An editor for one text; names, ids and settings pass."""
        del key
        return SentenceEditor(self._link) if redact else _Passing()

    def concerns(self, text: str) -> bool:
        """Whether anything in a text may have to change."""
        return bool(text)

    def number(self, _text: str) -> None:
        """See EditorFactory: no number stands for anything here."""

    def begins_number(self, _text: str) -> bool:
        """See EditorFactory."""
        return False


class _Passing:
    """A text that nobody looks at."""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """See TextEditor."""
        del end
        return (), len(text)


class SentenceEditor:
    """Judges one text, sentence by sentence. See TextEditor."""

    def __init__(self, link: AnswerGuards) -> None:
        self._link = link
        self._holder = next((one for one in link.watched if one.holds), None)
        self._begin()

    def _begin(self) -> None:
        self._open = ""
        """The sentence that is not at its end."""
        self._judged = 0
        """Characters before it that are held: none but where all is."""
        self._edits: list[Edit] = []
        self._inspectors = [(one, one.makes.inspector()) for one in self._link.watched]

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """See TextEditor."""
        text = self._open + text if self._open else text
        at = 0
        while at < len(text):
            stop = _sentence(text, at, end=end)
            if stop is None:
                break
            self._judge(text[at:stop])
            at = stop
        self._open = text[at:]
        if self._holder is not None and not end and self._judged <= LONGEST_HELD:
            return (), 0
        if (
            self._holder is not None
            and not end
            and self._link.ended_by is None
            and self._holder.guard.on_error == "closed"
        ):
            # more than can be held: what is said further on may be at fault, and this would have left
            self._holder.fired = True
            self._end(self._holder, 0)
        edits, gone = self._edits, self._judged
        self._edits, self._judged = [], 0
        if end:
            self._begin()
        return edits, gone

    def _judge(self, sentence: str) -> None:
        start, stop = self._judged, self._judged + len(sentence)
        self._judged = stop
        if self._link.ended_by is not None:
            self._edits.append((start, stop, ""))
            return
        spans: list[Span] = []
        for one, inspector in self._inspectors:
            found = self._found(one, inspector, sentence)
            if not found:
                continue
            one.fired = True
            if one.guard.action == "block" and one.enforced:
                self._end(one, start)
                return
            if one.guard.action == "redact" and one.enforced:
                spans += found
        self._edits += [(start + a, start + b, _REMOVED) for a, b in _merged(spans)]

    def _end(self, one: Watched, start: int) -> None:
        """Nothing more of the answer leaves; of a text that is held, nothing at all."""
        self._link.ended_by = one
        if self._holder is not None:
            self._edits, start = [], 0
        self._edits.append((start, self._judged, f"[the rest of this answer was removed by the guardrail {one.name}]"))

    def _found(self, one: Watched, inspector: Inspector, sentence: str) -> Sequence[Span]:
        """What is at fault; all of a sentence at which a guardrail fails, where it is to fail closed."""
        try:
            return inspector.look(sentence)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in it, its policy says what comes of it
            if one.name not in self._link.failed:
                self._link.failed.add(one.name)
                log.error("guardrail_failed", guardrail=one.name, error=type(error).__name__)  # noqa: TRY400 - not its text
            return [(0, len(sentence))] if one.guard.on_error == "closed" else ()


_REMOVED: Final = "[removed]"


def _sentence(text: str, at: int, *, end: bool) -> int | None:
    """Where the sentence that begins here ends; None: that is still to come."""
    match = _END.search(text, at, at + LONGEST_SENTENCE)
    if match is not None:
        return match.end()
    if len(text) - at >= LONGEST_SENTENCE:
        space = text.rfind(" ", at + LONGEST_SENTENCE // 2, at + LONGEST_SENTENCE)
        return space + 1 if space > 0 else at + LONGEST_SENTENCE
    return len(text) if end else None


def _merged(spans: Sequence[Span]) -> list[Span]:
    """In order, and apart."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
