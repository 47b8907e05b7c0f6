"""The recognizer of names: cues decide where, a model decides what, a budget bounds the work."""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from extproc.errors import NamesOverBudgetError
from extproc.pii.names import by_cues, columns, companions, deeds, fields, handles, scripts, streets
from extproc.pii.names.cues import CASUAL, STREET_ENDS, STREET_WORDS, Cues
from extproc.pii.names.keys import holds_a_name
from extproc.pii.names.nobody import is_nobody, is_term
from extproc.pii.names.repeats import WORD, repeats
from extproc.pii.names.words import load
from extproc.pii.pieces import Cut
from extproc.pii.results import RecognizerResult
from extproc.slices import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from extproc.config.names import NameSettings
    from extproc.pii.names.cues import Window
    from extproc.pii.names.spans import Span

SUREST: Final = 0.85
"""A name is never surer than what a checksum or a distinctive shape proves."""
BY_MODEL: Final = ("name model",)
"""Evidence of what nothing but a model says."""
SUREST_PLACE: Final = 0.65
"""A place or a firm is less sure than any shape: plates and codes look like the names of firms."""
_VALUE: Final = re.compile(
    r"\s*[^\W\d_][\w.'’\u0300-\u036f\u064b-\u0652\u0900-\u0ecd-]*(?: +[\w.'’\u0300-\u036f\u064b-\u0652\u0900-\u0ecd-]+){0,4}\s*"
)


class Model(Protocol):
    """The bundled network, or a token classifier of the user's own."""

    def read(self, text: str, windows: Sequence[Window], budget: int | None = None) -> tuple[list[Span], int]:
        """The names inside the windows, and how many windows were read before `budget` tokens were used up."""


@dataclass(slots=True)
class Counts:
    """What the recognizer did since it was built: numbers only. Written without a lock, so an estimate under threads."""

    texts: int = 0
    read: int = 0
    """Texts that the model read, in whole or in part."""
    over_budget: int = 0
    """Texts whose end was left to the cues, or that were refused."""


_SHORT: Final = 4096
"""Characters that are looked through at once."""
_MARKED: Final = re.compile(r"[\n=@/\"']").search
"""What all that finds names in ASCII without the model goes by: lines, fields, quotes, addresses. Prose has none of it."""


class NameRecognizer:
    """Finds names in one text. Shared by all streams."""

    def __init__(self, settings: NameSettings, entities: frozenset[str], model: Model) -> None:
        self._settings, self._entities, self._model = settings, entities, model
        self._cues = Cues(places=bool(entities & {"LOCATION", "ORGANIZATION"}))
        self.counts = Counts()

    def __call__(self, text: str, key: str | None = None) -> list[RecognizerResult]:
        """Names of the wanted types, in the order of the text. `key` labels the text as a whole."""
        return self.read(Cut(text), key)

    def read(self, cut: Cut, key: str | None = None) -> list[RecognizerResult]:
        """The same of a text that is cut up already."""
        results = self._read(cut, key)
        text = cut.text
        plain = len(text) <= _SHORT and text.isascii() and _MARKED(text) is None
        if plain and not fields.may_be_inverted(text):
            return results
        more = [(span, "head of its column") for span in columns.find(cut.text)]
        more += [(span, "key") for span in fields.in_queries(cut.text)]
        for find in (fields.in_code, fields.in_tags, fields.inverted):
            more += [(span, "key") for span in find(cut.text)]
        more += [(span, "handle") for span in handles.find(cut.text)]
        more += [(span, "ticket") for span in handles.on_tickets(cut.text)]
        more += [(span, companions.WHY) for span in companions.with_addresses(cut.text)]
        more += [(span, "surname first") for span in companions.surname_first(cut.text)]
        if not cut.text.isascii():
            more += [(span, "key") for span in fields.find(cut.text)]
            more += [(span, "given name") for span in scripts.find(cut.text)]
            more += [(span, streets.GRAMMAR) for span in scripts.addresses(cut.text)]
        if not more:
            return results
        certain = [
            RecognizerResult(s.entity_type, s.start, s.end, s.score, (why,))
            for s, why in more
            if s.entity_type in self._entities
        ]
        return _instead(results, sorted(certain, key=lambda result: result.start))

    def _read(self, cut: Cut, key: str | None) -> list[RecognizerResult]:
        text = cut.text
        self.counts.texts += 1
        if key is not None and "PERSON" in self._entities and holds_a_name(key) and _VALUE.fullmatch(text):
            start, end = len(text) - len(text.lstrip()), len(text.rstrip())
            return [RecognizerResult("PERSON", start, end, SUREST, ("key",))]
        windows = self._cues.windows(cut, key) if self._settings.run == "on_cues" else [(0, len(text))] if text else []
        if not windows:
            return []
        self.counts.read += 1
        if self._settings.run == "always":
            windows = list(_sliced(text))
        spans, done = self._model.read(text, windows, self._settings.budget_tokens)
        results = self._results(text, windows, spans, done)
        if "PERSON" in self._entities:
            done_by = sorted([*deeds.introduced(text), *deeds.find(text, windows)], key=lambda span: span.start)
            results = _instead(
                results, [RecognizerResult("PERSON", s.start, s.end, s.score, (deeds.WHY,)) for s in done_by]
            )
        if "ADDRESS" not in self._entities:
            return results
        found = streets.find(text, windows)
        return _instead(
            results, [RecognizerResult("ADDRESS", s.start, s.end, s.score, (streets.GRAMMAR,)) for s in found]
        )

    def _results(
        self, text: str, windows: Sequence[Window], spans: Sequence[Span], done: int
    ) -> list[RecognizerResult]:
        kept = [
            s
            for s in spans
            if s.entity_type in self._entities
            and s.score >= self._settings.min_score
            and _is_plausible(s.entity_type, text[s.start : s.end], casual=len(text) <= CASUAL)
            and not (
                s.entity_type in ("LOCATION", "ORGANIZATION")
                and is_term(text, s.start, s.end, place=s.entity_type == "LOCATION")
            )
            and not (s.entity_type == "PERSON" and _is_none(text, s.start, s.end))
        ]
        results = [
            RecognizerResult(s.entity_type, s.start, s.end, min(round(s.score, 3), _surest(s.entity_type)), BY_MODEL)
            for s in kept
        ]
        if done < len(windows):
            results += self._rest(text, windows[done][0])
        if "PERSON" in self._entities:
            people = [(r.start, r.end) for r in results if r.entity_type == "PERSON"]
            results += [
                RecognizerResult("PERSON", s.start, s.end, s.score, ("listed with a name",))
                for s in companions.listed(text, people, [(r.start, r.end) for r in results])
            ]
        results += repeats(text, results, [(s.start, s.end) for s in spans])
        return list(in_order(results, key=lambda r: r.start))

    def _rest(self, text: str, start: int) -> list[RecognizerResult]:
        """The end of a text that is longer than the budget."""
        self.counts.over_budget += 1
        if self._settings.over_budget == "block":
            raise NamesOverBudgetError(self._settings.budget_tokens)
        if "PERSON" not in self._entities:
            return []
        return [
            RecognizerResult("PERSON", s.start, s.end, s.score, ("name cues", "beyond budget"))
            for s in by_cues.find(text, start)
        ]


def _instead(results: list[RecognizerResult], certain: list[RecognizerResult]) -> list[RecognizerResult]:
    """What is certain instead of what a model saw of it; both in order."""
    if not certain:
        return results
    begins = [result.start for result in certain]

    def is_apart(result: RecognizerResult) -> bool:
        at = bisect(begins, result.start)
        return (not at or certain[at - 1].end <= result.start) and (
            at == len(certain) or certain[at].start >= result.end
        )

    return sorted([*certain, *filter(is_apart, results)], key=lambda result: result.start)


def _sliced(text: str, size: int = 2000) -> Iterable[Window]:
    """The whole text in parts that end at a space, so that the budget can stop between two."""
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            end = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = start + size if end <= start else end
        yield start, min(end, len(text))
        start = end


def _is_plausible(entity_type: str, name: str, *, casual: bool) -> bool:
    """Whether the letters bear out what the model says of them.

    Nobody is called by one everyday word, nor by a rarer one in lower case; an address has a capital or a street's word; and in
    texts longer than a chat message people write names with capitals: what is all small or all large must hold a name of the
    list.
    """
    words = WORD.findall(name)
    if entity_type == "ADDRESS":
        if (
            not any(map(str.isdigit, name))
            and STREET_WORDS.isdisjoint(words)
            and not any(word.lower().endswith(STREET_ENDS) for word in words)
        ):
            return False
        return name != name.lower() or not STREET_WORDS.isdisjoint(words) or words[0].endswith(STREET_ENDS)
    if entity_type != "PERSON":
        return True
    if len(words) == 1 and words[0].lower() in load("common"):
        return False
    if name.islower() and any(word in load("dictionary") for word in words):
        return False
    mixed = any(w != w.lower() and (w != w.upper() or len(w) == 1) for w in words)
    return casual or mixed or any(w.lower() in load("given") for w in words)


def _is_none(text: str, start: int, end: int) -> bool:
    """Whether what a model takes for a person is a literal, the name of a thing in a file, or otherwise nobody."""
    return _is_literal(text, start, end) or _is_named(text, start, end) or is_nobody(text, start, end)


_NAMED: Final = re.compile(r"(?:\A|[\s{,(\[])[\"']?name[\"']?[ \t]{0,2}[:=][ \t]{0,2}[\"']?\Z")


def _is_named(text: str, start: int, end: int) -> bool:
    """One word all small under a bare `name`, of no list of names: `name: widget`."""
    word = text[start:end]
    if not (word.islower() and word.isalpha() and _NAMED.search(text, max(0, start - 16), start)):
        return False
    return word not in load("given")


def _is_literal(text: str, start: int, end: int) -> bool:
    """One word all small between quotes, as code has strings: `candidate("ali")`."""
    quotes = text[start - 1 : start] + text[end : end + 1]
    return quotes in {'""', "''", "``"} and text[start:end].islower() and text[start:end].isalpha()


def _surest(entity_type: str) -> float:
    return SUREST if entity_type in {"PERSON", "ADDRESS"} else SUREST_PLACE
