"""All rules on one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.config.yaml_text import dotted
from extproc.doctor import chain, mesh, modes, routing, running, upstream  # noqa: F401 - they register their rules
from extproc.doctor.rule import RULES, Severity
from extproc.doctor.source import Subject, read

if TYPE_CHECKING:
    from extproc.doctor.source import Proxy

ORDER: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and what would be right."""

    rule: str
    severity: Severity
    place: str
    """Keys from the outside in, as `static_resources.listeners[0]`."""
    line: int | None
    """None in JSON, whose lines say nothing."""
    message: str
    fix: str


def examine(text: str, source: str = "the file", proxy: Proxy | None = None) -> tuple[list[Finding], Subject]:
    """Every finding, the gravest first; and what was read. `proxy`: the Envoy that is to run it, or runs it."""
    subject = read(text, source)
    if proxy is not None:
        subject.proxy = proxy
    findings = [
        Finding(each.name, each.severity, dotted(path), subject.line(path), message, each.fix)
        for each in RULES.values()
        for path, message in each.check(subject)
    ]
    findings.sort(key=lambda f: (ORDER.index(f.severity), f.line or 0, f.place))
    return findings, subject
