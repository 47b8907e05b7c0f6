"""Findings -> edits: what each entity type's operator writes in the place of its values."""

from __future__ import annotations

import time
from bisect import bisect
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from extproc.errors import IntentmeshError, MaskingError
from extproc.pii.operators import operate, read_hash_key
from extproc.pii.recent import RecentFindings
from extproc.pii.restorer import edited
from extproc.pii.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extproc.config.operators import Operator
    from extproc.config.pii import PiiSettings
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.restorer import Edit
    from extproc.pii.results import RecognizerResult

Span = tuple[str, int, int]
"""Entity type, start, end."""

_SHORTEST = 6
_MOST_COMPARED = 32 * 2**20
"""Values times characters: what is looked for a second time costs no more than a few milliseconds."""
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
        self._search = RecentFindings(analyzer.analyze, settings.remember_texts)
        self._key = read_hash_key(settings)

    def anonymize(
        self, texts: Sequence[Text], *, body: bytes = b"", deadline: float | None = None, remember: bool = False
    ) -> Anonymized:
        """Mask texts. `body`: all else that the upstream sees; placeholders that stand in it are not given out.

        `remember`: the vault keeps the texts, to tell what a redacted answer says that they did not.

        Raises BlockedEntityError, and MaskingError when a recognizer fails or `deadline` (of `time.monotonic`) passes.
        """
        vault = Vault(tolerant=self._settings.tolerant, link=self._settings.names.link)
        if remember:
            vault.remember_texts(text.text for text in texts)
        found = [list(spans(text.text, results)) if (results := self._find(text, deadline)) else [] for text in texts]
        types = {entity_type for some in found for entity_type, _, _ in some}
        if not types:
            return Anonymized([None] * len(texts), vault, {}, texts)
        found = everywhere(texts, found, [t for t in types if self._operator(t).operator not in ("keep", "flag")])
        vault.reserve(types, (text.text for text in texts), body)
        entities: Counter[tuple[str, str]] = Counter()
        edits = [
            self._edits(text.text, some, vault, entities) or None if some else None
            for text, some in zip(texts, found, strict=True)
        ]
        return Anonymized(edits, vault, dict(entities), texts)

    def _operator(self, entity_type: str) -> Operator:
        return self._settings.entities.get(entity_type, self._settings.default_operator)

    def name_counts(self) -> dict[str, int]:
        """What the name model did since the start; empty without one."""
        names = self._analyzer.names
        return asdict(names.counts) if names else {}

    def _find(self, text: Text, deadline: float | None) -> list[RecognizerResult]:
        if deadline is not None and time.monotonic() > deadline:
            raise MaskingError("the request could not be searched for personal data in time")
        try:
            return self._search(text.text, text.key)
        except IntentmeshError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a recognizer does, nothing goes on unmasked
            # the cause could quote the text: only its kind is told
            raise MaskingError(f"a recognizer failed ({type(error).__name__})") from None

    def _edits(self, text: str, found: list[Span], vault: Vault, entities: Counter[tuple[str, str]]) -> list[Edit]:
        edits: list[Edit] = []
        for entity_type, start, end in found:
            value = text[start:end]
            operator = self._operator(entity_type)
            vault.remember(value)
            new = operate(operator, entity_type, value, vault, self._key)
            if operator.operator != "keep":
                entities[entity_type, operator.operator] += 1
            if new is not None:
                edits.append((start, end, new))
        return edits


def spans(text: str, found: list[RecognizerResult]) -> Iterator[Span]:
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


def everywhere(texts: Sequence[Text], found: list[list[Span]], types: Iterable[str]) -> list[list[Span]]:
    """The same values where they stand without what gave them away: a number that is labelled in one text, bare in another.

    Only whole values are looked for, and only such as are not common words.
    """
    wanted = frozenset(types)
    values: dict[str, str] = {}
    known: Counter[tuple[int, str]] = Counter()
    for i, some in enumerate(found):
        for entity_type, start, end in some:
            value = texts[i].text[start:end]
            if entity_type in wanted and is_telling(value):
                values.setdefault(value, entity_type)
                known[i, value] += 1
    if not values:
        return found
    size = sum(len(text.text) for text in texts)
    if len(values) * size > _MOST_COMPARED:
        values = dict(list(values.items())[: _MOST_COMPARED // size])
    for i, text in enumerate(texts):
        read = text.text
        for value, entity_type in values.items():
            if read.count(value) > known[i, value]:
                for start, end in _occurrences(read, value):
                    _add(found[i], entity_type, start, end)
    return found


def is_telling(value: str) -> bool:
    """Whether a value means the same wherever it stands: not a short one, and no common word."""
    return len(value) >= _SHORTEST and (value[0].isupper() or not value.isalpha())


def _occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if not _joined(text[at - 1 : at], value[0]) and not _joined(value[-1], text[end : end + 1]):
            yield at, end
        at = text.find(value, end)


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word, or to one number."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())


def _add(found: list[Span], entity_type: str, start: int, end: int) -> None:
    """Add what of a span nothing covers yet to spans in order and apart."""
    place = bisect(found, start, key=lambda span: span[1])
    if place:
        start = max(start, found[place - 1][2])
    if place < len(found):
        end = min(end, found[place][1])
    if start < end:
        found.insert(place, (entity_type, start, end))
