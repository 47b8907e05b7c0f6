"""The automaton of a regular part of a grammar, and whether two of them, side by side, could be told apart.

Positions and characters are bits of numbers: a character is an atom of the partition that all classes of a grammar make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.constraint.gbnf import Chars, Choice, Node, Repeat, Rule, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MOST_ATOMS = 4096
_MOST_POSITIONS = 1500
_MOST_STEPS = 150_000


class TooLargeError(Exception):
    """More than is worth looking into."""


class Alphabet:
    """The characters of a grammar, as few as tell its classes apart."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        classes = {node.ranges for node in nodes if isinstance(node, Chars)}
        edges = sorted({edge for ranges in classes for first, last in ranges for edge in (first, last + 1)})
        if len(edges) > _MOST_ATOMS:
            raise TooLargeError
        index = {edge: number for number, edge in enumerate(edges)}
        self._masks = {
            ranges: sum((1 << index[last + 1]) - (1 << index[first]) for first, last in ranges) for ranges in classes
        }

    def mask(self, chars: Chars) -> int:
        """A class as a set of atoms."""
        return self._masks[chars.ranges]


@dataclass(slots=True)
class Automaton:
    """Positions that may begin, end and follow one another (Glushkov)."""

    chars: list[int]
    """What may stand at each position."""
    follow: list[int]
    nullable: bool
    first: int
    last: int

    @property
    def first_chars(self) -> int:
        """What a text may begin with."""
        return union(self.chars[position] for position in bits(self.first))


def automaton_of(node: Node, rules: Mapping[str, Node], alphabet: Alphabet) -> Automaton:
    """Build it; raises TooLargeError. A repetition counts as once or more often, which only errs towards a conflict."""
    builder = _Builder(rules, alphabet)
    nullable, first, last = builder.build(node)
    return Automaton(builder.chars, builder.follow, nullable, first, last)


class _Builder:
    def __init__(self, rules: Mapping[str, Node], alphabet: Alphabet) -> None:
        self.chars: list[int] = []
        self.follow: list[int] = []
        self._rules = rules
        self._alphabet = alphabet

    def build(self, node: Node) -> tuple[bool, int, int]:
        """Add the positions of a part: whether it may be nothing, where it begins, where it ends."""
        if isinstance(node, Chars):
            return self._position(node)
        if isinstance(node, Rule):
            return self.build(self._rules[node.name])
        if isinstance(node, Repeat):
            nullable, first, last = self.build(node.part)
            if node.most is None or node.most > 1:
                self._link(last, first)
            return nullable or node.least == 0, first, last
        assert isinstance(node, Sequence | Choice)
        built = [self.build(part) for part in node.parts]
        if isinstance(node, Choice):
            return any(n for n, _, _ in built), union(f for _, f, _ in built), union(e for _, _, e in built)
        nullable, first, last = True, 0, 0
        for one_nullable, one_first, one_last in built:
            self._link(last, one_first)
            first |= one_first if nullable else 0
            last = one_last | (last if one_nullable else 0)
            nullable &= one_nullable
        return nullable, first, last

    def _position(self, chars: Chars) -> tuple[bool, int, int]:
        if len(self.chars) >= _MOST_POSITIONS:
            raise TooLargeError
        self.chars.append(self._alphabet.mask(chars))
        self.follow.append(0)
        position = 1 << (len(self.chars) - 1)
        return False, position, position

    def _link(self, last: int, first: int) -> None:
        for position in bits(last):
            self.follow[position] |= first


class Comparison:
    """Compares automata in pairs, within a budget of steps for a whole grammar."""

    def __init__(self) -> None:
        self._steps = 0

    def spend(self, steps: int) -> None:
        """Count steps; raises TooLargeError beyond the budget."""
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise TooLargeError

    def hides(self, longer: Automaton, shorter: Automaton, after: int) -> bool:
        """Whether a text of `shorter` may go on as one of `longer` by a character of `after`, which may follow `shorter`.

        A lexer that takes the longest text would then never see where the shorter one ended.
        """
        seen: set[tuple[int, int]] = set()
        left = [(one, other) for one in bits(shorter.first) for other in bits(longer.first)]
        while left:
            one, other = left.pop()
            self.spend(1)
            if (one, other) in seen or not shorter.chars[one] & longer.chars[other]:
                continue
            seen.add((one, other))
            following = list(bits(longer.follow[other]))
            if shorter.last >> one & 1 and any(longer.chars[each] & after for each in following):
                return True
            left += [(each, following_one) for each in bits(shorter.follow[one]) for following_one in following]
        return False


def bits(number: int) -> Iterator[int]:
    """The places of its ones."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def union(masks: Iterable[int]) -> int:
    """All of them together."""
    found = 0
    for mask in masks:
        found |= mask
    return found
