"""Conditions that are comparisons of facts with constants, answered without the library: true, false, or that is not known here.

Most conditions are, and most say no: to hand the facts to the library takes ten times as long. What is not understood is left
open, as is what the library might read otherwise (a text with characters beyond ASCII, a value of another type). A condition that
is false whatever those say is false: in CEL nothing that errs makes a false conjunction true, nor a true disjunction false.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from extproc.expressions.tree import Call, Const, Field, Name, Other

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extproc.expressions.language import Kind
    from extproc.expressions.tree import Tree

    Asked = Callable[[Mapping[str, Any]], bool | None]

_TYPES: Final[dict[str, type]] = {"string": str, "int": int, "double": float, "bool": bool}
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "_==_": operator.eq,
    "_!=_": operator.ne,
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}
_TURNED: Final = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_OF_TEXTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def shortcut(tree: Tree, kinds: Mapping[str, Kind]) -> Asked | None:
    """What says of a condition what it can; None: it could never say anything. `kinds`: of the names."""
    if isinstance(tree, Call):
        if tree.function in ("_&&_", "_||_"):
            return _joined(tree.function, [shortcut(part, kinds) for part in _flat(tree)])
        if tree.function == "!_":
            return _not(shortcut(tree.args[0], kinds))
        return _comparison(tree, kinds)
    if isinstance(tree, Name) and kinds.get(tree.name) == "bool":
        return _compared(tree, bool, operator.eq, True)
    if isinstance(tree, Field) and tree.asked and kinds.get(_name(tree.of)) == "claims":
        return _has(_name(tree.of), tree.name)
    return _of_none(tree, kinds) if isinstance(tree, Other) else None


def names_read(tree: Tree, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """The names of which it asks."""
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_", "!_"):
        return frozenset().union(*(names_read(part, kinds) for part in tree.args))
    if shortcut(tree, kinds) is None:
        return frozenset()
    parts = (tree,) if isinstance(tree, Name | Field) else tree.args if isinstance(tree, Call) else _parts(tree)
    return frozenset(name for part in parts if (name := _name(part)))


def _flat(tree: Call) -> Sequence[Tree]:
    """The parts of `a && b && c`, which is a tree of pairs."""
    found: list[Tree] = []
    for part in tree.args:
        found += _flat(part) if isinstance(part, Call) and part.function == tree.function else [part]
    return found


def _joined(function: str, parts: Sequence[Asked | None]) -> Asked | None:
    asked = [part for part in parts if part is not None]
    if not asked:
        return None
    decides, open_ = function == "_||_", len(asked) < len(parts)

    def joined(values: Mapping[str, Any]) -> bool | None:
        known = not open_
        for part in asked:
            said = part(values)
            if said is decides:
                return decides
            if said is None:
                known = False
        return not decides if known else None

    return joined


def _not(part: Asked | None) -> Asked | None:
    if part is None:
        return None

    def turned(values: Mapping[str, Any]) -> bool | None:
        said = part(values)
        return None if said is None else not said

    return turned


def _comparison(tree: Call, kinds: Mapping[str, Kind]) -> Asked | None:
    if len(tree.args) != 2:
        return None
    function, (left, right) = tree.function, tree.args
    if isinstance(left, Const) and function in _COMPARE:
        left, right, function = right, left, _TURNED.get(function, function)
    if function == "@in" and kinds.get(_name(right)) == "strings":
        return _holds(_name(right), left)
    wanted = _TYPES.get("string" if _part(left, kinds) else kinds.get(_name(left), ""))
    if wanted is None:
        return None
    if function == "@in":
        return _among(left, wanted, right)
    asked = _COMPARE.get(function) or (_OF_TEXTS.get(function) if wanted is str else None)
    if asked is None or not isinstance(right, Const) or type(right.value) is not wanted:
        return None
    return _compared(left, wanted, asked, right.value)


def _among(of: Tree, wanted: type, listed: Tree) -> Asked | None:
    parts = listed.parts if isinstance(listed, Other) and listed.kind == "list" else (None,)
    among = [part.value for part in parts if isinstance(part, Const) and type(part.value) is wanted]
    return _compared(of, wanted, _is_among, frozenset(among)) if len(among) == len(parts) else None


def _is_among(value: Any, among: frozenset[Any]) -> bool:
    return value in among


def _compared(of: Tree, wanted: type, asked: Callable[[Any, Any], bool], constant: Any) -> Asked:
    name, part = _name(of), _key(of)

    def compared(values: Mapping[str, Any]) -> bool | None:
        value = values[name] if part is None else values[name].get(part)
        if type(value) is not wanted or (isinstance(value, str) and not value.isascii()):
            return None
        return asked(value, constant)

    return compared


def _has(name: str, part: str) -> Asked:
    return lambda values: part in values[name]


def _holds(name: str, part: Tree) -> Asked | None:
    constant = part.value if isinstance(part, Const) else None
    if not isinstance(constant, str) or not constant.isascii():
        return None
    return lambda values: constant in values[name]


def _of_none(tree: Other, kinds: Mapping[str, Kind]) -> Asked | None:
    """Whether some, or all, of a list are like this: where there are none, it is known without a look."""
    name = _name(tree.parts[0]) if tree.kind == "loop" else ""
    if kinds.get(name) != "strings" or not isinstance(tree.parts[-1], Name):
        return None
    of_none = tree.parts[1].value if isinstance(tree.parts[1], Const) else None
    if not isinstance(of_none, bool):
        return None
    return lambda values: None if values[name] else of_none


def _parts(tree: Tree) -> tuple[Tree, ...]:
    return tree.parts[:1] if isinstance(tree, Other) else ()


def _part(node: Tree, kinds: Mapping[str, Kind]) -> bool:
    """Whether it is a header, or a claim."""
    return _key(node) is not None and kinds.get(_name(node)) in ("headers", "claims")


def _name(node: Tree) -> str:
    """The fact that it is, or whose part it is; empty: it is none."""
    of = (
        node.args[0]
        if isinstance(node, Call) and node.function == "_[_]"
        else node.of
        if isinstance(node, Field)
        else node
    )
    return of.name if isinstance(of, Name) else ""


def _key(node: Tree) -> str | None:
    """Which part of it it is; None: the whole."""
    if isinstance(node, Field):
        return None if node.asked else node.name
    if isinstance(node, Call) and node.function == "_[_]":
        name = node.args[1]
        return name.value if isinstance(name, Const) and isinstance(name.value, str) else None
    return None
