"""Ask the same in other words, as people do: openers, asides, synonyms, words left out. The words stand in rephrasing.toml.

A question of every kind is rephrased alike, so how it is put says nothing about what it is about.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.demo_models.patterns import COPIED, KEPT, choose

if TYPE_CHECKING:
    from random import Random

_DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_OPENERS, _CLOSERS, _ASIDES, _ADJECTIVES = (
    _DATA[name].replace("\n", "") for name in ("openers", "closers", "asides", "adjectives")
)
_DROPPED = set(_DATA["dropped"].lower().split("|"))
_ALTERNATIVES: dict[str, list[str]] = {}
for _row in _DATA["synonyms"]:
    _first, *_others = _row.split("|")
    _ALTERNATIVES.setdefault(_first.lower(), []).extend(_others)
_SYNONYM = re.compile(
    rf"(?<![\w'])({'|'.join(sorted(map(re.escape, _ALTERNATIVES), key=len, reverse=True))})(?![\w'])", re.IGNORECASE
)
_DETERMINED = re.compile(rf"\b(the|my|our|this|a) (?=[a-z{KEPT[0]}])")
_FIXED = re.compile(rf"{KEPT[0]}.*?{KEPT[1]}|{COPIED[0]}.*?{COPIED[1]}")
_PIECE = re.compile(rf"{_FIXED.pattern}|\S+")


def rephrase(ask: str, random: Random) -> str:
    """Say it in other words; now and then as it stands. Records of programs are left alone."""
    if "{" in ask or "<" in ask or random.random() < 0.3:
        return ask
    if random.random() < 0.55:
        ask = _in_other_words(ask, random)
    if random.random() < 0.12:
        ask = _DETERMINED.sub(lambda found: f"{found[1]} {choose(f'({_ADJECTIVES})', random)} ", ask, count=1)
    if random.random() < 0.22:
        ask = _with_asides(ask, random)
    if random.random() < 0.12:
        ask = _without_small_words(ask, random)
    if random.random() < 0.18:
        ask = f"{choose(f'({_OPENERS})', random)} {ask}"
    if random.random() < 0.2:
        ask = f"{ask}{random.choice((' ', ' ', ', ', '. ', '? '))}{choose(f'({_CLOSERS})', random)}"
    return ask


def _in_other_words(ask: str, random: Random) -> str:
    def exchanged(found: re.Match[str]) -> str:
        return random.choice(_ALTERNATIVES[found[0].lower()]) if random.random() < 0.45 else found[0]

    return "".join(
        part if _FIXED.fullmatch(part) else _SYNONYM.sub(exchanged, part)
        for part in re.split(f"({_FIXED.pattern})", ask)
    )


def _with_asides(ask: str, random: Random) -> str:
    words = _PIECE.findall(ask)
    for _ in range(random.choice((1, 1, 2))):
        words.insert(random.randint(0, len(words)), choose(f"({_ASIDES})", random))
    return " ".join(words)


def _without_small_words(ask: str, random: Random) -> str:
    """Leave out words that carry little; in most notes on paper they are missing."""
    words = _PIECE.findall(ask)
    kept = [word for word in words if word.lower() not in _DROPPED or random.random() < 0.4]
    return " ".join(kept or words)
