"""Answers edited on their way to the client: originals put back, and what the model utters of its own masked.

Both look at the same text, the one that the model wrote: a placeholder is restored, anything that the analyzer finds
beside it and that the request did not hold is masked. So nothing that was restored is ever masked again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.anonymizer import spans
from extproc.pii.operators import hashed, masked, read_hash_key, redacted
from extproc.pii.restorer import Placeholders, Restorer
from extproc.pii.vault import Vault

if TYPE_CHECKING:
    from extproc.config.pii import PiiSettings
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.restorer import Edit

_CONTEXT = 80
"""Characters that have left and are still looked at: the label before a number."""
_LONGEST_WORD = 512
"""What is longer without white space is decided as it stands."""
_LONGEST_BLOCK = 8192
_BLOCK = "-----BEGIN "
_BLOCK_END = "-----END "
_BOUNDARY = re.compile(r"[\s\u2e80-\u9fff\uac00-\ud7af\uff01-\uff0f]")
"""White space, and the scripts that write without it."""
_DIGIT = re.compile(r"[0-9]|\A[+(]")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Redactor:
    """Masks what a model utters, for all answers. Immutable."""

    def __init__(self, settings: PiiSettings, analyzer: Analyzer) -> None:
        self._settings = settings
        self.analyzer = analyzer
        self._key = read_hash_key(settings)

    def edits(self, text: str, vault: Vault, *, nested: bool) -> list[Edit]:
        """Edits that mask what the request did not hold. `nested`: the text is JSON, whose escapes are no letters."""
        read = _ESCAPE.sub(lambda m: " " * len(m[0]), text) if nested and "\\" in text else text
        edits: list[Edit] = []
        for entity_type, start, end in spans(read, self.analyzer.patterns(read)):
            value = text[start:end]
            operator = self._settings.entities.get(entity_type, self._settings.default_operator)
            if operator.operator in ("keep", "flag") or vault.knows(value):
                continue
            if operator.operator == "mask":
                new = masked(value, operator.keep_last)
            elif operator.operator == "hash":
                new = hashed(entity_type, value, self._key or b"")
            else:
                new = redacted(entity_type)
            edits.append((start, end, new))
        return edits


class AnswerEditor(Restorer):
    """Restores and redacts one text that arrives in pieces. Holds back at most the current word, or group of numbers."""

    _context = _CONTEXT

    def __init__(self, vault: Vault, redactor: Redactor, *, restore: bool, nested: bool) -> None:
        super().__init__(Placeholders(vault.spellings(), nested=nested))
        self._vault = vault
        self._redactor = redactor
        self._restore = restore
        self._nested = nested

    def _passes(self, text: str) -> bool:
        return not text

    def _decide(self, text: str, at: int, *, end: bool) -> tuple[list[Edit], int]:
        cut = len(text) if end else min(self._placeholders.hold_from(text, at), _hold_from(text, at))
        if cut == at:
            return [], cut
        restored = self._placeholders.edits(text, at)
        found = self._redactor.edits(text, self._vault, nested=self._nested)
        uttered = [(max(start, at), stop, new) for start, stop, new in found if stop > at]
        edits = _merged(restored, uttered)
        for start, stop, _ in edits:
            if start < cut < stop:
                cut = start
        return [edit for edit in edits if edit[1] <= cut and (self._restore or edit not in restored)], cut


class AnswerEditors:
    """Makes the editors of one exchange's answer: what `payload.response_editor` wants.

    `redactor`: None leaves what the model utters alone. `restore`: False leaves the placeholders.
    """

    def __init__(self, vault: Vault, redactor: Redactor | None, *, restore: bool = True) -> None:
        self._vault = vault
        self._redactor = redactor
        self._restore = restore

    def __call__(self, *, nested: bool = False, redact: bool = True) -> Restorer:
        """An editor for one text."""
        if self._redactor is None or not redact:
            return (self._vault if self._restore else Vault()).restorer(nested=nested)
        return AnswerEditor(self._vault, self._redactor, restore=self._restore, nested=nested)


def _hold_from(text: str, at: int) -> int:
    """Where the word begins at which a text ends, with the groups of digits before it; a key block as a whole."""
    end = len(text)
    block = text.rfind(_BLOCK, max(at, end - _LONGEST_BLOCK))
    if block >= 0:
        closing = text.find(_BLOCK_END, block)
        if closing < 0 or text.find("-----", closing + len(_BLOCK_END)) < 0:
            return block
    floor = max(at, end - _LONGEST_WORD)
    start = max(floor, text.rfind(" ", floor) + 1)
    for boundary in _BOUNDARY.finditer(text, start):
        start = boundary.end()
    while start > floor and text[start - 1] == " ":
        before = max(text.rfind(" ", floor, start - 1), text.rfind("\n", floor, start - 1), floor - 1)
        if _DIGIT.search(text[before + 1 : start - 1]) is None:
            break
        start = before + 1
    return start


def _merged(first: list[Edit], second: list[Edit]) -> list[Edit]:
    """Both lists in order, without those of the second that touch one of the first."""
    kept = [edit for edit in second if all(edit[1] <= start or edit[0] >= end for start, end, _ in first)]
    return sorted(first + kept)
