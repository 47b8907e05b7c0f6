"""Findings -> edits: what each entity type's operator writes in the place of its values."""

from __future__ import annotations

import re
import time
from bisect import bisect
from collections import Counter
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from extproc.config.entities import ENTITY_TYPES
from extproc.edits import Edit, apply
from extproc.errors import IntentmeshError, LateError, MaskingError
from extproc.pii.keys import Keys
from extproc.pii.operators import operate
from extproc.pii.recent import RecentFindings
from extproc.pii.respelled import Respelled
from extproc.pii.restorer import HASHED, LETTERS, TOKEN
from extproc.pii.urls import UrlWatch, may_begin
from extproc.pii.vault import Vault
from extproc.slices import checkpoint, in_order, in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from extproc.config.operators import Operator
    from extproc.config.pii import PiiSettings
    from extproc.pii.analyzer import Analyzer
    from extproc.pii.results import RecognizerResult

_AGREED = frozenset({"key", "identifier"})
_WORD = re.compile(r"(?=.{1,12}\Z)[a-z_-]*+(?:[0-9](?![0-9])[a-z_-]*+){0,2}")
"""A short word in small letters: `get_weather`, `gpt-4o`. Nothing has such a shape that needs no label."""
_NUMBERED = re.compile(r"[a-z]{1,12}(?:_[a-z]{1,12})?_[0-9]{1,5}|[a-z]{1,2}[0-9]{1,5}")
"""One of many: `key_00042`, `k17`. The same holds for it."""
_SHORT_CODE = re.compile(r"[a-z]{0,2}[0-9]{1,5}")
"""`v42`, `200`: nothing that is not what its key says."""
_GUESSED = frozenset({"label before", "label after", "JSON key", "head of its column"})
"""Evidence that names of tools and of fields have by chance."""
Span = tuple[str, int, int]
"""Entity type, start, end."""

_SHORTEST = 6
_LONGEST = 256
"""Characters of a value that is looked for together with many others."""
_FEW = 16
"""Values up to which each is looked for on its own: in C, where going through a text in Python takes as long as a few hundred."""
_BEGINS = re.compile(r"(?<![^\W\d_])[^\W\d_]|(?<!\d)\d|[^\w\s]|_")
"""Where a value may begin: with a word, with a number, or with a sign."""
_ESCAPE_LETTERS = "nrtbf"
_PLACEHOLDER = re.compile(rf"\[([A-Z][A-Z0-9_]*)_(?:[0-9]{{1,4}}[A-Z]?|[{LETTERS}]{{{HASHED}}})\]")
_AROUND = " .,;:!?'\"()`*<>"


class Text(Protocol):
    """What is anonymized: a text, and the key that it stands under."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def key(self) -> str | None:
        """Its label."""

    @property
    def kind(self) -> str:
        """A `text`, a `number`, or what programs agree on: a `key`, an `identifier`."""


@dataclass(slots=True, eq=False)
class Anonymized:
    """The outcome for the texts of one request. Nobody changes it; freezing it would cost a microsecond."""

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
        return [None if edits is None else apply(original.text, edits) for original, edits in pairs]


class Anonymizer:
    """Masks the texts of requests. Immutable after construction; what belongs to one request is in its vault."""

    def __init__(self, settings: PiiSettings, analyzer: Analyzer) -> None:
        self._settings = settings
        self._analyzer = analyzer
        self._search = RecentFindings(analyzer.analyze, settings.remember_texts)
        self._knows_words = not analyzer.searches_words
        self._search_agreed = RecentFindings(lambda text, _: analyzer.patterns(text), settings.remember_texts)
        self._keys = Keys.read(settings)
        self.remembers = settings.remember_texts > 0
        """Whether it is told by the sender of a request what is remembered of it."""
        self._empty = self._vault(None)
        """That of every request in which nothing is found: nothing is ever put into it."""

    def anonymize(
        self,
        texts: Sequence[Text],
        *,
        body: bytes = b"",
        deadline: float | None = None,
        remember: bool = False,
        caller: str | None = None,
        sender: str = "",
        operators: Mapping[str, Operator] | None = None,
    ) -> Anonymized:
        """Mask texts. `body`: all else that the upstream sees; placeholders that stand in it are not given out.

        `remember`: the vault keeps the texts, to tell what a redacted answer says that they did not.
        `caller`: the upstream remembers what it is told, so that a value is to have the same placeholder in each request of
        this caller's, and no other value is to have it.
        `operators`: what is done with these types in this request, whatever the settings say.
        `sender`: what tells who sent the request from others: what is remembered of it is remembered for this one.

        Raises BlockedEntityError, and MaskingError when a recognizer fails or `deadline` (of `time.monotonic`) passes.
        """
        operator_of = self._operator if not operators else lambda t: operators.get(t) or self._operator(t)
        results = [self._find(text, deadline, sender) for text in texts]
        if not any(results) and not remember and not self._keys.encrypts:
            return Anonymized([None] * len(texts), self._empty, {}, texts)
        vault = self._vault(caller)
        if remember:
            vault.remember_texts(text.text for text in texts)
        found = [self._spans(text, some, vault) for text, some in zip(texts, results, strict=True)]
        if not any(found):
            return Anonymized([None] * len(texts), vault, {}, texts)
        types = {entity_type for some in found for entity_type, _, _ in some}
        found = everywhere(texts, found, [t for t in types if operator_of(t).operator not in ("keep", "flag")])
        vault.reserve(types, (text.text for text in texts), body)
        entities: Counter[tuple[str, str]] = Counter()
        edits = [
            self._edits(text, some, vault, entities, operator_of) or None if some else None
            for text, some in in_slices(zip(texts, found, strict=True))
        ]
        return Anonymized(edits, vault, dict(entities), texts)

    def _vault(self, caller: str | None) -> Vault:
        settings = self._settings
        return Vault(
            tolerant=settings.tolerant,
            link=settings.names.link,
            key=None if caller is None else self._keys.of_caller(caller),
            restore_in_urls=settings.restore_in_urls,
        )

    def _operator(self, entity_type: str) -> Operator:
        return self._settings.entities.get(entity_type, self._settings.default_operator)

    def name_counts(self) -> dict[str, int]:
        """What the name model did since the start; empty without one."""
        names = self._analyzer.names
        return asdict(names.counts) if names else {}

    def _find(self, text: Text, deadline: float | None, sender: str) -> list[RecognizerResult]:
        if deadline is not None and time.monotonic() > deadline:
            raise LateError
        try:
            if text.kind != "text" and is_agreed(text):
                if self._knows_words and (_WORD.fullmatch(text.text) or _NUMBERED.fullmatch(text.text)):
                    return []
                return without_guesses(self._search_agreed(text.text, None, sender))
            if self._knows_words and _SHORT_CODE.fullmatch(text.text) and not self._analyzer.tells(text.key):
                return []
            return self._search(text.text, text.key, sender)
        except IntentmeshError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a recognizer does, nothing goes on unmasked
            # the cause could quote the text: only its kind is told
            raise MaskingError(f"a recognizer failed ({type(error).__name__})") from None

    def _spans(self, text: Text, results: list[RecognizerResult], vault: Vault) -> list[Span]:
        tokens = self._keys.tokens(text.text)
        for token, (value, number) in tokens.items():
            vault.admit(token, value, number=number)
        return list(spans(text.text, results, tokens)) if results else []

    def _edits(
        self,
        text: Text,
        found: list[Span],
        vault: Vault,
        entities: Counter[tuple[str, str]],
        operator_of: Callable[[str], Operator],
    ) -> list[Edit]:
        edits: list[Edit] = []
        number = text.kind == "number"
        for entity_type, start, end in in_slices(found):
            value = text.text[start:end]
            operator = operator_of(entity_type)
            vault.remember(value)
            new = operate(operator, entity_type, value, vault, self._keys, number=number)
            if operator.operator != "keep":
                entities[entity_type, operator.operator] += 1
            if new is not None:
                edits.append((start, end, new))
        if vault.minds_urls and edits and may_begin(text.text):
            _remember_hosts(text.text, edits, vault)
        return edits


def _remember_hosts(text: str, edits: list[Edit], vault: Vault) -> None:
    """Note of which hosts' URLs the values are part of, as the upstream reads them."""
    masked = apply(text, edits)
    watch = UrlWatch()
    longer = 0
    for start, end, new in in_slices(edits):
        stop = start + longer + len(new)
        vault.remember_hosts(new, watch.hosts(masked, start + longer, stop, end=True) or frozenset())
        longer += len(new) - (end - start)


def search(analyzer: Analyzer, text: Text) -> list[RecognizerResult]:
    """The findings in a text."""
    return without_guesses(analyzer.patterns(text.text)) if is_agreed(text) else analyzer.analyze(text.text, text.key)


def is_agreed(text: Text) -> bool:
    """Whether a text is a word that programs agree on: a name of a field or a tool, the id of a call."""
    return text.kind in _AGREED and " " not in text.text


def without_guesses(found: list[RecognizerResult]) -> list[RecognizerResult]:
    """Findings that no label had to tell."""
    return [result for result in found if _GUESSED.isdisjoint(result.evidence)] if found else found


def spans(text: str, found: list[RecognizerResult], tokens: Container[str] = ()) -> Iterator[Span]:
    r"""Entity type, start and end of findings, in order and apart.

    In JSON within a text, `\nada@example.org` reads as an address that begins with n. The escape is left whole: `\[` would
    be no JSON any more. Placeholders, and `tokens` that were encrypted here, are no findings: what was masked is not masked
    again, though "password:" stands before it.
    """
    at = 0
    spared = sorted(_spared(text, tokens)) if found and "[" in text else []
    for result in found:
        start, end = result.start, result.end
        if start > 0 and text[start - 1] == "\\" and text[start] in _ESCAPE_LETTERS and end - start > 1:
            start += 1
        if start >= at and not (spared and _is_within(text, start, end, spared)):
            yield result.entity_type, start, end
            at = end


def _spared(text: str, tokens: Container[str]) -> Iterator[tuple[int, int]]:
    for match in _PLACEHOLDER.finditer(text):
        if match[1] in ENTITY_TYPES:
            yield match.span()
    for match in TOKEN.finditer(text):
        if match[0] in tokens:
            yield match.span()


def _is_within(text: str, start: int, end: int, spared: list[tuple[int, int]]) -> bool:
    """Whether a finding is part of one of these, or one of them and some signs beside it."""
    value = text[start:end]
    start += len(value) - len(value.lstrip(_AROUND))
    end -= len(value) - len(value.rstrip(_AROUND))
    place = bisect(spared, (start, len(text)))
    return place > 0 and end <= spared[place - 1][1]


def everywhere(  # noqa: C901 - one loop over the texts
    texts: Sequence[Text], found: list[list[Span]], types: Iterable[str]
) -> list[list[Span]]:
    """The same values where they stand without what gave them away: a number that is labelled in one text, bare in another, and
    perhaps spelled otherwise.

    Not for short values, nor for common words.
    """
    wanted = frozenset(types)
    values: dict[str, str] = {}
    every: dict[str, str] = {}
    known: Counter[tuple[int, str]] = Counter()
    for i, some in enumerate(found):
        for entity_type, start, end in some:
            value = texts[i].text[start:end]
            if entity_type in wanted:
                every.setdefault(value, entity_type)
            if entity_type in wanted and is_telling(value):
                values.setdefault(value, entity_type)
                known[i, value] += 1
    if not every:
        return found
    respelled = Respelled(every)
    beginnings = Beginnings(values) if len(values) > _FEW else None
    for i, text in enumerate(texts):
        checkpoint()
        read = text.text
        if text.kind != "text":
            if read in values and not found[i]:
                found[i] = [(values[read], 0, len(read))]
            elif not found[i] and read.lstrip("-").isdigit():  # +49 151 23456789 as a number
                found[i] = [(kind, start, end) for start, end, kind in respelled.occurrences(read)]
            continue
        if beginnings is not None:
            more = list(beginnings.occurrences(read))
        else:
            again = (value for value in values if read.count(value) > known[i, value])
            more = [(start, end, value) for value in again for start, end in _occurrences(read, value)]
        others = [*((a, b, values[value]) for a, b, value in more), *in_slices(respelled.occurrences(read))]
        if others:
            found[i] = _merged(found[i], in_order(others, key=itemgetter(0, 1)))
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


class Beginnings:
    """Many values, looked for all at once: a text is gone through once, however many they are.

    Known by their first characters, and among those that share them by length: a value longer than LONGEST is left out,
    so that a place in a text is compared with a bounded number of them.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._lengths: dict[str, list[int]] = {}
        self._values: set[str] = {value for value in values if len(value) <= _LONGEST}
        lengths: dict[str, set[int]] = {}
        for value in self._values:
            lengths.setdefault(value[:_SHORTEST], set()).add(len(value))
        self._lengths = {begun: sorted(some, reverse=True) for begun, some in lengths.items()}

    def occurrences(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and value of what stands in a text and is no part of a longer word or number, none within another."""
        lengths, values, done = self._lengths, self._values, 0
        for match in in_slices(_BEGINS.finditer(text)):
            start = match.start()
            if start < done:
                continue
            for length in lengths.get(text[start : start + _SHORTEST], ()):
                value = text[start : start + length]
                if value in values and not _joined(value[-1], text[start + length : start + length + 1]):
                    done = start + length
                    yield start, done, value
                    break


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word, or to one number."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())


def _merged(spans: list[Span], more: Iterable[tuple[int, int, str]]) -> list[Span]:
    """Spans in order and apart, and between them what of others none of them covers yet."""
    out: list[Span] = []
    nth = at = 0
    for begun, ended, entity_type in more:
        start, end = begun, ended
        while nth < len(spans) and spans[nth][1] <= start:
            out.append(spans[nth])
            at = max(at, spans[nth][2])
            nth += 1
        if nth < len(spans):
            end = min(end, spans[nth][1])
        start = max(start, at)
        if start < end:
            out.append((entity_type, start, end))
            at = end
    return out + spans[nth:]
