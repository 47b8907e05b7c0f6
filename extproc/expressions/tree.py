"""The tree of a compiled expression, as far as conditions need it: names, constants, and the calls between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as Packed

if TYPE_CHECKING:
    from collections.abc import Iterator

Constant = str | int | float | bool | bytes | None


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, or a variable of a comprehension."""

    name: str


@dataclass(frozen=True, slots=True)
class Const:
    """A literal."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Field:
    """`of.name`; with `asked`, `has(of.name)`."""

    of: Tree
    name: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function, by CEL's name for it; what stands before a method's dot is the first argument."""

    function: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A list, a map, a comprehension: its parts."""

    kind: str
    parts: tuple[Tree, ...]


Tree = Name | Const | Field | Call | Other

_NUMBERS = ("int64_value", "uint64_value", "double_value")


def read(serialized: bytes) -> Tree:
    """The tree of what the library has checked and serialized."""
    from envoy_data_plane.cel.expr import CheckedExpr  # noqa: PLC0415 - only where somebody has conditions

    packed = Packed.FromString(serialized)
    return _tree(CheckedExpr.parse(packed.value).expr)


def _tree(node: Any) -> Tree:
    if node.ident_expr is not None:
        return Name(node.ident_expr.name)
    if node.const_expr is not None:
        return Const(_constant(node.const_expr))
    if (select := node.select_expr) is not None:
        return Field(_tree(select.operand), select.field, select.test_only)
    if (call := node.call_expr) is not None:
        target = () if call.target is None else (_tree(call.target),)
        return Call(call.function, (*target, *map(_tree, call.args)))
    return _other(node)


def _other(node: Any) -> Other:
    if node.list_expr is not None:
        return Other("list", tuple(map(_tree, node.list_expr.elements)))
    if (loop := node.comprehension_expr) is not None:
        parts = (loop.iter_range, loop.accu_init, loop.loop_condition, loop.loop_step, loop.result)
        return Other("loop", tuple(map(_tree, parts)))
    entries = node.struct_expr.entries if node.struct_expr is not None else ()
    keys = (entry.map_key for entry in entries if entry.map_key is not None)
    return Other("map", (*map(_tree, keys), *(_tree(entry.value) for entry in entries)))


def _constant(value: Any) -> Constant:
    for name in ("string_value", "bool_value", "bytes_value", *_NUMBERS):
        constant: Constant = getattr(value, name)
        if constant is not None:
            return constant
    return None


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and all that is in it, from the outside in."""
    waiting: list[Tree] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Call):
            waiting += node.args
        elif isinstance(node, Other):
            waiting += node.parts
        elif isinstance(node, Field):
            waiting.append(node.of)
