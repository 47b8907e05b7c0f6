r"""Rules that only repeat themselves, as repetitions: `ws ::= ([ \n] ws)?` is `[ \n]*`, and regular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.constraint.gbnf import NOTHING, Choice, Node, Repeat, Rule, Sequence
from inference.constraint.lexemes import walk

if TYPE_CHECKING:
    from collections.abc import Mapping


def without_loops(rules: Mapping[str, Node]) -> dict[str, Node]:
    """Rewrite rules that name themselves at the end, or at the beginning, of what they say, and leave out unused ones."""
    rewritten = {name: _repeating(name, node) for name, node in rules.items()}
    used, left = {"root"}, ["root"]
    while left:
        for part in walk(rewritten[left.pop()]):
            if isinstance(part, Rule) and part.name not in used:
                used.add(part.name)
                left.append(part.name)
    return {name: node for name, node in rewritten.items() if name in used}


def _repeating(name: str, node: Node) -> Node:
    for at_end in (True, False):
        try:
            again, base = _split(name, node, at_end=at_end)
        except _OtherwiseError:
            continue
        again = [part for part in again if part != NOTHING]
        if not again or not base:
            return node if again or not base else _one_of(base)
        repeated = Repeat(_one_of(again), 0, None)
        parts = (repeated, _one_of(base)) if at_end else (_one_of(base), repeated)
        return Sequence(tuple(part for part in parts if part != NOTHING))
    return node


def _split(name: str, node: Node, *, at_end: bool) -> tuple[list[Node], list[Node]]:
    """What stands beside the rule's own name, and what does without it. `a ws | b`: [a] and [b]."""
    if node == Rule(name):
        return [NOTHING], []
    if not _names(name, node):
        return [], [node]
    if isinstance(node, Choice):
        pairs = [_split(name, part, at_end=at_end) for part in node.parts]
        return [part for again, _ in pairs for part in again], [part for _, base in pairs for part in base]
    if isinstance(node, Repeat) and (node.least, node.most) == (0, 1):
        again, base = _split(name, node.part, at_end=at_end)
        return again, [*base, NOTHING]
    if isinstance(node, Sequence):
        rest, last = (node.parts[:-1], node.parts[-1]) if at_end else (node.parts[1:], node.parts[0])
        if not any(_names(name, part) for part in rest):
            again, base = _split(name, last, at_end=at_end)
            return [_beside(rest, part, at_end=at_end) for part in again], [
                _beside(rest, part, at_end=at_end) for part in base
            ]
    raise _OtherwiseError


class _OtherwiseError(Exception):
    """The rule names itself elsewhere too."""


def _beside(rest: tuple[Node, ...], part: Node, *, at_end: bool) -> Node:
    parts = (*rest, part) if at_end else (part, *rest)
    kept = tuple(each for each in parts if each != NOTHING)
    return kept[0] if len(kept) == 1 else Sequence(kept)


def _names(name: str, node: Node) -> bool:
    return any(isinstance(part, Rule) and part.name == name for part in walk(node))


def _one_of(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Choice(tuple(parts))
