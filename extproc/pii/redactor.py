"""Answers edited on their way to the client: originals put back, and what the model utters of its own masked.

Both look at the same text, the one that the model wrote: a placeholder is restored, anything that the analyzer finds
beside it and that the request did not hold is masked. So nothing that was restored is ever masked again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.anonymizer import spans
from extproc.pii.keys import Keys
from extproc.pii.operators import masked, redacted
from extproc.pii.restorer import Restorer
from extproc.pii.vault import Vault

if TYPE_CHECKING:
    from extproc.config.pii import PiiSettings
    from extproc.edits import Edit
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.restorer import Found, Originals

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
_LONGEST_LABELLED = 128
"""A text under a key that says what it is, as `"ssn"`, is looked at as a whole, if it is no longer."""


class Redactor:
    """Masks what a model utters, for all answers. Immutable."""

    def __init__(self, settings: PiiSettings, analyzer: Analyzer) -> None:
        self._settings = settings
        self.analyzer = analyzer
        self._keys = Keys.read(settings)

    def edits(self, text: str, vault: Vault, *, key: str | None = None) -> list[Edit]:
        """Edits that mask what the request did not hold. `key`: the JSON key under which the text stands."""
        edits: list[Edit] = []
        for entity_type, start, end in spans(text, self.analyzer.patterns(text, key), self._keys.tokens(text)):
            value = text[start:end]
            operator = self._settings.entities.get(entity_type, self._settings.default_operator)
            if operator.operator in ("keep", "flag") or vault.knows(value):
                continue
            if operator.operator == "mask":
                new = masked(value, operator.keep_last)
            elif operator.operator == "hash":
                new = self._keys.hashed(entity_type, value)
            elif operator.operator == "encrypt":
                new = self._keys.encrypted(entity_type, value)
            else:
                new = redacted(entity_type)
            edits.append((start, end, new))
        return edits


class AnswerEditor(Restorer):
    """Restores and redacts one text that arrives in pieces. Holds back at most the current word, or group of numbers."""

    _context = _CONTEXT

    def __init__(
        self, originals: Originals, vault: Vault, redactor: Redactor, *, restore: bool, key: str | None = None
    ) -> None:
        super().__init__(originals)
        self._vault = vault
        self._redactor = redactor
        self._restore = restore
        self._key = key
        self._labelled = key is not None and redactor.analyzer.is_label(key)

    def _passes(self, text: str) -> bool:
        return not text

    def _decide(self, text: str, at: int, *, end: bool) -> tuple[list[Edit], int]:
        if self._labelled and at == 0 and not end and len(text) <= _LONGEST_LABELLED:
            return [], 0
        cut = len(text) if end else min(self._placeholders.hold_from(text, at), _hold_from(text, at))
        if cut == at:
            return [], cut
        found = self._placeholders.find(text, at, self._brackets)
        news = self._redactor.edits(text, self._vault, key=self._key if at == 0 else None)
        uttered = _apart([(max(start, at), stop, new) for start, stop, new in news if stop > at], found)
        for start, stop, _ in sorted([*found, *uttered]):
            if start < cut < stop:
                cut = start
        if not end and uttered and uttered[-1][1] <= cut:
            start, stop, _ = uttered[-1]
            if len(text) - start <= _LONGEST_LABELLED and not text[stop:cut].strip():
                cut = start  # the next word may be part of it too: "12 March 1985"
        edits: list[Edit] = []
        if self._restore:
            here = [span for span in found if span[1] <= cut]
            edits, cut = self._originals.edits(text, here, self._watch, at, cut, end=end)
        return sorted([*edits, *(edit for edit in uttered if edit[1] <= cut)]), cut


class AnswerEditors:
    """Makes the editors of one exchange's answer: what `payload.response_editor` wants.

    `redactor`: None leaves what the model utters alone. `restore`: False leaves the placeholders.
    """

    def __init__(self, vault: Vault, redactor: Redactor | None, *, restore: bool = True) -> None:
        self._vault = vault
        self._redactor = redactor
        self._restore = restore
        self._originals = (vault if restore or redactor is not None else Vault()).restorer

    def __call__(self, *, key: str | None = None, redact: bool = True) -> Restorer:
        """An editor for one text, which stands under this JSON key."""
        if self._redactor is None or not redact:
            return (self._originals if self._restore else Vault().restorer)()
        return AnswerEditor(self._originals, self._vault, self._redactor, restore=self._restore, key=key)

    @property
    def redacts(self) -> bool:
        """Whether anything that a text says may have to change, and not only placeholders."""
        return self._redactor is not None

    @property
    def escapes(self) -> bool:
        """Whether it matters where in JSON something is put."""
        return self.redacts or self._originals.escapes

    def concerns(self, text: str) -> bool:
        """Whether anything in a whole text may have to change; where that is cheap to tell."""
        return self.redacts or self._originals.concerns(text)

    def number(self, text: str) -> str | None:
        """The number for which a string of JSON stands that is its placeholder and nothing else."""
        return self._originals.number(text) if self._restore else None

    def begins_number(self, text: str) -> bool:
        """Whether a string that begins like this may come to be such a placeholder."""
        return self._restore and self._originals.begins_number(text)


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


def _apart(edits: list[Edit], found: list[Found]) -> list[Edit]:
    """The edits, which come in order, without those that touch a placeholder."""
    kept: list[Edit] = []
    place = 0
    for edit in edits:
        while place < len(found) and found[place][1] <= edit[0]:
            place += 1
        if place == len(found) or edit[1] <= found[place][0]:
            kept.append(edit)
    return kept
