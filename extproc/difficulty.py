"""How hard a request is likely to be for a small model: from 0, which any model answers, to 1, which wants a large one.

A logistic curve over a few features of the text: its length, what it asks for (to prove, derive, design, compare, debug; or to
translate, name, spell), how many things it wants, notation and numbers. It knows what is asked, not what is known about it, and
takes microseconds.
"""

from __future__ import annotations

import re
from math import exp, log1p
from typing import Final

READ_CHARACTERS: Final = 4000
"""So much from each end of a text is looked at."""
_HARD: Final = re.compile(
    r"\b(?:pro(?:ve|of)s?|deriv\w+|induction|theorem|lemma|integral|eigen\w+|asymptotic\w*|complexity|optimi[sz]\w+|algorithms?|architecture"
    r"|design|implement\w*|refactor\w*|debug\w*|deadlocks?|race|concurren\w+|distributed|trade-?offs?|compar\w+|evaluat\w+|analy[sz]\w+"
    r"|assess\w*|justif\w+|argu\w+|diagnos\w+|differential|step\s+by\s+step|hypothes[ie]s|estimat\w+|model\w*|simulat\w+|schedul\w+"
    r"|constraints?|invariants?|reconcil\w+|contradiction\w*|strateg\w+|scenarios?|probabilit\w+|beweis\w*|entwirf\w*|leite|herleit\w*"
    r"|vergleich\w*|begr\u00fcnd\w*|analysier\w*|demuestr\w+|demostr\w+|dise\u00f1\w+|compara\w*|prouv\w+|d\u00e9montr\w+|con\u00e7o\w+|analyse\w*)\b",
    re.IGNORECASE,
)
_EASY: Final = re.compile(
    r"\b(?:translat\w*|synonym\w*|spell\w*|plural|capital|thanks?|hello|hi|hey|joke|name|title|rewrite|shorten|summari[sz]e|polite|convert|sort"
    r"|list|stand\s+for|who|when|where|\u00fcbersetz\w*|hei\u00dft|hauptstadt|traduc\w*|traduis\w*|tradu\w+|synonyme|what(?:'s|\s+is|\s+does)"
    r"|how\s+(?:do\s+(?:i|you)\s+(?:say|spell)|many|old|tall|far))\b",
    re.IGNORECASE,
)
_NOTATION: Final = re.compile(
    r"[=^\u2211\u222b\u221a\u2264\u2265\u2208\u2200\u2203]|\\[a-z]+|\$[^$\n]{1,200}\$|\bO\(|\b[a-z]\([a-z0-9]+\)|\d\s*[*/+<>]\s*\d"
)
_NUMBER: Final = re.compile(r"\d+")
_JOINED: Final = re.compile(r"[,;:]|\b(?:and|then|with|und|dann|mit|y|et|avec|con)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
FEATURES: Final = ("words", "hard", "easy", "notation", "numbers", "joined")
WEIGHTS: Final = (2.24, 1.44, -0.8, 0.21, 0.38, 1.31, -6.68)
"""Of the features, and last what stands by itself. From `python -m tests.quality.fit_difficulty`."""


def features(text: str) -> tuple[float, ...]:
    """What is looked at, in the order of FEATURES."""
    sample = text if len(text) <= 2 * READ_CHARACTERS else f"{text[:READ_CHARACTERS]} {text[-READ_CHARACTERS:]}"
    patterns = (_HARD, _EASY, _NOTATION, _NUMBER, _JOINED)
    words, *counts = (sum(1 for _ in pattern.finditer(sample)) for pattern in (_WORD, *patterns))
    return (log1p(words), *map(log1p, counts))


def difficulty_of(text: str) -> float:
    """From 0 to 1; 0 where nothing is said."""
    if not text or text.isspace():
        return 0.0
    height = WEIGHTS[-1] + sum(weight * value for weight, value in zip(WEIGHTS, features(text), strict=False))
    return 1 / (1 + exp(-height))
