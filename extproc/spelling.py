"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 3
"""Characters of a name that is looked for within others."""
MOST = 40
"""Names that a sentence lists."""


def unknown_name(kind: str, name: str, known: Iterable[str], listed: str = "") -> str:
    """Sentence for a name that does not exist, with the nearest that does. `listed`: what lists them, where there are many."""
    names = list(known)
    if not name.isprintable():  # a space without width, or one that does not break, looks like nothing
        meant = [known for known in names if known == "".join(filter(str.isprintable, name)).strip()]
        name = name.encode("unicode_escape").decode()
        return f"there is no {kind} `{name}`" + (f"; did you mean `{meant[0]}`?" if meant else "")
    if near := nearest(name, names):
        return f"there is no {kind} `{name}`; did you mean `{near}`?"
    if listed and len(names) > MOST:
        return f"there is no {kind} `{name}`; {listed} lists them"
    return f"there is no {kind} `{name}`; there are: {', '.join(names) or 'none'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant; None: none is near."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1) or _holding(name, names)
    return near[0] if near else None


def _holding(name: str, names: list[str]) -> list[str]:
    """The shortest name that this one is a part of: `EMAIL_ADDRESS` for `EMAIL`."""
    candidates = [known for known in names if len(name) >= SHORTEST and name.lower() in known.lower()]
    return sorted(candidates, key=len)[:1]
