"""Which tools a model may call, and with what: in requests, where earlier calls stand, and in answers before they are run."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jsonschema_rs

from extproc.errors import ConfigError
from extproc.guardrails.check import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.config.guardrails import ToolsGuard
    from extproc.guardrails.check import Question
    from extproc.identity import Caller

_ARGUMENTS: Final = ("arguments", "input", "args", "parameters")
_MARKS: Final = (
    b"tool_calls",
    b"function_call",
    b"functionCall",
    b"tool_use",
    b"mcp_call",
    b"custom_tool_call",
    b"toolUse",
)
"""One of these stands in every body that holds a call."""
_MOST_VALUES: Final = 200_000
"""Of a body, that are looked at; in what is larger, calls are taken for denied."""


class DuplicateKeyError(ValueError):
    """A key stands twice in an object: one reader takes the first value, another the last."""


class Call(NamedTuple):
    """One call of a tool."""

    name: str | None
    """None: it cannot be told what is called."""
    arguments: Any
    """Parsed, or the text itself where that is no JSON."""


UNREADABLE: Final = Call(None, None)


class Tools:
    """The rules of one guardrail for one caller."""

    def __init__(self, guard: ToolsGuard, schemas: dict[str, Any]) -> None:
        self._guard = guard
        self._schemas = schemas

    @classmethod
    def of(cls, guard: ToolsGuard) -> Tools:
        """Raises ConfigError for a schema that is none."""
        schemas = {}
        for name, schema in guard.schemas.items():
            try:
                schemas[name] = jsonschema_rs.validator_for(
                    schema, retriever=_nowhere, pattern_options=jsonschema_rs.RegexOptions()
                )
            except (jsonschema_rs.ValidationError, ValueError) as error:
                raise ConfigError(
                    f"guardrails: the schema of the tool `{name}` is none: {error}".partition("\n")[0]
                ) from None
        return cls(guard, schemas)

    def fault(self, call: Call, caller: Caller) -> str:
        """What speaks against a call, in a word; empty: nothing does."""
        if call.name is None:
            return "unreadable"
        allow, deny = self._lists(caller)
        if any(fnmatchcase(call.name, pattern) for pattern in deny):
            return "denied"
        if allow and not any(fnmatchcase(call.name, pattern) for pattern in allow):
            return "denied"
        schema = next((schema for name, schema in self._schemas.items() if fnmatchcase(call.name, name)), None)
        if schema is not None and not schema.is_valid(call.arguments):
            return "arguments"
        return ""

    def offered(self, names: Sequence[str], caller: Caller) -> bool:
        """Whether a tool is offered to the model that it may not call."""
        allow, deny = self._lists(caller)
        return any(
            any(fnmatchcase(name, pattern) for pattern in deny)
            or (bool(allow) and not any(fnmatchcase(name, pattern) for pattern in allow))
            for name in names
        )

    def _lists(self, caller: Caller) -> tuple[Sequence[str], Sequence[str]]:
        """The first entry of `callers` that means this one, else the lists for all."""
        known = (caller.id, caller.project, caller.team)
        for entry in self._guard.callers:
            if any(fnmatchcase(name, pattern) for name in known if name for pattern in entry.caller):
                return entry.allow, entry.deny
        return self._guard.allow, self._guard.deny


class ToolsCheck:
    """One entry of the section, on requests."""

    masked = False
    places = frozenset[Any]()

    def __init__(self, guard: ToolsGuard) -> None:
        self.tools = Tools.of(guard)

    def look(self, question: Question, _deadline: float) -> Finding:
        """See Check. Of the request: its calls, and the tools that it offers."""
        facts = question.facts
        if self.tools.offered(facts.tools, facts.caller):
            return Finding(1.0, True, "offered")
        for call in calls_in(question.body):
            if fault := self.tools.fault(call, facts.caller):
                return Finding(1.0, True, fault)
        return Finding(0.0, False)

    def close(self) -> None:
        """See Check."""


def may_hold_calls(data: bytes) -> bool:
    """Whether a body may hold a call of a tool: a key may be spelled with escapes."""
    return any(mark in data for mark in _MARKS) or b"\\u" in data


def calls_in(body: bytes) -> Iterator[Call]:
    """The calls of tools in JSON; none where it is none, for then no client reads it so."""
    if not may_hold_calls(body):
        return
    try:
        value = json.loads(body, object_pairs_hook=_object)
    except (DuplicateKeyError, RecursionError):
        yield UNREADABLE
        return
    except ValueError:
        return
    yield from calls_of(value)


def calls_of(value: Any) -> Iterator[Call]:
    """The calls in a value, however deep."""
    todo, seen = [value], 0
    while todo:
        here = todo.pop()
        seen += 1
        if seen > _MOST_VALUES:
            yield UNREADABLE
            return
        if isinstance(here, list):
            todo.extend(reversed(here))
        elif isinstance(here, dict):
            call = _call(here)
            if call is not None:
                yield call
            todo.extend(inner for inner in reversed(here.values()) if isinstance(inner, (dict, list)))


def _call(value: dict[str, Any]) -> Call | None:
    """A call where an object is one: a name beside arguments, in what says that it is a call, or is called so."""
    name = value.get("name")
    key = next((key for key in _ARGUMENTS if key in value), None)
    if not isinstance(name, str) or key is None or "description" in value:
        return None
    kind = value.get("type")
    if key == "parameters" and kind is not None and "call" not in str(kind):
        return None  # the definition of a tool
    return Call(name.strip(), parsed(value[key]))


def parsed(arguments: Any) -> Any:
    """Arguments as the tool gets them."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments or "{}", object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return arguments


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateKeyError
    return found


def _nowhere(uri: str) -> Any:
    raise ValueError(f"{uri} would have to be fetched; write it into the schema")
