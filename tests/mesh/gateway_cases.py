"""What Envoy Gateway is asked about: a Gateway as people have it, with our rendered files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from extproc.config import parse
from extproc.render import render
from tests.mesh.istio_cases import IDENTIFIED, PORTS, mesh, served

Data = dict[str, Any]

READ = (
    "Backend",
    "BackendTrafficPolicy",
    "ClientTrafficPolicy",
    "ConfigMap",
    "EnvoyExtensionPolicy",
    "HTTPRoute",
    "Namespace",
    "ReferenceGrant",
    "SecurityPolicy",
    "Service",
)
"""Kinds that Envoy Gateway reads."""
HOST = "models.example.com"


@dataclass(frozen=True, slots=True)
class GatewayCase:
    """One Gateway, and what is applied around it."""

    name: str
    mesh: Data
    objects: list[Data]

    def files(self) -> dict[str, str]:
        """The one file that `egctl x translate` reads."""
        files = render("envoy-gateway", parse(yaml.safe_dump({"version": 1, **self.mesh})))
        rendered = [d for f in files if f.path.endswith(".yaml") for d in yaml.safe_load_all(f.text) if d]
        return {
            "all.yaml": yaml.safe_dump_all(
                [*self.objects, *(d for d in rendered if d["kind"] in READ)], sort_keys=False
            )
        }


def gateway(namespace: str) -> list[Data]:
    """A Gateway that takes routes of its own namespace, as it does unless told otherwise."""
    api = "gateway.networking.k8s.io/v1"
    controller = {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}
    listener = {"name": "http", "protocol": "HTTP", "port": 80}
    where = {"name": "public", "namespace": namespace}
    return [
        {"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "eg"}, "spec": controller},
        {
            "apiVersion": api,
            "kind": "Gateway",
            "metadata": where,
            "spec": {"gatewayClassName": "eg", "listeners": [listener]},
        },
    ]


def authority(name: str) -> Data:
    """The ConfigMap with the CA of an encrypted endpoint; what is in it is no certificate: it is never used."""
    data = {"ca.crt": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


AROUND = [
    *gateway("default"),
    *(authority(f"{name}-ca") for name in ("far", "near-external", "standby-external", "lost-external")),
    *(part for name in ("general", "near", "dead", "standby") for part in served(name, "intentmesh", PORTS[name])),
]
PUBLIC = mesh(gateway={"name": "public", "namespace": "default"}, host=HOST)
GATEWAY_CASES = [
    GatewayCase("gateway", PUBLIC, AROUND),
    GatewayCase("gateway-identity", PUBLIC | IDENTIFIED, AROUND),
]
