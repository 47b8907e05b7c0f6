"""What istiod is asked about: clusters as people have them, with our rendered files applied to them.

Each case is a proxy, the Kubernetes objects around it, and Istio's own kinds: ours, rendered from a mesh.yaml, and those
that were there before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from extproc.config import parse
from extproc.render import render

Data = dict[str, Any]

MODEL_HOST = "models.intentmesh.svc.cluster.local"
FAR_HOST = "llm.example.eu"
API_HOST = "api.example.ai"
CA_FILE = "/etc/intentmesh/far-ca.pem"
APP_ADDRESS, GATEWAY_ADDRESS = "10.0.0.5", "10.0.0.6"
PORTS = {
    "general": 19001,
    "near": 19002,
    "far": 19003,
    "standby": 19004,
    "dead": 19009,
    "app": 8000,
    "other": 19010,
    "vllm": 19011,
    "api": 19012,
}
"""Where upstreams are in the cases; whoever starts an answer puts its own ports in their place."""


@dataclass(frozen=True, slots=True)
class Case:
    """One proxy in one cluster."""

    name: str
    target: str
    mesh: Data
    proxy: Data
    kubernetes: list[Data]
    istio: list[Data] = field(default_factory=list)
    """What was there before us."""

    def rendered(self) -> list[Data]:
        """Our files for Istio: every object of a kind of Istio's."""
        files = render(self.target, parse(yaml.safe_dump({"version": 1, **self.mesh})))
        documents = [d for f in files if f.path.endswith(".yaml") for d in yaml.safe_load_all(f.text) if d]
        return [d for d in documents if "istio.io/" in d.get("apiVersion", "")]

    def files(self) -> dict[str, str]:
        """The files that the case consists of, by name."""
        return {
            "proxy.json": json.dumps(self.proxy, indent=1),
            "kubernetes.yaml": yaml.safe_dump_all(self.kubernetes, sort_keys=False),
            "istio.yaml": yaml.safe_dump_all([*self.istio, *self.rendered()], sort_keys=False),
        }


def endpoint(name: str, zone: str = "pod", **more: Any) -> Data:
    """An endpoint of a model."""
    return {"address": f"127.0.0.1:{PORTS[name]}", "zone": zone, **more}


def service(name: str, namespace: str, port: int, target: int, labels: Data | None, port_name: str = "http") -> Data:
    """A Service."""
    spec: Data = {
        "clusterIP": f"10.1.0.{sum(map(ord, name + namespace)) % 250 + 1}",
        "ports": [{"name": port_name, "port": port, "targetPort": target, "protocol": "TCP"}],
    }
    if labels:
        spec["selector"] = labels
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def pod(name: str, namespace: str, address: str, labels: Data) -> Data:
    """A running pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": name, "image": "app"}]},
        "status": {
            "podIP": address,
            "podIPs": [{"ip": address}],
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def slices(of: str, namespace: str, address: str, target: int, port_name: str = "http") -> Data:
    """Endpoints of a Service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{of}-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": of}},
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [address],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "name": of, "namespace": namespace},
            }
        ],
        "ports": [{"name": port_name, "port": target, "protocol": "TCP"}],
    }


APP = {"app": "app"}
FAR = {"address": f"{FAR_HOST}:{PORTS['far']}", "zone": "external", "tls": True, "ca_file": CA_FILE}
STANDBY = {"address": f"standby.example.net:{PORTS['standby']}", "zone": "cluster"}
MODELS: Data = {
    "general": {"endpoints": [endpoint("general")]},
    "near": {"endpoints": [endpoint("near"), FAR]},
    "far": {"endpoints": [FAR]},
    "standby": {"endpoints": [endpoint("dead"), STANDBY, FAR]},
    "lost": {"endpoints": [endpoint("dead"), FAR], "retries": {"attempts": 3}},
}
ROUTES: list[Data] = [
    {"headers": {"x-tenant": "far"}, "model": "far"},
    {"headers": {"x-tenant": "bound"}, "model": "near", "residency": "pod"},
    {"headers": {"x-tenant": "refused"}, "model": "far", "residency": "pod"},
    {"headers": {"x-tenant": "near"}, "model": "near"},
    {"headers": {"x-tenant": "standby"}, "model": "standby"},
    {"headers": {"x-tenant": "lost"}, "model": "lost"},
]
WORKLOAD = {"name": "app", "namespace": "default", "labels": APP, "port": 8000}
SIDECAR: Data = {"type": "sidecar", "address": APP_ADDRESS, "namespace": "default", "labels": APP}


def mesh(**kubernetes: Any) -> Data:
    """A mesh.yaml."""
    return {"models": MODELS, "routes": ROUTES, "default_model": "general", "kubernetes": kubernetes}


def cluster(app_port: int) -> list[Data]:
    """An application behind a Service with this port, which its container serves on 8000; a host for models; another host."""
    return [
        service("app", "default", app_port, 8000, APP),
        pod("app", "default", APP_ADDRESS, APP),
        slices("app", "default", APP_ADDRESS, 8000),
        service("models", "intentmesh", 8080, 8080, None),
        service("other", "default", 8080, PORTS["other"], {"app": "other"}),
        pod("other", "default", "127.0.0.1", {"app": "other"}),
        slices("other", "default", "127.0.0.1", PORTS["other"]),
    ]


def served(name: str, namespace: str, port: int, labels: Data | None = None) -> list[Data]:
    """A Service whose one pod is on loopback, where a test's upstream stands in for it."""
    labels = labels or {"app": name}
    return [
        service(name, namespace, port, PORTS[name], labels),
        pod(name, namespace, "127.0.0.1", labels),
        slices(name, namespace, "127.0.0.1", PORTS[name]),
    ]


GATEWAY_LABELS = {"istio": "ingressgateway"}
GATEWAY: Data = {"type": "router", "address": GATEWAY_ADDRESS, "namespace": "istio-system", "labels": GATEWAY_LABELS}
ENTRY: list[Data] = [
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "public", "namespace": "istio-system"},
        "spec": {
            "selector": GATEWAY_LABELS,
            "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        },
    },
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "hosts": ["shop.example"],
            "gateways": ["istio-system/public"],
            "http": [
                {"route": [{"destination": {"host": "other.default.svc.cluster.local", "port": {"number": 8080}}}]}
            ],
        },
    },
]


def gateway_cluster() -> list[Data]:
    """A gateway, the models as Services, and a shop behind the same gateway."""
    return [
        service("istio-ingressgateway", "istio-system", 80, 8080, GATEWAY_LABELS),
        pod("istio-ingressgateway", "istio-system", GATEWAY_ADDRESS, GATEWAY_LABELS),
        slices("istio-ingressgateway", "istio-system", GATEWAY_ADDRESS, 8080),
        *served("other", "default", 8080),
        *(part for name in ("general", "near", "dead", "standby") for part in served(name, "intentmesh", PORTS[name])),
    ]


AT_GATEWAY = {"name": "public", "namespace": "istio-system", "labels": GATEWAY_LABELS, "port": 80}
CALLED: list[Data] = [
    {"host": "vllm.models.svc", "port": 8000},
    {"host": API_HOST, "port": 80, "upstream": {"port": PORTS["api"], "tls": True}},
]
"""Hosts that the application calls already: a Service of the cluster, and one beyond it whose TLS begins at the proxy."""

ISSUER = "https://login.example.com/"
KEYS = Path(__file__).with_name("jwks.json")
"""Of the issuer: a symmetric key that is no secret, so that a test can sign with it."""
WHO = ("ada", "spiffe://cluster.local/ns/red/sa/app")
IDENTIFIED: Data = {
    "identity": {
        "certificate": True,
        "jwt": {
            "providers": {"corporate": {"issuer": ISSUER, "audiences": ["intentmesh"], "jwks_file": str(KEYS)}},
            "team": "team",
        },
    },
    "policy": [
        *(
            {"name": f"is-{i}", "when": f"caller.id == '{name}'", "then": {"deny": f"is {name}"}}
            for i, name in enumerate(WHO)
        ),
        {"name": "somebody", "when": "caller.id != ''", "then": {"deny": "is somebody"}},
    ],
}
"""Who calls is told by a refusal, so that a test can see whom the processor takes the caller for."""


CASES = [
    Case("sidecar", "istio-sidecar", mesh(workload=WORKLOAD), SIDECAR, cluster(80)),
    Case("sidecar-same-port", "istio-sidecar", mesh(workload=WORKLOAD), SIDECAR, cluster(8000)),
    Case(
        "intercept",
        "istio-sidecar",
        mesh(workload=WORKLOAD, intercept=CALLED),
        SIDECAR,
        [*cluster(80), *served("vllm", "models", 8000)],
    ),
    Case(
        "gateway",
        "istio-gateway",
        mesh(gateway=AT_GATEWAY, host="models.example.com"),
        GATEWAY,
        gateway_cluster(),
        ENTRY,
    ),
    Case("sidecar-identity", "istio-sidecar", mesh(workload=WORKLOAD) | IDENTIFIED, SIDECAR, cluster(80)),
    Case(
        "gateway-identity",
        "istio-gateway",
        mesh(gateway=AT_GATEWAY, host="models.example.com") | IDENTIFIED,
        GATEWAY,
        gateway_cluster(),
        ENTRY,
    ),
]


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment that our patch is applied to, before Istio's injector makes a pod of it."""

    name: str
    target: str
    mesh: Data
    deployment: Data

    def files(self) -> dict[str, str]:
        """The files that it consists of, by name."""
        files = render(self.target, parse(yaml.safe_dump({"version": 1, **self.mesh})))
        change = next(f.text for f in files if f.path == "deployment-patch.yaml")
        return {"deployment.yaml": yaml.safe_dump(self.deployment), "deployment-patch.yaml": change}


def deployment(name: str, namespace: str, labels: Data, container: Data, annotations: Data | None = None) -> Data:
    """A Deployment of one container."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": {"containers": [container]},
            },
        },
    }


WEIGHTS = {"repo": "some/model-GGUF", "file": "model.gguf"}
APPLICATION = deployment(
    "app",
    "default",
    APP,
    {
        "name": "app",
        "image": "app",
        "ports": [{"containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8000}},
    },
)
INJECTED_GATEWAY = deployment(
    "istio-ingressgateway",
    "istio-system",
    GATEWAY_LABELS,
    {"name": "istio-proxy", "image": "auto", "ports": [{"containerPort": 8080}]},
    {"inject.istio.io/templates": "gateway"},
)
FETCHED = {**mesh(workload=WORKLOAD), "models": {**MODELS, "general": {**MODELS["general"], "gguf": WEIGHTS}}}
WORKLOADS = [
    Workload("application", "istio-sidecar", FETCHED, APPLICATION),
    Workload("injected-gateway", "istio-gateway", mesh(gateway=AT_GATEWAY), INJECTED_GATEWAY),
]
