"""What a rule is, and the list of them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extproc.doctor.source import Path, Subject

Severity = Literal["error", "warning", "info"]
"""error: data leaks, or it does not work; warning: it will hurt one day; info: worth knowing."""

Trouble = tuple["Path", str]
"""Where it stands, and what is the matter there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong."""

    name: str
    severity: Severity
    fix: str
    """What would be right."""
    check: Callable[[Subject], Iterator[Trouble]]


RULES: dict[str, Rule] = {}
"""By name; filled by the modules that `examination` imports."""


def rule(name: str, severity: Severity, fix: str) -> Callable[[Callable[[Subject], Iterator[Trouble]]], None]:
    """Register a check under a name."""

    def register(check: Callable[[Subject], Iterator[Trouble]]) -> None:
        assert name not in RULES, name
        RULES[name] = Rule(name, severity, fix, check)

    return register
