"""Questions about a reading of a machine: every measure, every trend, every machine, in many wordings.

The words stand in readings.toml.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.demo_models.patterns import Exchange, choose, keep, mark, unmark

if TYPE_CHECKING:
    from random import Random

_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_MEASURES: dict[str, dict[str, str]] = _DATA["measures"]
_TRENDS: dict[str, dict[str, str]] = _DATA["trends"]
_SENTENCES: dict[str, list[str]] = _DATA["sentences"]
_SYLLABLES = (
    [
        "b",
        "br",
        "c",
        "ch",
        "d",
        "dr",
        "f",
        "fl",
        "g",
        "gr",
        "h",
        "j",
        "k",
        "kr",
        "l",
        "m",
        "n",
        "p",
        "pl",
        "r",
        "s",
        "st",
        "t",
        "tr",
        "v",
        "w",
        "z",
    ],
    "aeiou",
    ("", "n", "r", "l", "t", "x", "ss", "m"),
)


class _Part(NamedTuple):
    """A machine as a user calls it, and what to check on it."""

    name: str
    check: str
    article: str = "the "

    def __str__(self) -> str:
        return self.article + unmark(self.name)


class _Said(NamedTuple):
    """A trend of a measure, in the words of a question."""

    measure: str
    trend: str
    word: str
    predicate: str
    """is ... rising"""
    finite: str
    """... rises"""
    base: str
    """makes it ... rise"""
    adjective: str


_NAMELESS = _Part("machine", "Check the sensor first, then the machine behind it")


def reading_exchange(random: Random) -> Exchange:
    """Ask about a reading, and answer with its likely causes and what to check."""
    part = _draw_part(random)
    said, other = (_draw_said(measure, random) for measure in random.sample(list(_MEASURES), 2))
    form = random.choices(("verbs", "values", "pairs", "record", "finite", "states"), (23, 7, 8, 4, 18, 40))[0]
    pattern = choose(random.choice(_SENTENCES[form]), random) if form in _SENTENCES else ""
    if form == "states" and "{part}" not in pattern:
        part = _NAMELESS
    words = {"part": part.name, "measure": said.word, "trend": said.predicate}
    words |= {"finite": said.finite, "base": said.base, "adjective": said.adjective}
    findings = [_finding(said.measure, said.trend, part)]
    match form:
        case "verbs":
            verb = random.choice(_DATA["verbs"])
            words["verb"] = _one_of(verb["says"], random)
            findings = [_finding(verb["measure"], verb["trend"], part)]
        case "values":
            words["value"] = mark(_value(said.measure, random))
            limits = f"Compare {unmark(words['value'])} with the limit in the data sheet"
            findings = [f"{limits} and with the history of {part}."]
        case "pairs":
            words |= {"measure2": other.word, "trend2": other.predicate, "adjective2": other.adjective}
            findings.append(_finding(other.measure, other.trend, part))
        case "record":
            pattern = _record(random)
    ask = _filled(pattern, words) + ("" if form == "record" else choose(f"({_DATA['times']})", random))
    return Exchange(ask, " ".join((*findings, f"{part.check}.")))


def label(random: Random) -> str:
    """Number a machine: 7, 12, A, T-4, P101."""
    number = str(random.choice((random.randint(1, 9), random.randint(10, 99), random.randint(100, 999))))
    letter = random.choice("ABCDEFGHKLMPRSTVWX")
    forms = {number: 50, letter: 8, f"{letter}-{number}": 15, f"{letter}{number}": 15, f"#{number}": 12}
    return random.choices(list(forms), list(forms.values()))[0]


def made_up_word(random: Random) -> str:
    """Make up a word of two or three syllables."""
    return "".join(random.choice(part) for _ in range(random.randint(2, 3)) for part in _SYLLABLES)


def _finding(measure: str, trend: str, part: _Part) -> str:
    match trend:
        case "lost":
            return f"A lost {measure} reading on {part} often means a broken cable, a dead sensor or a silent gateway."
        case "critical":
            return f"Critical {measure} on {part} is urgent: reduce the load now, and stop if the limit stays passed."
    return f"{trend.capitalize()} {measure} on {part} often comes from {_MEASURES[measure][trend]}."


def _draw_said(measure: str, random: Random) -> _Said:
    trend = random.choice(list(_TRENDS))
    predicate, finite, base, adjective = (_one_of(words, random) for words in _TRENDS[trend].values())
    return _Said(measure, trend, _one_of(_MEASURES[measure]["words"], random), predicate, finite, base, adjective)


def _draw_part(random: Random) -> _Part:
    """Name a machine, often with a label to copy, sometimes one that is on no list."""
    if random.random() < 0.06:
        return _Part(mark(made_up_word(random)), _NAMELESS.check)
    machine = random.choice(_DATA["machines"])
    name = _one_of(machine["names"], random).replace("(HOST)", _one_of(_DATA["hosts"], random))
    if random.random() < 0.3:
        return _Part(f"{name} {mark(label(random))}", machine["check"], article="")
    return _Part(name, machine["check"])


def _value(measure: str, random: Random) -> str:
    amount = random.choice((random.randint(1, 99), random.randint(100, 4000), round(random.uniform(0.1, 99), 1)))
    return f"{amount}{_one_of(_MEASURES[measure]['units'], random)}"


def _record(random: Random) -> str:
    """Say it as a program would: JSON, CSV or key=value."""
    keys = (
        random.choice(("machine", "asset", "device", "unit")),
        "measure",
        random.choice(("state", "status", "trend")),
    )
    fields = dict(zip(keys, ("{part}", "{measure}", "{trend}"), strict=True))
    return random.choice(
        (
            json.dumps(fields),
            ",".join(fields.values()),
            " ".join(f"{key}={value}" for key, value in fields.items()),
            "; ".join(f"{key}: {value}" for key, value in fields.items()),
        )
    )


def _filled(pattern: str, words: dict[str, str]) -> str:
    """Fill the slots; unlike `str.format` it leaves the braces of JSON alone."""
    for name, word in words.items():
        pattern = pattern.replace(f"{{{name}}}", keep(word) if name == "part" else word)
    return pattern


def _one_of(alternatives: str, random: Random) -> str:
    return random.choice(alternatives.split("|"))
