"""Facts -> the values that the rules of one stage read, by their names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from extproc.config.policy_facts import BUDGETS, DESTINATION, ENTITIES, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from extproc.decision import Facts
    from extproc.expressions import Condition

UNLIMITED: Final = float(2**53)
"""What is left of a budget that does not concern the caller."""

_GETTERS: Final[dict[str, Callable[[Facts], Any]]] = {
    "caller.id": lambda facts: facts.caller.id,
    "caller.project": lambda facts: facts.caller.project,
    "caller.team": lambda facts: facts.caller.team,
    "caller.source": lambda facts: facts.caller.source,
    "caller.claims": lambda facts: dict(facts.caller.claims),
    "request.method": lambda facts: facts.method,
    "request.path": lambda facts: facts.path,
    "request.time": lambda _: datetime.now(UTC),
    "request.model": lambda facts: facts.model,
    "request.stream": lambda facts: facts.streamed,
    "request.tools": lambda facts: list(facts.tools),
    "request.uses": lambda facts: sorted(facts.uses),
    "request.tokens": lambda facts: facts.tokens,
    "request.language": lambda facts: facts.language,
    "request.turns": lambda facts: facts.turns,
    "request.images": lambda facts: facts.images,
    "request.audio": lambda facts: facts.audio,
    "request.unsearched": lambda facts: facts.unsearched,
    "request.code": lambda facts: float(facts.code),
    "request.difficulty": lambda facts: float(facts.difficulty),
    "intent": lambda facts: facts.intent or "",
    "score": lambda facts: float(facts.score),
    TOTAL: lambda facts: sum(facts.entities.values()),
}


class Values:
    """Reads what some conditions name, and nothing else."""

    def __init__(self, names: Iterable[str], headers: Iterable[str] = ()) -> None:
        """`headers`: their names, as they are written."""
        self.names = frozenset(names)
        self._headers = frozenset(headers)
        self._getters: list[tuple[str, Callable[[Facts], Any]]] = [
            (name, _headers(self._headers) if name == "request.headers" else _getter(name))
            for name in sorted(self.names)
            if not name.startswith(DESTINATION)
        ]

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Self:
        """What these name."""
        conditions = list(conditions)
        names = frozenset[str]().union(*(condition.names for condition in conditions))
        return cls(names, {name for condition in conditions for name in condition.header_names})

    def only(self, names: frozenset[str]) -> Values:
        """Of them these."""
        return Values(self.names & names, self._headers)

    def read(self, facts: Facts, **more: Any) -> dict[str, Any]:
        """The values. `more`: those that no fact tells, as what the registry says of a destination."""
        values = {name: get(facts) for name, get in self._getters}
        return values | more if more else values


def _getter(name: str) -> Callable[[Facts], Any]:
    if name in _GETTERS:
        getter: Callable[[Facts], Any] = _GETTERS[name]
        return getter
    if name.startswith(BUDGETS):
        budget = name.removeprefix(BUDGETS).replace("_", "-")
        return lambda facts: float(facts.budget_left.get(budget, UNLIMITED))
    entity_type = name.removeprefix(ENTITIES)
    return lambda facts: facts.entities.get(entity_type, 0)


def _headers(names: Iterable[str]) -> Callable[[Facts], Any]:
    written = [(name, name.lower()) for name in names]
    return lambda facts: {name: facts.headers.get(lower, "") for name, lower in written}


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with what is no text in a text replaced: half a surrogate pair, as JSON can say it, is none."""
    return {_text(name): _readable(value) for name, value in values.items()}


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_readable(each) for each in value]
    return readable(value) if isinstance(value, dict) else value


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
