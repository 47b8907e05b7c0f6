"""Values of a `mesh.yaml` that stand elsewhere: `${NAME}` and `${NAME:-default}` in the environment, `file:/path` in a file.

For what is secret or differs by place, and for nothing else: what decides about requests has to be read where it is reviewed.
Where a value is told of, in mistakes, on the admin port, in what is rendered, the reference is told and not what it stands for.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.config.files import contents
from extproc.config.section import Referred

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.config.mesh import Mesh
    from extproc.config.yaml_text import KeyPath

FILE = "file:/"
LARGEST_FILE = 65_536
ALLOWED = (
    "processor.*",
    "processor.tls.**",
    "telemetry.otlp.endpoint",
    "telemetry.audit.path",
    "telemetry.audit.key_file",
    "telemetry.audit.anchors",
    "telemetry.audit.ship.syslog",
    "models.*.upstream_name",
    "models.*.endpoints.*.*",
    "models.*.versions.*.endpoints.*.*",
    "envoy.listen",
    "envoy.admin",
    "envoy.probes",
    "envoy.upstream",
    "envoy.token_limit.service",
    "budget_state.**",
    "pii.key_file",
    "pii.hash_key_file",
    "kubernetes.namespace",
    "kubernetes.host",
    "kubernetes.images.*",
)
"""Where a reference may stand. `*`: any one key; `**`: all below."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ESCAPED = "$${"


class Resolved:
    """What the references of one text stand for."""

    def __init__(self) -> None:
        self.written: dict[KeyPath, str] = {}
        """Key -> the reference, as it stands in the file."""
        self.values: dict[KeyPath, str] = {}
        self.files: list[Path] = []
        self.mistakes: list[tuple[KeyPath, str]] = []

    def masked(self, where: KeyPath, message: str) -> str:
        """A message about a key, without what a reference stands for."""
        value = self.values.get(where)
        return message.replace(value, self.written[where]) if value else message


def resolve(data: Any, scalars: Iterable[tuple[KeyPath, str]], environment: Mapping[str, str] = os.environ) -> Resolved:
    """Put in the values, in place. `scalars`: every text of the file and its key."""
    resolved = Resolved()
    for where, text in scalars:
        if "${" not in text and not text.startswith(FILE):
            continue
        if not _may_stand(where):
            if _REFERENCE.fullmatch(text):
                resolved.mistakes.append(
                    (
                        where,
                        f"`{text}` cannot stand here: only what is secret or differs by place may be said elsewhere",
                    )
                )
            elif text.startswith(_ESCAPED):
                _put(data, where, text[1:])
            continue
        value = (
            _file(resolved, where, text) if text.startswith(FILE) else _variables(resolved, where, text, environment)
        )
        if value is not None:
            resolved.written[where], resolved.values[where] = text, value
            _put(data, where, value)
    return resolved


def as_written(mesh: Mesh, data: dict[str, Any]) -> dict[str, Any]:
    """A mesh's data, with its references in the place of what they stand for."""
    for where, text in mesh.references.items():
        _put(data, where, text)
    return data


def _may_stand(where: KeyPath) -> bool:
    return any(_fits(where, pattern.split(".")) for pattern in ALLOWED)


def _fits(where: KeyPath, pattern: list[str]) -> bool:
    if pattern[-1] == "**":
        return len(where) >= len(pattern) and _fits(where[: len(pattern) - 1], pattern[:-1])
    return len(where) == len(pattern) and all(p in ("*", str(step)) for p, step in zip(pattern, where, strict=True))


def _variables(resolved: Resolved, where: KeyPath, text: str, environment: Mapping[str, str]) -> str | None:
    missing = [
        name for name, default in _REFERENCE.findall(text) if name not in environment and f"${{{name}:-" not in text
    ]
    if missing:
        for name in dict.fromkeys(missing):
            resolved.mistakes.append(
                (where, f"the variable {name} is not set: set it, or give a default, as ${{{name}:-value}}")
            )
        return None

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1], match[2] or "")

    return "${".join(_REFERENCE.sub(value, part) for part in text.split(_ESCAPED))


def _file(resolved: Resolved, where: KeyPath, text: str) -> str | None:
    path = Path(text.removeprefix("file:"))
    try:
        value = contents(path, most=LARGEST_FILE).decode().rstrip("\n")
    except OSError as error:
        resolved.mistakes.append((where, f"the file {path} cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        resolved.mistakes.append((where, f"the file {path} is not UTF-8"))
    else:
        resolved.files.append(path)
        return value
    return None


def _put(data: Any, where: KeyPath, value: str) -> None:
    """Set a value by its key, where there is such a key: what `<<` brought stands under another."""
    try:
        for step in where[:-1]:
            data = data[step]
        if data[where[-1]] is not None:
            data[where[-1]] = Referred(value)
    except (KeyError, IndexError, TypeError):
        return
