"""What Envoy says of the upstreams' health, and for one that fails: which it is, what it answers, what to write in mesh.yaml."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.cli.plain_http import ask
from extproc.config import line_of
from extproc.errors import ConfigError
from extproc.render.envoy.clusters import health_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model

LOADING = 503
"""A server that loads its model answers this: it may be well in a moment."""


class UnhealthyUpstreamError(ConfigError):
    """A model none of whose upstreams passes its health check."""


@dataclass(frozen=True, slots=True)
class Failing:
    """An upstream that fails its health check."""

    model: str
    endpoint: Endpoint
    path: str
    answer: str
    """What it answers, in words."""
    stays: bool
    """Whether waiting cannot help: something answers there, and knows no such path."""
    alone: bool
    """Whether the model has no upstream that is well."""

    def message(self, file: Path) -> str:
        """Who it is, what it does, and the lines of mesh.yaml that would be right."""
        line = line_of(file, ("models", self.model))
        return (
            f"{file}:{line}: models.{self.model}: the upstream {self.endpoint.address} fails its health check: {self.answer}. "
            f"Envoy sends it nothing. If it has no such path, write `health: {{path: /...}}` under models.{self.model} "
            f"for one that answers 200, or `health: {{enabled: false}}` to have none checked"
        )


def settled(clusters: str) -> bool:
    """Whether Envoy has checked each upstream at least once, and the processor is well: from its /clusters as JSON."""
    hosts = list(_hosts(clusters))
    processors = [status for names, status in hosts if not names]
    return (
        bool(hosts)
        and not any(status.get("pending_active_hc") for _, status in hosts)
        and not any(status.get("failed_active_health_check") for status in processors)
    )


def failing(clusters: str, mesh: Mesh, ports: Mapping[int, int]) -> list[Failing]:
    """The models' upstreams that fail their check: each is asked what it answers."""
    unwell = {
        place for places, status in _hosts(clusters) if status.get("failed_active_health_check") for place in places
    }
    found = []
    for name, model in mesh.models.items():
        failed = [e for e in model.every_endpoint() if _place(e, ports) in unwell]
        alone = len(failed) == len(model.every_endpoint())
        found += [_ask(name, model, endpoint, ports, alone=alone) for endpoint in failed]
    return found


def _place(endpoint: Endpoint, ports: Mapping[int, int]) -> tuple[str, int]:
    return endpoint.hostname, ports.get(endpoint.port, endpoint.port)


def _hosts(clusters: str) -> Iterator[tuple[set[tuple[str, int]], dict[str, Any]]]:
    """Each host of each cluster: what it may be called (nothing, where it is a socket of the processor's), and its health."""
    for cluster in json.loads(clusters).get("cluster_statuses", ()):
        for host in cluster.get("host_statuses", ()):
            where = host["address"].get("socket_address")
            if where is None:
                yield set(), host["health_status"]
                continue
            names = {where["address"], host.get("hostname") or where["address"]}
            yield (
                {(name.rpartition(":")[0] if name.count(":") == 1 else name, where["port_value"]) for name in names},
                host["health_status"],
            )


def _ask(name: str, model: Model, endpoint: Endpoint, ports: Mapping[int, int], *, alone: bool) -> Failing:
    path = health_path(endpoint, model.health) or ""
    answer, stays = _get(endpoint, ports, path, model.health.timeout_s)
    return Failing(name, endpoint, path, answer, stays=stays, alone=alone)


def _get(endpoint: Endpoint, ports: Mapping[int, int], path: str, timeout_s: float) -> tuple[str, bool]:
    """What an upstream answers to its health check."""
    asked = f"GET {path}"
    if endpoint.tls:
        return f"{asked} over TLS is not answered by 200", False
    try:
        status, _ = ask(
            *_place(endpoint, ports), path, timeout_s=timeout_s, headers={"host": endpoint.host or endpoint.address}
        )
    except OSError as error:
        return f"{asked}: {_reason(error)}", False
    return f"{asked} is answered by {status}, not by 200", status != LOADING


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return error.strerror or str(error)
