"""Answers edited on their way to the client: originals put back, and what the model utters of its own masked.

Both look at the same text, the one that the model wrote: a placeholder is restored, anything that the analyzer finds
beside it and that the request did not hold is masked. So nothing that was restored is ever masked again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.anonymizer import spans
from extproc.pii.operators import hashed, masked, read_hash_key, redacted
from extproc.pii.restorer import Placeholders, edited
from extproc.pii.vault import Vault

if TYPE_CHECKING:
    from extproc.config.pii import PiiSettings
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.restorer import Edit, Restorer

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
        self._analyzer = analyzer
        self._key = read_hash_key(settings)

    def edits(self, text: str, vault: Vault, *, nested: bool) -> list[Edit]:
        """Edits that mask what the request did not hold. `nested`: the text is JSON, whose escapes are no letters."""
        read = _ESCAPE.sub(lambda m: " " * len(m[0]), text) if nested and "\\" in text else text
        edits: list[Edit] = []
        for entity_type, start, end in spans(read, self._analyzer.analyze(read)):
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


class AnswerEditor:
    """Restores and redacts one text that arrives in pieces. Holds back at most the current word, or group of numbers."""

    def __init__(self, vault: Vault, redactor: Redactor, *, restore: bool, nested: bool) -> None:
        self._vault = vault
        self._redactor = redactor
        self._restore = restore
        self._nested = nested
        self._placeholders = Placeholders(vault.originals, tolerant=vault.tolerant, nested=nested)
        self._before = ""
        self._held = ""

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return len(self._held)

    def passes(self, text: str) -> bool:
        """Whether a piece would leave at once and unchanged: it has to be looked at to know."""
        return not text

    def feed(self, text: str) -> str:
        """Take a piece; return what can leave."""
        text = self._before + self._held + text
        at = len(self._before)
        return self._leave(text, min(self._placeholders.hold_from(text, at), _hold_from(text, at)))

    def close(self) -> str:
        """Return the rest; the next piece begins another text."""
        text = self._before + self._held
        rest = self._leave(text, len(text))
        self._before = ""
        self._placeholders.begin()
        return rest

    def _leave(self, text: str, cut: int) -> str:
        at = len(self._before)
        if cut == at:
            self._held = text[at:]
            return ""
        restored = self._placeholders.edits(text, at)
        uttered = [edit for edit in self._redactor.edits(text, self._vault, nested=self._nested) if edit[1] > at]
        edits = _merged(restored, [(max(start, at), end, new) for start, end, new in uttered])
        for start, end, _ in edits:
            if start < cut < end:
                cut = start
        edits = [edit for edit in edits if edit[1] <= cut]
        if not self._restore:
            edits = [edit for edit in edits if edit not in restored]
        self._held = text[cut:]
        self._before = text[max(0, cut - _CONTEXT) : cut]
        return edited(text[:cut], edits, at)


class AnswerEditors:
    """Makes the editors of one exchange's answer: what `payload.response_editor` wants.

    `redactor`: None leaves what the model utters alone. `restore`: False leaves the placeholders.
    """

    def __init__(self, vault: Vault, redactor: Redactor | None, *, restore: bool = True) -> None:
        self._vault = vault
        self._redactor = redactor
        self._restore = restore

    def __call__(self, *, nested: bool = False, redact: bool = True) -> Restorer | AnswerEditor:
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
