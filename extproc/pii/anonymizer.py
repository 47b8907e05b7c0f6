"""Findings -> edits: what each entity type's operator writes in the place of its values."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from extproc.errors import IntentmeshError, MaskingError
from extproc.pii.operators import operate, read_hash_key
from extproc.pii.restorer import edited
from extproc.pii.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.config.pii import PiiSettings
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.restorer import Edit
    from extproc.pii.results import RecognizerResult

_ESCAPE_LETTERS = "nrtbf"


class Text(Protocol):
    """What is anonymized: a text, and the key that it stands under."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def key(self) -> str | None:
        """Its label."""


@dataclass(frozen=True, slots=True)
class Anonymized:
    """The outcome for the texts of one request."""

    edits: list[list[Edit] | None]
    """For each text, what to write where (None: nothing): goes to `Document.replace`."""
    vault: Vault
    entities: dict[tuple[str, str], int]
    """(entity type, operator) -> how many values; without what is kept."""
    originals: Sequence[Text]
    """The texts as they came."""

    @property
    def texts(self) -> list[str | None]:
        """The texts that change, whole."""
        pairs = zip(self.originals, self.edits, strict=True)
        return [None if edits is None else edited(original.text, edits) for original, edits in pairs]


class Anonymizer:
    """Masks the texts of requests. Immutable after construction; what belongs to one request is in its vault."""

    def __init__(self, settings: PiiSettings, analyzer: Analyzer) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._key = read_hash_key(settings)

    def anonymize(self, texts: Sequence[Text], *, body: bytes = b"", deadline: float | None = None) -> Anonymized:
        """Mask texts. `body`: all else that the upstream sees; placeholders that stand in it are not given out.

        Raises BlockedEntityError, and MaskingError when a recognizer fails or `deadline` (of `time.monotonic`) passes.
        """
        vault = Vault(tolerant=self._settings.tolerant)
        findings = [self._find(text, deadline) for text in texts]
        found_types = {result.entity_type for results in findings for result in results}
        if found_types:
            vault.reserve(found_types, (text.text for text in texts), body)
        entities: Counter[tuple[str, str]] = Counter()
        edits = [
            self._edits(text.text, found, vault, entities) if found else None
            for text, found in zip(texts, findings, strict=True)
        ]
        return Anonymized([some or None for some in edits], vault, dict(entities), texts)

    def _find(self, text: Text, deadline: float | None) -> list[RecognizerResult]:
        if deadline is not None and time.monotonic() > deadline:
            raise MaskingError("the request could not be searched for personal data in time")
        try:
            return self._analyzer.analyze(text.text, text.key)
        except IntentmeshError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a recognizer does, nothing goes on unmasked
            # the cause could quote the text: only its kind is told
            raise MaskingError(f"a recognizer failed ({type(error).__name__})") from None

    def _edits(
        self, text: str, found: list[RecognizerResult], vault: Vault, entities: Counter[tuple[str, str]]
    ) -> list[Edit]:
        edits: list[Edit] = []
        operators, default = self._settings.entities, self._settings.default_operator
        for entity_type, start, end in spans(text, found):
            value = text[start:end]
            operator = operators.get(entity_type, default)
            vault.remember(value)
            new = operate(operator, entity_type, value, vault, self._key)
            if operator.operator != "keep":
                entities[entity_type, operator.operator] += 1
            if new is not None:
                edits.append((start, end, new))
        return edits


def spans(text: str, found: list[RecognizerResult]) -> Iterator[tuple[str, int, int]]:
    r"""Entity type, start and end of findings, in order and apart.

    In JSON within a text, `\nada@example.org` reads as an address that begins with n. The escape is left whole: `\[` would
    be no JSON any more.
    """
    at = 0
    for result in found:
        start, end = result.start, result.end
        if start > 0 and text[start - 1] == "\\" and text[start] in _ESCAPE_LETTERS and end - start > 1:
            start += 1
        if start >= at:
            yield result.entity_type, start, end
            at = end
