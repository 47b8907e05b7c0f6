"""What a recognizer is: a row of a table. The packs hold the rows; the scan reads them through an index of shapes."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Literal

Unlabelled = Literal["mask", "alone", "leave"]
"""What becomes of a value that no label announces: masked, masked where it is the whole text, or left."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    """One way in which one type is written."""

    entity_type: str
    pack: str
    """`global`, `extended`, `off` (only when named in `pii.entities`), or a region."""
    shapes: str = ""
    """Space-separated: `9` a digit, `A` a letter, `X` either, `-` one separator, `?` makes what precedes it optional."""
    labels: str = ""
    """Phrases that announce it, separated by `|`; matched as whole words, case and accents aside."""
    check: str | None = None
    """Name for `checksums.valid`."""
    pattern: str | None = None
    """What the value must match as a whole besides its shape, case aside."""
    unlabelled: Unlabelled = "leave"
    """Only values that pass `check` and `pattern` are masked without a label."""
    odds: float = 1.0
    """Share of random values of this shape that pass: the smaller, the more a pass proves."""
    separators: str = " -"
    """What `-` in a shape may stand for."""
    example: str = ""
    led: str | None = None
    """Pattern of the value right after a label, for what has no shape of its own: record numbers, passwords."""
    between: str | None = None
    """Pattern of what must stand between the label and a value read by `led` that is nothing by itself."""
    least_digits: int = 3
    """Digits that a value read by `led` has at least; where it may do without any, a label is read on from even then."""
    least_digits_of_cell: int = 3
    """The same of a cell of a table or a value of JSON, which has no words beside it: its head or key names the whole."""
    least_length: int = 5
    may_be_dated: bool = False
    """Whether a value read by `led` may be written as a date is, as Portuguese plates are: `12-34-56`."""
    how: str = ""
    """Evidence in words, for what code recognizes rather than this table."""
    broken: bool = True
    """Right after its label it is masked even when `check` fails: typing errors are personal data too."""
    compiled: re.Pattern[str] | None = field(init=False, default=None, compare=False)
    banned: frozenset[str] = field(init=False, default=frozenset(), compare=False)
    """Separators that it is not written with."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "banned", frozenset(" ./-+") - frozenset(self.separators))
        if self.pattern is not None:
            object.__setattr__(self, "compiled", re.compile(self.pattern, re.IGNORECASE))

    @property
    def phrases(self) -> tuple[str, ...]:
        """The labels, one by one."""
        return tuple(phrase for phrase in self.labels.split("|") if phrase)

    @property
    def evidence(self) -> str:
        """What decides, in one phrase for a reader."""
        parts = [self.how] if self.how else []
        if self.shapes and not self.how:
            parts.append("shape")
        if self.check:
            parts.append(f"checksum {self.check}")
        if self.labels:
            parts.append(
                {"mask": "label helps", "alone": "label, or the whole value"}.get(self.unlabelled, "label needed")
            )
        return ", ".join(parts)


def expand(shapes: str) -> list[str]:
    """Every concrete shape that a specification stands for, over `9`, `A` and `-`."""
    found: list[str] = []
    for spec in shapes.split():
        pieces: list[tuple[str, ...]] = []
        for char in spec:
            if char == "?":
                pieces[-1] = (*pieces[-1], "")
            else:
                pieces.append(("9", "A") if char == "X" else (char,))
        found += ["".join(choice) for choice in itertools.product(*pieces)]
    return list(dict.fromkeys(found))
