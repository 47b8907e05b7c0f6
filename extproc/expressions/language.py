"""CEL with declared names: an unknown name, a type that does not fit, what is no boolean are mistakes before anything runs.

Google's own implementation does the work (`cel-expr-python`). It bounds how deep an expression nests, how long it is and how
often its loops turn, and matches patterns in linear time. What it says of a mistake is said again here in our words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from extproc.expressions import hints
from extproc.expressions import tree as trees
from extproc.spelling import nearest, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["string", "int", "double", "bool", "strings", "headers", "claims", "time"]
"""Of a name. `headers`: text by text; `claims`: whatever a token holds."""
CLAIMS: Final = "caller.claims"
LONGEST: Final = 8192
"""Characters of an expression."""
FUNCTIONS: Final = (
    *("size", "has", "contains", "startsWith", "endsWith", "matches", "exists", "exists_one", "all", "filter", "map"),
    *("int", "uint", "double", "string", "bool", "bytes", "timestamp", "duration", "type", "dyn"),
    *("getHours", "getMinutes", "getDayOfWeek", "getDayOfMonth", "getMonth", "getFullYear", "getDate"),
)
_READERS: Final = {
    "timestamp": 'write one as `timestamp("2026-01-31T00:00:00Z")`',
    "duration": 'write one as `duration("90m")`',
    "int": "it is no whole number",
    "uint": "it is no whole number from 0",
    "double": "it is no number",
}
"""Function -> what it reads of a text."""
_NOON: Final = 'timestamp("2020-06-01T12:00:00Z")'
_WORDS = {"int64": "int", "uint64": "uint"}
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\(?(.*?)\)?'$")
_OPERATOR = re.compile(r"^@?_?([^_\s]+?)_?$")


class ExpressionError(ValueError):
    """An expression with a mistake, told for who wrote it."""


@dataclass(frozen=True, eq=False)
class Condition:
    """A compiled expression that says true or false."""

    text: str
    program: Any
    """The library's."""
    names: frozenset[str]
    """The declared names that stand in it."""
    tree: trees.Tree

    @cached_property
    def header_names(self) -> tuple[str, ...]:
        """Of the headers that it reads, as they are written."""
        names = [
            node.args[1].value
            for node in trees.walk(self.tree)
            if isinstance(node, trees.Call) and node.function == "_[_]" and isinstance(node.args[1], trees.Const)
            if isinstance(node.args[0], trees.Name) and node.args[0].name == "request.headers"
        ]
        return tuple(sorted({str(name) for name in names}))

    @cached_property
    def claim_names(self) -> frozenset[str] | None:
        """The claims that it reads, by their own name and not what is nested in them; None: it may read any."""
        nodes = list(trees.walk(self.tree))
        uses = sum(isinstance(node, trees.Name) and node.name == CLAIMS for node in nodes)
        fields = [node.name for node in nodes if isinstance(node, trees.Field) and node.of == trees.Name(CLAIMS)]
        indexed = [
            str(node.args[1].value)
            for node in nodes
            if isinstance(node, trees.Call) and node.function == "_[_]" and node.args[0] == trees.Name(CLAIMS)
            if isinstance(node.args[1], trees.Const)
        ]
        return frozenset((*fields, *indexed)) if uses == len(fields) + len(indexed) else None


class Language:
    """What may stand in an expression."""

    def __init__(self, names: Mapping[str, Kind]) -> None:
        from cel_expr_python import cel  # noqa: PLC0415 - 14 MB, only for those who have conditions

        types = cel.Type
        kinds: dict[Kind, Any] = {
            "string": types.STRING,
            "int": types.INT,
            "double": types.DOUBLE,
            "bool": types.BOOL,
            "time": types.TIMESTAMP,
            "strings": types.List(types.STRING),
            "headers": types.Map(types.STRING, types.STRING),
            "claims": types.Map(types.STRING, types.DYN),
        }
        self.names = dict(names)
        self._types = types
        self.env = cel.NewEnv(variables={name: kinds[kind] for name, kind in names.items()})

    @lru_cache(maxsize=1024)  # noqa: B019 - a language lives as long as the process, and so do its conditions
    def condition(self, text: str) -> Condition:
        """Compile one. Raises ExpressionError."""
        if len(text) > LONGEST:
            raise ExpressionError(f"is longer than {LONGEST} characters")
        if not text.strip():
            raise ExpressionError("is not CEL: it is empty")
        try:
            program = self.env.compile(text)
        except (RuntimeError, TypeError, ValueError) as error:
            raise ExpressionError(self._said(text, str(error))) from None
        kind = program.return_type()
        tree = trees.read(program.serialize())
        if kind != self._types.BOOL:
            raise ExpressionError(self._no_boolean(kind.name().lower(), tree) + hints.of_presence(text))
        names = frozenset(
            node.name for node in trees.walk(tree) if isinstance(node, trees.Name) and node.name in self.names
        )
        self._headers_by_name(tree)
        _patterns_compile(tree)
        self._constants_hold(tree)
        return Condition(text, program, names, tree)

    def together(self, conditions: Iterable[Condition]) -> Any:
        """One program that says of each condition what it says; None where they are too much for one."""
        try:
            # a comment ends with its line
            return self.env.compile("[" + ", ".join(f"({condition.text}\n)" for condition in conditions) + "]")
        except (RuntimeError, ValueError):
            return None

    def _said(self, text: str, error: str) -> str:
        """A mistake, in our words."""
        if "recursion" in error:
            return "is nested too deeply: 32 levels are the most"
        if (place := _PLACE.search(error)) is None:
            return "is no text that can be read" if "compile()" in error else "is not CEL"
        line, column, what = int(place[1]), int(place[2]), place[3].strip()
        if undeclared := _UNDECLARED.search(what):
            return self._undeclared(undeclared[1], text)
        if overload := _OVERLOAD.search(what):
            return _no_overload(overload[1], overload[2])
        where = f"at character {column}" if line == 1 else f"at line {line}, character {column}"
        what = what.removeprefix("Syntax error: ").replace("<EOF>", "the end")
        what = re.sub(r" expecting \{.*", "", what).removesuffix("[INVALID_ARGUMENT]").strip()
        return f"is not CEL: {what[:120]} {where}{hints.of_syntax(text)}"

    def _undeclared(self, name: str, text: str) -> str:
        if hint := hints.of_names(text, name, self.names):
            return hint
        if re.search(rf"\b{re.escape(name.rpartition('.')[2])}\s*\(", text):
            return unknown_name("function", name, FUNCTIONS)
        parts = [known for known in self.names if known.startswith(f"{name}.")]
        if parts:
            few = ", ".join(f"`{part}`" for part in parts[:4])
            return f"`{name}` is no fact by itself; there are {few}{' and others' if len(parts) > 4 else ''}"
        # of hundreds of names with the same beginning, that counts in which they differ
        space, dot, own = name.rpartition(".")
        beside = {known[len(space) + 1 :]: known for known in self.names if dot and known.startswith(f"{space}.")}
        if near := nearest(own, beside):
            return f"there is no fact `{name}`; did you mean `{beside[near]}`?"
        return unknown_name("fact", name, self.names, "docs/policy.md")

    def _no_boolean(self, kind: str, tree: trees.Tree) -> str:
        if kind == "dyn":
            return "is a claim by itself, and it may be no boolean: compare it, as `caller.claims.staff == true`"
        hint = f"; compare it, as `{tree.name} == …`" if isinstance(tree, trees.Name) else ""
        return f"says {_WORDS.get(kind, kind)}, where it has to say true or false{hint}"

    def _constants_hold(self, tree: trees.Tree) -> None:
        """A time, a zone or a number that cannot be read would be found out by the first request, and would deny all of them."""
        for node in trees.walk(tree):
            if not isinstance(node, trees.Call) or not node.args or not isinstance(node.args[-1], trees.Const):
                continue
            constant = node.args[-1].value
            if not isinstance(constant, str):
                continue
            if (
                node.function in _READERS
                and len(node.args) == 1
                and not self._reads(f"{node.function}({json.dumps(constant)})")
            ):
                raise ExpressionError(
                    f"`{node.function}({json.dumps(constant)})` cannot be read: {_READERS[node.function]}"
                )
            if node.function.startswith("get") and not self._reads(f"{_NOON}.{node.function}({json.dumps(constant)})"):
                raise ExpressionError(f"there is no time zone `{constant}`; write one as `Europe/Berlin`, or `+02:00`")

    def _reads(self, text: str) -> bool:
        try:
            result = self.env.compile(f"{text} == {text}").eval(self.env.Activation({})).value()
        except (RuntimeError, TypeError, ValueError):
            return False
        return result is True

    def _headers_by_name(self, tree: trees.Tree) -> None:
        """Headers are total like all facts, so each that is read has to be known beforehand."""
        nodes = list(trees.walk(tree))
        uses = sum(isinstance(node, trees.Name) and node.name == "request.headers" for node in nodes)
        named = sum(
            isinstance(node, trees.Call)
            and node.function == "_[_]"
            and node.args[0] == trees.Name("request.headers")
            and isinstance(node.args[1], trees.Const)
            for node in nodes
        )
        if uses != named:
            raise ExpressionError(
                "reads `request.headers` otherwise than by a name: write "
                '`request.headers["x-tier"]`, which is empty without that header'
            )


@lru_cache(maxsize=8)
def _language(names: tuple[tuple[str, Kind], ...]) -> Language:
    return Language(dict(names))


def language(names: Mapping[str, Kind]) -> Language:
    """The language with these names; made once for the same ones."""
    return _language(tuple(sorted(names.items())))


def _no_overload(function: str, types: str) -> str:
    operator = _OPERATOR.match(function)
    name = operator[1] if operator else function
    given = [part.strip() for part in types.split(",")]
    operands = " and ".join(given).replace("google.protobuf.Timestamp", "timestamp") or "nothing"
    return f"`{name}` does not take {operands}{hints.of_types(name, given)}"


def _patterns_compile(tree: trees.Tree) -> None:
    """A pattern that is none would be found out by the first request, and would deny it."""
    import re2  # noqa: PLC0415 - loaded only where somebody has conditions

    options = re2.Options()
    options.log_errors = False
    for node in trees.walk(tree):
        if isinstance(node, trees.Call) and node.function == "matches" and isinstance(node.args[-1], trees.Const):
            pattern = str(node.args[-1].value)
            try:
                re2.compile(pattern, options)
            except re2.error:
                raise ExpressionError(f"`{pattern}` is not a pattern that RE2 takes") from None
