"""Write a question as people write: without capitals, without punctuation, with a slip of the finger."""

from __future__ import annotations

import re
from string import ascii_lowercase
from typing import TYPE_CHECKING

from scripts.demo_models.patterns import COPIED

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_COPIED = re.compile(f"({COPIED[0]}.*?{COPIED[1]})")
_QUESTION = re.compile(r"(what|why|how|who|which|when|where|is|are|can|could|do|does|did|should|will|would)\b")


def blur(text: str, random: Random) -> str:
    """Write a text less carefully; what is marked as copied stays as it is."""
    if random.random() < 0.5:
        text = text[:1].upper() + text[1:]
    text += _ending(text, random)
    if random.random() < 0.3:
        text = _outside_copied(text, str.lower)
    elif random.random() < 0.03:
        text = _outside_copied(text, str.upper)
    if random.random() < 0.12:
        text = _outside_copied(text, lambda part: re.sub(r"[,.!?;:'](?!\d)", "", part))
    if random.random() < 0.1:
        for _ in range(random.randint(1, 2)):
            text = _slip(text, random)
    return text


def _ending(text: str, random: Random) -> str:
    if text[-1:] in ".!?,;:":
        return ""
    if _QUESTION.match(text.lower()):
        return random.choices(("?", "", " ?", "??", "."), (70, 22, 3, 2, 3))[0]
    return random.choices((".", "", "!", "?", "..."), (40, 46, 5, 7, 2))[0]


def _outside_copied(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if part.startswith(COPIED[0]) else change(part) for part in _COPIED.split(text))


def _slip(text: str, random: Random) -> str:
    """Swap, drop, double or mistype one letter."""
    places = [
        place
        for found in re.finditer(rf"{COPIED[0]}.*?{COPIED[1]}|[A-Za-z]{{4,}}", text)
        if not found[0].startswith(COPIED[0])
        for place in range(found.start() + 1, found.end() - 1)
    ]
    if not places:
        return text
    place = random.choice(places)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    return random.choice(
        (
            before + after[:1] + letter + after[1:],
            before + after,
            before + letter + letter + after,
            before + random.choice(ascii_lowercase) + after,
        )
    )
