"""What can be proved of conditions before any request comes: whether some facts make all of these true.

Every fact that is compared with constants has a few values that matter: the constants, and one that is none of them; of
numbers, those between. Conditions are asked of all of them together. What cannot be understood so (a claim, a pattern, a sum)
may be true or false as it likes, so that a proof is never wrong: at worst there is none.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final

from extproc.expressions.tree import Call, Const, Field, Name, Other, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from extproc.expressions.language import Kind
    from extproc.expressions.tree import Tree

MOST: Final = 5_000
"""Combinations of values that are tried; beyond them nothing is proved."""
ELSE: Final = "\x00 none of these"
"""A text that no rule names."""
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "_==_": lambda a, b: a == b,
    "_!=_": lambda a, b: a != b,
    "_<_": lambda a, b: a < b,
    "_<=_": lambda a, b: a <= b,
    "_>_": lambda a, b: a > b,
    "_>=_": lambda a, b: a >= b,
}
_OF_TEXTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
    "contains": lambda a, b: b in a,
}
_KINDS: Final = frozenset({"string", "int", "double", "bool"})


class Facts:
    """The names of a language, and what is known of their values."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        closed: Mapping[str, Iterable[str]] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """`closed`: texts that can only be one of these. `bounds`: the least and the greatest of a number."""
        self.kinds = kinds
        self.closed = {name: tuple(values) for name, values in (closed or {}).items()}
        self.bounds = bounds or {}


def possible(
    facts: Facts, true: Sequence[Tree], false: Sequence[Tree] = (), given: Mapping[str, Any] | None = None
) -> bool:
    """Whether some facts may make all of `true` true and all of `false` false. False is a proof, True is none.

    `given`: facts whose values stand.
    """
    given = given or {}
    trees = [*true, *false]
    values = {name: (given[name],) if name in given else _values(facts, name, trees) for name in _names(facts, trees)}
    atoms = list({repr(atom): atom for tree in trees for atom in _opaque(facts, tree)})
    if math.prod(map(len, values.values())) * 2 ** len(atoms) > MOST:
        return True
    names = list(values)
    for chosen in itertools.product(*values.values()):
        world = dict(zip(names, chosen, strict=True))
        for free in itertools.product((False, True), repeat=len(atoms)):
            atom = dict(zip(atoms, free, strict=True))
            if all(_holds(facts, tree, world, atom) for tree in true) and not any(
                _holds(facts, tree, world, atom) for tree in false
            ):
                return True
    return False


def _names(facts: Facts, trees: Iterable[Tree]) -> list[str]:
    """The facts that are understood, in these conditions."""
    names = {
        node.name
        for tree in trees
        for node in walk(tree)
        if isinstance(node, Name) and facts.kinds.get(node.name) in _KINDS
    }
    return sorted(names)


def _values(facts: Facts, name: str, trees: Iterable[Tree]) -> tuple[Any, ...]:
    """The values of a fact that matter."""
    kind = facts.kinds[name]
    if kind == "bool":
        return (False, True)
    if name in facts.closed:
        return facts.closed[name]
    constants = {
        constant.value
        for tree in trees
        for node in walk(tree)
        if isinstance(node, Call) and any(arg == Name(name) for arg in node.args)
        for constant in _constants(node)
    }
    if kind == "string":
        return (*sorted(value for value in constants if isinstance(value, str)), ELSE)
    return _numbers(kind, [v for v in constants if isinstance(v, int | float)], facts.bounds.get(name))


def _numbers(kind: str, constants: list[float], bounds: tuple[float, float] | None) -> tuple[float, ...]:
    low, high = bounds or (-math.inf, math.inf)
    edges = sorted({*constants, *(edge for edge in (low, high) if math.isfinite(edge))} or {0})
    if kind == "int":
        numbers = {around for edge in edges for around in (edge - 1, edge, edge + 1)}
    else:
        middles = {(a + b) / 2 for a, b in itertools.pairwise(edges)}
        numbers = {edges[0] - 1, *edges, *middles, edges[-1] + 1}
    return tuple(sorted(value for value in numbers if low <= value <= high))


def _constants(node: Call) -> Iterable[Const]:
    for arg in node.args:
        if isinstance(arg, Const):
            yield arg
        elif isinstance(arg, Other) and arg.kind == "list":
            yield from (part for part in arg.parts if isinstance(part, Const))


def _understood(facts: Facts, node: Tree) -> bool:
    """Whether a condition is a comparison of a fact with constants, or of constants."""
    if not isinstance(node, Call) or len(node.args) != 2:
        truth = isinstance(node, Const) and isinstance(node.value, bool)
        return truth or (isinstance(node, Name) and facts.kinds.get(node.name) == "bool")
    if node.function in _COMPARE:
        if node.function not in ("_==_", "_!=_") and any(_is_text(facts, arg) for arg in node.args):
            return False  # which texts come before which others, no few values tell
        return all(isinstance(arg, Const) or _is_plain(facts, arg) for arg in node.args) and not all(
            isinstance(arg, Name) for arg in node.args
        )
    if node.function == "@in":
        return _is_plain(facts, node.args[0]) and _all_constants(node.args[1])
    return node.function in _OF_TEXTS and _is_plain(facts, node.args[0]) and isinstance(node.args[1], Const)


def _is_plain(facts: Facts, node: Tree) -> bool:
    return isinstance(node, Name) and facts.kinds.get(node.name) in _KINDS


def _is_text(facts: Facts, node: Tree) -> bool:
    return isinstance(node, Name) and facts.kinds.get(node.name) == "string"


def _all_constants(node: Tree) -> bool:
    return isinstance(node, Other) and node.kind == "list" and all(isinstance(part, Const) for part in node.parts)


def _joins(node: Tree) -> tuple[Tree, ...]:
    """The conditions that a condition is made of; empty: it is one by itself."""
    return node.args if isinstance(node, Call) and node.function in ("_&&_", "_||_", "!_", "_?_:_") else ()


def _opaque(facts: Facts, tree: Tree) -> Iterable[Tree]:
    """What may be true or false as it likes."""
    if parts := _joins(tree):
        for part in parts:
            yield from _opaque(facts, part)
    elif not _understood(facts, tree) or _is_of_texts(facts, tree):
        yield tree


def _is_of_texts(facts: Facts, node: Tree) -> bool:
    """Whether it asks for a part of a text, of which nothing is known where the text is none of those that are named."""
    return (
        isinstance(node, Call)
        and node.function in _OF_TEXTS
        and isinstance(node.args[0], Name)
        and node.args[0].name not in facts.closed
    )


def _holds(facts: Facts, tree: Tree, world: Mapping[str, Any], atoms: Mapping[str, bool]) -> bool:
    if isinstance(tree, Call) and _joins(tree):
        return _joined(facts, tree, world, atoms)
    if not _understood(facts, tree):
        return atoms[repr(tree)]
    if not isinstance(tree, Call):
        return bool(_value(tree, world))
    first = _value(tree.args[0], world)
    if tree.function == "@in":
        return first in [_value(part, world) for part in getattr(tree.args[1], "parts", ())]
    if tree.function in _OF_TEXTS and first == ELSE and repr(tree) in atoms:
        return atoms[repr(tree)]
    asked = _OF_TEXTS.get(tree.function) or _COMPARE[tree.function]
    return bool(asked(first, _value(tree.args[1], world)))


def _joined(facts: Facts, tree: Call, world: Mapping[str, Any], atoms: Mapping[str, bool]) -> bool:
    if tree.function == "_&&_":
        return all(_holds(facts, part, world, atoms) for part in tree.args)
    if tree.function == "_||_":
        return any(_holds(facts, part, world, atoms) for part in tree.args)
    if tree.function == "!_":
        return not _holds(facts, tree.args[0], world, atoms)
    asked, yes, no = tree.args
    return _holds(facts, yes if _holds(facts, asked, world, atoms) else no, world, atoms)


def _value(node: Tree, world: Mapping[str, Any]) -> Any:
    assert not isinstance(node, Field)
    return world[node.name] if isinstance(node, Name) else getattr(node, "value", None)
