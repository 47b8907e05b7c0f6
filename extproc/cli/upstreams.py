"""What Envoy says of the upstreams' health, and for one that fails: which it is, what it answers, what to write in mesh.yaml."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.cli.plain_http import ask
from extproc.cli.relocation import LOOPBACK
from extproc.config import line_of
from extproc.errors import ConfigError
from extproc.render.envoy.clusters import health_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model

OK, LOADING = 200, 503
"""A server that loads its model answers this: it may be well in a moment."""


class UnhealthyUpstreamError(ConfigError):
    """A model none of whose upstreams passes its health check."""


@dataclass(frozen=True, slots=True)
class Failing:
    """An upstream that fails its health check."""

    model: str
    endpoint: Endpoint
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
    processors = [status for names, _, status in hosts if not names]
    return (
        bool(hosts)
        and not any(status.get("pending_active_hc") for _, _, status in hosts)
        and not any(status.get("failed_active_health_check") for status in processors)
    )


def failing(clusters: str, mesh: Mesh, ports: Mapping[int, int]) -> list[Failing]:
    """The models' upstreams that fail their check: each is asked what it answers, where Envoy asks it."""
    unwell = {
        name: address
        for names, address, status in _hosts(clusters)
        if status.get("failed_active_health_check")
        for name in names
    }
    answers = []
    for name, model in mesh.models.items():
        failed = [(e, unwell[p]) for e in model.every_endpoint() if (p := _place(e, ports)) in unwell]
        alone = len(failed) == len(model.every_endpoint())
        answers += [_ask(name, model, endpoint, address, alone=alone) for endpoint, address in failed]
    return answers


def _place(endpoint: Endpoint, ports: Mapping[int, int]) -> tuple[str, int]:
    local = endpoint.hostname in LOOPBACK and endpoint.port in ports
    host = "127.0.0.1" if local and endpoint.hostname == "localhost" else endpoint.hostname
    return host, ports[endpoint.port] if local else endpoint.port


def _hosts(clusters: str) -> Iterator[tuple[set[tuple[str, int]], tuple[str, int], dict[str, Any]]]:
    """Each host of each cluster: its names (none, where it is a socket of the processor's), where it is, its health."""
    for cluster in json.loads(clusters).get("cluster_statuses", ()):
        for host in cluster.get("host_statuses", ()):
            where = host["address"].get("socket_address")
            if where is None:
                yield set(), ("", 0), host["health_status"]
                continue
            address, port = where["address"], int(where["port_value"])
            yield {(address, port), (host.get("hostname") or address, port)}, (address, port), host["health_status"]


def _ask(name: str, model: Model, endpoint: Endpoint, address: tuple[str, int], *, alone: bool) -> Failing:
    """What an upstream answers to its health check."""
    path = health_path(endpoint, model.health) or ""
    answer, stays = f"GET {path} over TLS is not answered by 200", False
    if not endpoint.tls:
        place = f"GET {path}" if endpoint.hostname == address[0] else f"GET {path} at {address[0]}"
        try:
            headers = {"host": endpoint.host or endpoint.address}
            status, _ = ask(*address, path, timeout_s=model.health.timeout_s, headers=headers)
            answer, stays = f"{place} is answered by {status}, not by 200", status not in (OK, LOADING)
        except OSError as error:
            answer = f"{place}: {_reason(error)}"
    return Failing(name, endpoint, answer, stays=stays, alone=alone)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return error.strerror or str(error)
