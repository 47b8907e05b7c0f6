"""Sentence patterns: `(one|another|)` chooses, `{slot}` is filled, and topics tie the questions to their answers.

A topic file is plain text:

    @ product: kettle|lamp            a slot and its fillings
    = refund                          a topic
    ? where is my (money|refund)      a way to ask
    ! Your refund is on its way.      an answer; one that names more of the slots that were asked about is preferred
    & country,capital: Peru,Lima      slots of this topic that are filled together

Parentheses that are meant as such are written ⟨ and ⟩.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from random import Random

    Fillings = Mapping[str, Callable[[Random], str]]

COPIED = ("\ue000", "\ue001")
"""Private characters around a filling that an answer repeats letter by letter, so that noise leaves it alone."""

KEPT = ("\ue002", "\ue003")
"""The same around every filling, until the question is rephrased: an answer may name it, so no other word will do."""

_SLOT = re.compile(r"\{(\w+)\}")
_LITERAL = str.maketrans("⟨⟩", "()")
_INNERMOST = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be asked about one thing, and what is answered."""

    name: str
    asks: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    """Slots that belong together, such as a country and its capital; one row is drawn."""

    @property
    def weight(self) -> float:
        """How often it is asked about: more often the more it holds."""
        return max(len(self.rows), 1) ** 0.6


class Exchange(NamedTuple):
    """A question and its answer, the copied fillings still marked in the question."""

    ask: str
    answer: str


def choose(pattern: str, random: Random) -> str:
    """Resolve every `(one|another|)` from the inside out."""
    while found := _INNERMOST.search(pattern):
        pattern = pattern[: found.start()] + random.choice(found[1].split("|")) + pattern[found.end() :]
    return pattern


def fill(pattern: str, random: Random, fillings: Fillings, bound: dict[str, str]) -> str:
    """Fill the slots; a slot that is in `bound` keeps its value, a new one is put there."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in bound:
            bound[name] = fillings[name](random)
        return keep(bound[name])

    text = _SLOT.sub(value, choose(pattern, random)).translate(_LITERAL)
    return re.sub(r" {2,}", " ", text).strip()


def exchange(topic: Topic, random: Random, fillings: Fillings) -> Exchange:
    """Make one question of a topic with the answer that fits it."""
    bound = dict(random.choice(topic.rows)) if topic.rows else {}
    ask = fill(random.choice(topic.asks), random, fillings, bound)
    fitting = [answer for answer in topic.answers if set(_SLOT.findall(answer)) <= bound.keys()]
    most = max(len(_SLOT.findall(answer)) for answer in fitting)
    answer = random.choice([answer for answer in fitting if len(_SLOT.findall(answer)) == most])
    return Exchange(ask, unmark(fill(answer, random, fillings, bound)))


def draw(topics: Sequence[Topic], random: Random) -> Topic:
    """Draw a topic by its weight."""
    return random.choices(topics, [topic.weight for topic in topics])[0]


def mark(text: str) -> str:
    """Mark a filling that an answer will copy."""
    return f"{COPIED[0]}{text}{COPIED[1]}"


def unmark(text: str) -> str:
    """Take the marks away."""
    return unkeep(text).replace(COPIED[0], "").replace(COPIED[1], "")


def keep(text: str) -> str:
    """Keep a filling from being rephrased."""
    return f"{KEPT[0]}{text}{KEPT[1]}"


def unkeep(text: str) -> str:
    """Let a filling be changed again."""
    return text.replace(KEPT[0], "").replace(KEPT[1], "")


def read_topics(path: Path) -> tuple[list[Topic], dict[str, Callable[[Random], str]]]:
    """Read a topic file: its topics and its slots."""
    topics: list[Topic] = []
    slots: dict[str, Callable[[Random], str]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        kind, _, text = line.partition(" ")
        match kind:
            case "" | "#":
                continue
            case "@":
                name, _, values = text.partition(": ")
                slots[name] = _one_of(values.split("|"))
            case "=":
                topics.append(Topic(text))
            case "&" if topics:
                names, _, rows = text.partition(": ")
                topics[-1].rows.extend(
                    dict(zip(names.split(","), row.split(","), strict=True)) for row in rows.split("|")
                )
            case "?" if topics:
                topics[-1].asks.append(text)
            case "!" if topics:
                topics[-1].answers.append(text)
            case _:
                raise ValueError(f"{path.name}, line {number}: starts with none of # @ = ? ! &")
    return topics, slots


def _one_of(values: list[str]) -> Callable[[Random], str]:
    return lambda random: random.choice(values)
