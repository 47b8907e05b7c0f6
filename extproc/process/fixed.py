"""What a running processor cannot change: settings that hold from its start to its end, whatever a new mesh.yaml says of them.

Sockets are open, exporters run, the audit file is held. A new mesh.yaml is taken into use without these, and which of them wait
for a restart is told: in the log, on `/readyz`, as a metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extproc.config import Mesh

FIXED = (
    "processor.socket",
    "processor.address",
    "processor.tls",
    "processor.server",
    "processor.workers",
    "processor.admin",
    "processor.log_level",
    "limits.max_body_bytes",
    "telemetry.enabled",
    "telemetry.otlp",
    "telemetry.traces.console",
    "telemetry.metrics_interval_s",
    "telemetry.conventions",
    "telemetry.audit",
)


def with_fixed(mesh: Mesh, started: Mesh) -> tuple[Mesh, tuple[str, ...]]:
    """A new mesh as it can be used by a processor that was started with another, and the settings that wait for a restart."""
    waiting = tuple(name for name in FIXED if _value(mesh, name) != _value(started, name))
    for name in waiting:
        mesh = _replaced(mesh, name.split("."), _value(started, name))
    return mesh, waiting


def _value(section: Any, name: str) -> Any:
    for key in name.split("."):
        section = getattr(section, key)
    return section


def _replaced(section: Any, path: list[str], value: Any) -> Any:
    key, *rest = path
    inner = _replaced(getattr(section, key), rest, value) if rest else value
    return section.model_copy(update={key: inner})
