"""Text -> findings: one scan collects candidates and labels, one resolver decides."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from extproc.config.entities import ENTITY_TYPES
from extproc.config.names import NameSettings
from extproc.config.pii import PACKS, PiiSettings
from extproc.errors import ConfigError
from extproc.pii import (
    cards,
    columns,
    credentials,
    custom,
    dates,
    led,
    loose,
    mail,
    mrz,
    names,
    network,
    packs,
    passwords,
    pem,
    phones,
    records,
    scan,
    secrets,
    spellings,
    tables,
)
from extproc.pii.finding import Finding, resolve
from extproc.pii.fold import fold
from extproc.pii.labels import SAID, Labels
from extproc.pii.names import announced, streets
from extproc.pii.names.keys import names_somebody
from extproc.pii.numbers import STRONG, Index, Numbers
from extproc.pii.packs import words
from extproc.pii.people import beside_rules
from extproc.pii.pieces import Cut
from extproc.pii.results import RecognizerResult
from extproc.pii.vocabulary import NEGATIVE, Label, Vocabulary
from extproc.slices import checkpoint, in_slices
from extproc.spelling import unknown_name

if TYPE_CHECKING:
    from extproc.pii.names import NameRecognizer
    from extproc.pii.recognizer import Recognizer
    from extproc.pii.scan import Tokens
    from extproc.pii.tables import Table

TextRecognizer = Callable[[str, str | None], Iterable[RecognizerResult]]
"""A recognizer that reads a whole text with its key, as the name model does; its findings go through the same resolver."""


FINDINGS = 128
"""Tokens that are judged in a slice."""


def _eagerly(recognizer: Recognizer) -> Recognizer:
    """The same without the need of a label, where a checksum or a pattern speaks for a value."""
    if (
        recognizer.unlabelled == "mask"
        or not recognizer.shapes
        or (recognizer.check is None and recognizer.compiled is None)
    ):
        return recognizer
    return dataclasses.replace(recognizer, unlabelled="mask")


def active(settings: PiiSettings) -> tuple[Recognizer, ...]:
    """The recognizers that a configuration switches on.

    Of a region that is not chosen, those stay that a checksum or a distinctive shape gives away.
    """
    chosen = {"global", *settings.packs}
    named = {name for name, operator in settings.entities.items() if operator.operator != "keep"}

    def on(recognizer: Recognizer) -> Recognizer | None:
        if recognizer.entity_type in named or recognizer.pack in chosen:
            return recognizer
        if recognizer.pack in ("off", "extended") or (recognizer.check is None and recognizer.unlabelled != "mask"):
            return None
        if recognizer.unlabelled == "alone" and recognizer.odds > STRONG:
            return dataclasses.replace(recognizer, unlabelled="leave")
        return recognizer

    return tuple(found for recognizer in packs.everything() if (found := on(recognizer)) is not None)


def _known(settings: PiiSettings) -> None:
    own = {recognizer.entity for recognizer in settings.recognizers} | set(settings.deny)
    for name in settings.entities:
        if name not in ENTITY_TYPES and name not in own:
            raise ConfigError(f"pii.entities: {unknown_name('entity type', name, sorted(ENTITY_TYPES | own))}")


_ANYTHING = frozenset(
    "content text input prompt message messages value values query body data instructions system arguments output result "
    "question answer comment note notes description subject".split()
)
"""JSON keys under which anything may stand. Under any other, a number alone is what the key says."""


_WHOLE = 0.05
"""Rank of an address that a grammar has read: its town and its postcode go with it."""


@lru_cache(maxsize=4)
def _by_shape(recognizers: tuple[Recognizer, ...]) -> tuple[Index, loose.Loose]:
    """Both tables of shapes. A process that reads its mesh again, or two beside each other, has the same recognizers mostly."""
    return Index(r for r in recognizers if r.shapes), loose.Loose(recognizers)


@lru_cache(maxsize=4)
def _vocabulary(recognizers: tuple[Recognizer, ...], own: tuple[tuple[str, str], ...], *, people: bool) -> Vocabulary:
    """All labels: of the recognizers, of the user's own, and those that announce people."""
    phrases: dict[str, frozenset[str]] = {phrase: frozenset({NEGATIVE}) for phrase in words.NEGATIVE.split("|")}
    for recognizer in recognizers:
        for phrase in recognizer.phrases:
            phrases[phrase] = phrases.get(phrase, frozenset()) - {NEGATIVE} | {recognizer.entity_type}
    phrases |= {phrase: frozenset({SAID}) for phrase in words.SAID.split("|") if phrase not in phrases}
    for phrase, entity_type in own:
        phrases[phrase] = phrases.get(phrase, frozenset()) - {NEGATIVE} | {entity_type}
    if people:
        for phrase, kinds in announced.PHRASES.items():
            phrases[phrase] = phrases.get(phrase, frozenset()) | kinds
    return Vocabulary(phrases)


class Analyzer:
    """Finds personal data. Immutable after construction, so all streams share one."""

    def __init__(self, settings: PiiSettings, extra: Sequence[TextRecognizer] = (), *, eager: bool = False) -> None:
        """`eager`: to be shown what nearly is personal data; numbers need no label where a checksum speaks for them."""
        _known(settings)
        recognizers = active(settings)
        if eager:
            recognizers = tuple(map(_eagerly, recognizers))
        found_by_model = names.wanted(settings)
        self.names = names.recognizer(settings.names, found_by_model)
        """The name model's recognizer; None where it is switched off. It counts what it did."""
        self._extra = tuple(extra)
        self._min_score = settings.min_score
        self._own = custom.compile_settings(settings)
        self.entity_types = frozenset(r.entity_type for r in recognizers) | self._own.entity_types
        """Every type that may be found."""
        if self.names:
            self.entity_types |= found_by_model
        self._index, self._loose = _by_shape(recognizers)
        self._led: dict[str, list[tuple[Recognizer, re.Pattern[str]]]] = {}
        for recognizer in recognizers:
            if recognizer.led:
                self._led.setdefault(recognizer.entity_type, []).append((recognizer, re.compile(recognizer.led)))
        self._without_digits = frozenset(r.entity_type for r in recognizers if r.led and r.least_digits == 0)
        self._leads = (
            frozenset(self._led) | self._loose.entity_types | {"DATE_OF_BIRTH", "PASSWORD", "USERNAME", "IBAN_CODE"}
        )
        """Types whose labels are read on from."""
        announces = self.names is not None and "PERSON" in found_by_model
        self._vocabulary = _vocabulary(recognizers, self._own.labels, people=announces)
        self._scan = scan.Scanner(self._vocabulary, secrets.KEYS | credentials.KEYS | mail.WORDS)
        self._reads_all = "DATE_TIME" in self.entity_types or self._own.searches
        """Something is to be looked for even in a text without a token or a label."""
        self._reads_short = self._reads_all or (settings.names.enabled and settings.names.run == "always")
        """Likewise, in the shortest."""

    def analyze(self, text: str, key: str | None = None) -> list[RecognizerResult]:
        """Findings in the order of the text, none overlapping another. `key` labels the text as a whole: a JSON key."""
        return self._analyze(text, key, self.names)

    def patterns(self, text: str, key: str | None = None) -> list[RecognizerResult]:
        """The same without the name model, which needs whole sentences: for text that arrives word by word."""
        return self._analyze(text, key, None)

    @property
    def searches_words(self) -> bool:
        """Whether something may be found in a word that no label announces: by the user's own lists and recognizers."""
        return self._own.searches or bool(self._extra)

    def is_label(self, key: str) -> bool:
        """Whether a JSON key says what stands under it."""
        return bool(self._vocabulary.of_key(key))

    def tells(self, key: str | None) -> bool:
        """Whether a JSON key says anything of what stands under it."""
        return self._reads_short or (key is not None and (self.is_label(key) or names_somebody(key)))

    def _analyze(self, text: str, key: str | None, names: NameRecognizer | None) -> list[RecognizerResult]:
        found = self._read(text, key, names)
        for level in spellings.levels(text):
            read: list[RecognizerResult] = []
            for part in level.parts():
                checkpoint()
                read += part.results(self._read(part.text, key if part.whole else None, names))
            found = spellings.united(found, read, level)
        return found

    def _read(self, text: str, key: str | None, names: NameRecognizer | None) -> list[RecognizerResult]:
        """Findings in a text as it stands."""
        folded = fold(text)
        cut = Cut(folded.text)
        findings = self._find(cut, key, with_names=names is not None)
        if "PHONE_NUMBER" in self.entity_types:
            mails = [f.end for f in findings if f.entity_type == "EMAIL_ADDRESS"]
            findings += [f for end in mails if (f := phones.beside_an_address(folded.text, end))]
        for recognize in self._extra:
            findings += self._taken_over(folded.text, recognize(folded.text, key))
        if names:
            read = list(self._taken_over(folded.text, names.read(cut, key)))
            people = beside_rules(folded.text, read, findings, self._vocabulary) if read else read
            findings += people
            if "PHONE_NUMBER" in self.entity_types:
                beside = (phones.beside_a_name(folded.text, p.end) for p in people if p.entity_type == "PERSON")
                findings += [f for f in beside if f and not self._own.allowed(folded.text[f.start : f.end])]
        results = []
        for finding in in_slices(resolve(findings, self._min_score)):
            start, end = folded.origin(finding.start, finding.end)
            results.append(
                RecognizerResult(finding.entity_type, start, end, round(min(finding.score, 1.0), 3), finding.evidence)
            )
        return results

    def _taken_over(self, text: str, results: Iterable[RecognizerResult]) -> Iterator[Finding]:
        """What another recognizer found, without what the user allows."""
        return (
            Finding(
                r.entity_type,
                r.start,
                r.end,
                r.score,
                r.evidence,
                rank=_WHOLE if streets.GRAMMAR in r.evidence else 0.0,
            )
            for r in results
            if not self._own.allowed(text[r.start : r.end])
        )

    def _find(self, cut: Cut, key: str | None, *, with_names: bool) -> list[Finding]:
        """Everything that something speaks for, in positions of the folded text."""
        text = cut.text
        tokens = self._scan(cut)
        named = self._vocabulary.of_key(key) if key else frozenset()
        findings = _beyond_tokens(text)
        if tokens.found or tokens.labels or tokens.words or named or self._reads_all:
            findings += self._weigh(text, key, tokens, named)
        if with_names and tokens.labels:
            findings += announced.find(text, tokens.labels)
        if not findings:
            return findings
        known, allowed = self.entity_types, self._own.allowed
        return [f for f in findings if f.entity_type in known and not allowed(text[f.start : f.end])]

    def _weigh(self, text: str, key: str | None, tokens: Tokens, named: frozenset[str]) -> list[Finding]:  # noqa: C901 - one loop
        """What the tokens of a text are, by their shapes and the labels beside them."""
        found_tables = tables.tables(text, tokens.labels, self._vocabulary) if tokens.labels else []
        labels = Labels(text, tokens.labels, named, found_tables)
        anonymous = key is None or key.lower() in _ANYTHING
        numbers = Numbers(text, self._index, labels, self.entity_types, anonymous=anonymous)
        findings = numbers.findings
        url_end = 0
        for kind, start, end in in_slices(tokens.found, FINDINGS):
            if kind == scan.CHAIN:
                numbers.chain(start, end)
            elif kind == scan.PHONE:
                _add(findings, phones.international(text, start, end, labels.around(start, end)))
            elif kind == scan.EMAIL and start < url_end and text[start - 1] == ":":
                continue  # user:password@host, of which the URL has been judged
            elif kind in _ALONE:
                finding = _ALONE[kind](text, start, end)
                if finding is None and kind == scan.IPV4:
                    numbers.chain(start, end)
                _add(findings, finding)
            elif start >= url_end:
                if kind == scan.DOMAIN and end - start > _SHORTEST_NAMED and "-" in text[start:end]:
                    numbers.named(start, end)
                url_end = _host(text, start, end, findings, is_url=kind == scan.URL)
        for start, end in in_slices(tokens.words, FINDINGS):
            findings += _announced(text, start, end, numbers.keys)
        findings += self._led_by(text, tokens.labels, found_tables, key, named, {f.start for f in findings})
        if "DATE_TIME" in self.entity_types:
            findings += dates.bare(text)
        findings += self._own.find(text, labels)
        return findings

    def _led_by(
        self,
        text: str,
        labels: list[Label],
        found_tables: list[Table],
        key: str | None,
        named: frozenset[str],
        taken: set[int],
    ) -> list[Finding]:
        """What stands right after a label, below the head of a column, or under a JSON key."""
        findings: list[Finding] = []
        leading = [label for label in in_slices(labels) if not self._leads.isdisjoint(label.kinds)]
        if leading:
            findings += passwords.passwords(text, leading)
            starts = led.Starts(text)
            before_digits = led.before_digits(text, leading, self._without_digits)
            findings += led.values(starts, before_digits, self._led)
            findings += led.dates_of_birth(starts, before_digits)
            findings += self._loose.find(starts, before_digits, taken | {f.start for f in findings})
        for start, end, kinds in in_slices(tables.cells(text, found_tables), FINDINGS):
            findings += columns.value(text, (start, end), kinds, self._led, "head of its column")
        if named:
            inner = text.strip()
            start = text.find(inner)
            findings += columns.value(text, (start, start + len(inner)), named, self._led, "JSON key")
            if key and passwords.is_code(key, inner):
                findings.append(
                    Finding("PASSWORD", start, start + len(inner), passwords.LABELLED, ("code", "JSON key"))
                )
        return findings


_SHORTEST_NAMED = 13
"""Characters of a file that is named after a number: `536-22-1845.md`."""
_UUID = 0.7
"""Score: of what else a UUID may be, a key by its label, a label says more."""


def _uuid(text: str, start: int, end: int) -> Finding:
    del text
    return Finding("UUID", start, end, _UUID, ("shape",))


_ALONE: dict[int, Callable[[str, int, int], Finding | None]] = {
    scan.EMAIL: mail.address,
    scan.UUID: _uuid,
    scan.IPV4: network.address,
    scan.HYPHENS: network.hardware,
    scan.COLONS: lambda text, start, end: network.hardware(text, start, end) or network.address(text, start, end),
}
"""What a token may be that needs no label."""


def _beyond_tokens(text: str) -> list[Finding]:
    """What is larger than a token, or torn; each is looked for where one of its signs is."""
    findings: list[Finding] = []
    if "BEGIN" in text:
        findings += pem.private_keys(text)
        findings += records.properties(text)
    elif text.startswith(records.PROPERTIES):
        findings += records.properties(text)
    if "|" in text:
        findings += records.fields(text)
    if "_" in text or " - " in text:
        findings += cards.parted(text)
    if "<<" in text:
        findings += mrz.lines(text)
    if "@" in text:
        findings += mail.torn(text)
    if "%" in text or "\\" in text or "&" in text:
        findings += mail.encoded(text)
    return findings


def _host(text: str, start: int, end: int, findings: list[Finding], *, is_url: bool) -> int:
    """Add what a URL or a bare host is; where the URL ends."""
    if is_url:
        end, finding = network.url(text, start)
        _add(findings, finding)
        return end
    if start and mail.is_part(text, start):
        findings += mail.before_host(text, start, end)
    _add(findings, network.domain(text, start, end))
    return 0


def _announced(text: str, start: int, end: int, keys: secrets.VendorKeys) -> Iterable[Finding]:
    """The secret that begins with a word, or that it announces."""
    key = keys.at(start) or secrets.named_key(text, start, end)
    if key is not None:
        return (key,)
    if text[start:end].lower() in mail.WORDS:
        return mail.spelled(text, start, end)
    return credentials.credentials(text, start, end)


def _add(findings: list[Finding], finding: Finding | None) -> None:
    if finding is not None:
        findings.append(finding)


@cache
def _with_every_pack(*, names: bool) -> Analyzer:
    return Analyzer(PiiSettings(packs=PACKS, names=NameSettings(enabled=names)))


def analyze(text: str, *, names: bool = True) -> list[RecognizerResult]:
    """Find personal data at default configuration with every pack on. `names` False: by the rules alone, no model loaded."""
    return _with_every_pack(names=names).analyze(text)
