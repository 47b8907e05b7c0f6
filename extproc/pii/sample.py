"""What a configuration would make of texts without labels: what is masked and why, what nearly was, what to allow and to deny."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from extproc.config.names import NAME_TYPES
from extproc.config.pii import PACKS
from extproc.pii.analyzer import Analyzer
from extproc.pii.anonymizer import is_telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.config.pii import PiiSettings
    from extproc.pii.results import RecognizerResult

MOST_EXAMPLES: Final = 5
OFTEN: Final = 3
"""Texts in which one value stands that is suggested to be nobody's: a mailbox for all, the number of the house."""
MOST_SUGGESTED: Final = 20


@dataclass(slots=True)
class Group:
    """Findings of one type for one reason."""

    count: int = 0
    texts: int = 0
    """In so many texts."""
    examples: list[str] = field(default_factory=list)


Groups = dict[tuple[str, str], Group]
"""(entity type, why) -> what was found."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Of all texts."""

    texts: int
    masked: Groups
    nearly: Groups
    allow: list[tuple[str, int]]
    """Values found in many texts, and in how many."""
    deny: dict[str, list[str]]
    """Entity type -> values found in some texts and passed by in others."""


def survey(texts: Iterable[str], settings: PiiSettings) -> Survey:
    """Search texts as the settings have it, and once more as eagerly as can be."""
    analyzer = Analyzer(settings)
    eager = Analyzer(settings.model_copy(update={"packs": PACKS, "min_score": 0.0}), eager=True)
    masked: Groups = defaultdict(Group)
    nearly: Groups = defaultdict(Group)
    places: defaultdict[str, set[int]] = defaultdict(set)
    types: dict[str, str] = {}
    read: list[tuple[str, list[RecognizerResult]]] = []
    for nth, text in enumerate(texts):
        found = analyzer.analyze(text)
        read.append((text, found))
        _count(masked, text, [(r, ", ".join(r.evidence)) for r in found])
        for result in found:
            value = text[result.start : result.end]
            places[value].add(nth)
            types[value] = result.entity_type
        missed = [r for r in eager.analyze(text) if not any(r.start < f.end and f.start < r.end for f in found)]
        _count(nearly, text, [(r, _why_not(r, analyzer, settings)) for r in missed])
    allow = sorted(((value, len(where)) for value, where in places.items() if len(where) >= OFTEN), key=lambda v: -v[1])
    return Survey(len(read), dict(masked), dict(nearly), allow[:MOST_SUGGESTED], _passed_by(read, types))


def _count(groups: Groups, text: str, found: Iterable[tuple[RecognizerResult, str]]) -> None:
    seen = set()
    for result, why in found:
        group = groups[result.entity_type, why]
        group.count += 1
        if (result.entity_type, why) not in seen:
            seen.add((result.entity_type, why))
            group.texts += 1
        value = text[result.start : result.end]
        if len(group.examples) < MOST_EXAMPLES and value not in group.examples:
            group.examples.append(value)


def _why_not(result: RecognizerResult, analyzer: Analyzer, settings: PiiSettings) -> str:
    if result.entity_type not in analyzer.entity_types:
        return "the type is not on: its pack is not in `pii.packs`, nor is it named in `pii.entities`"
    if result.entity_type in NAME_TYPES and result.score < settings.names.min_score:
        return f"its score is below `pii.names.min_score` ({settings.names.min_score})"
    if result.score < settings.min_score:
        return f"its score is below `pii.min_score` ({settings.min_score})"
    return f"no label beside it ({', '.join(result.evidence)})"


def _passed_by(read: list[tuple[str, list[RecognizerResult]]], types: dict[str, str]) -> dict[str, list[str]]:
    """Values that a text holds and in which nothing covers them."""
    deny: defaultdict[str, list[str]] = defaultdict(list)
    for value, entity_type in types.items():
        if not is_telling(value) or len(deny[entity_type]) >= MOST_SUGGESTED:
            continue
        for text, found in read:
            at = text.find(value)
            if at >= 0 and not any(r.start < at + len(value) and at < r.end for r in found):
                deny[entity_type].append(value)
                break
    return {entity_type: values for entity_type, values in deny.items() if values}
