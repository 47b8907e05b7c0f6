"""The containers of a pod: Envoy, the processor beside it, and the models that run in the same pod."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from extproc.config.addresses import is_ip_address, split_address
from extproc.render.kubernetes.configuration import AUDIT_FOLDER, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.kubernetes import Resources, Scheduling
    from extproc.config.models import Endpoint, Gguf, Model

Data = dict[str, Any]

SOCKET_FOLDER = "/var/run/intentmesh"
SOCKET = f"{SOCKET_FOLDER}/extproc.sock"
CONFIG_FOLDER = "/etc/intentmesh"
MODEL_FOLDER = "/models"
DEMO_FOLDER = "/app/inference/demo"
"""Where the inference image has the demo models."""
TMP_FOLDER = "/tmp"  # noqa: S108 - a volume of the pod's own
EVERYWHERE = "0.0.0.0"  # noqa: S104 - of the pod: the kubelet probes from outside
PROCESSOR_PORT = 9901
PROBE_PORT = 9903
LEARNS_S = 10
"""For a cluster to learn that a pod is going."""
USER = 65532
"""`nonroot` of the distroless images, Envoy's among them."""

CONFIG_VOLUME, SOCKET_VOLUME, MODEL_VOLUME, TMP_VOLUME, AUDIT_VOLUME = (
    f"intentmesh-{name}" for name in ("config", "socket", "models", "tmp", "audit")
)
"""Named as ours, since they may stand beside an application's."""

HARDENED: Data = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True)
class Served:
    """A model that llama.cpp serves at one port: in the gateway's pod, or in pods of its own."""

    name: str
    """Name of the container; of the Deployment and Service, where it has pods of its own."""
    model: Model
    gguf: Gguf
    port: int


def in_pod(mesh: Mesh) -> Iterator[Served]:
    """Models with weights and an endpoint on loopback: containers beside Envoy."""
    for name, model in mesh.models.items():
        ports = [e.port for e in model.every_endpoint() if e.zone == "pod" and is_loopback(e)]
        for i, port in enumerate(dict.fromkeys(ports)):
            if model.gguf:
                yield Served(name if not i else f"{name}-{i + 1}", model, model.gguf, port)


def in_cluster(mesh: Mesh) -> Iterator[Served]:
    """Models with weights and an endpoint that is a Service of the mesh's own namespace: Deployments of their own."""
    space = mesh.kubernetes.namespace
    ours = {"", space, f"{space}.svc", f"{space}.svc.cluster.local"}
    seen = set()
    for model in mesh.models.values():
        for endpoint in model.every_endpoint():
            service, _, domain = endpoint.hostname.partition(".")
            if endpoint.zone != "cluster" or domain not in ours or service in seen:
                continue
            if model.gguf and not is_ip_address(endpoint.hostname):
                seen.add(service)
                yield Served(service, model, model.gguf, endpoint.port)


def is_loopback(endpoint: Endpoint) -> bool:
    """Whether an endpoint is in the pod itself."""
    return endpoint.hostname == "localhost" or (
        is_ip_address(endpoint.hostname) and ipaddress.ip_address(endpoint.hostname).is_loopback
    )


def envoy_container(mesh: Mesh) -> Data:
    """Envoy, with its configuration from the ConfigMap."""
    port = split_address(mesh.envoy.listen)[1]
    return {
        "name": "envoy",
        "image": mesh.kubernetes.images.envoy,
        "args": ["--config-path", f"{CONFIG_FOLDER}/envoy.yaml", "--log-level", "warn", "--drain-time-s", "20"],
        "ports": [
            {"name": "http", "containerPort": port, "protocol": "TCP"},
            {"name": "envoy-metrics", "containerPort": PROBE_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": probe("/ready", PROBE_PORT, every_s=5),
        "livenessProbe": {"tcpSocket": {"port": PROBE_PORT}, "periodSeconds": 10, "failureThreshold": 3},
        # Requests still arrive while the cluster learns that this pod is going; and Envoy ends at once when it is told to, with
        # all that is open.
        "lifecycle": {"preStop": {"sleep": {"seconds": max(LEARNS_S, int(mesh.processor.grace_s))}}},
        "resources": resources(mesh.kubernetes.resources.envoy),
        "securityContext": HARDENED,
        "volumeMounts": [
            {"name": CONFIG_VOLUME, "mountPath": CONFIG_FOLDER, "readOnly": True},
            {"name": SOCKET_VOLUME, "mountPath": SOCKET_FOLDER},
        ],
    }


def processor_container(mesh: Mesh) -> Data:
    """The processor: a sidecar that starts before the containers that need it, and stops after them."""
    arguments = ["serve", f"{CONFIG_FOLDER}/mesh.yaml", "--socket", SOCKET, "--admin", f"{EVERYWHERE}:{PROCESSOR_PORT}"]
    return {
        "name": "intentmesh",
        "image": mesh.kubernetes.images.extproc,
        "restartPolicy": "Always",
        "args": arguments,
        **({"env": variables} if (variables := environment(mesh)) else {}),
        "ports": [{"name": "metrics", "containerPort": PROCESSOR_PORT, "protocol": "TCP"}],
        "startupProbe": probe("/readyz", PROCESSOR_PORT, every_s=2, failures=60),
        "readinessProbe": probe("/readyz", PROCESSOR_PORT, every_s=5),
        "livenessProbe": probe("/healthz", PROCESSOR_PORT, every_s=10),
        "resources": resources(mesh.kubernetes.resources.extproc),
        "securityContext": HARDENED,
        "volumeMounts": [
            {"name": CONFIG_VOLUME, "mountPath": CONFIG_FOLDER, "readOnly": True},
            {"name": SOCKET_VOLUME, "mountPath": SOCKET_FOLDER},
            {"name": TMP_VOLUME, "mountPath": TMP_FOLDER},
            *_audit_mounts(mesh),
        ],
    }


def _audit_mounts(mesh: Mesh) -> list[Data]:
    """Where the audit trail lies; on a claim that pods share, in a folder of the pod's own."""
    if mesh.telemetry.audit is None:
        return []
    own = {"subPathExpr": "$(POD_NAME)"} if mesh.kubernetes.audit_claim else {}
    return [{"name": AUDIT_VOLUME, "mountPath": AUDIT_FOLDER, **own}]


def audit_volumes(mesh: Mesh) -> list[Data]:
    """The volume of the audit trail, where there is one."""
    if mesh.telemetry.audit is None:
        return []
    claim = mesh.kubernetes.audit_claim
    return [{"name": AUDIT_VOLUME, **({"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}})}]


def fetch_container(mesh: Mesh, served: Served) -> Data | None:
    """Puts a model's weights into the pod's volume, verified, before anything needs them; None: they are there."""
    gguf = served.gguf
    if not gguf.repo or not gguf.file:
        return None
    arguments = [gguf.repo, gguf.file]
    arguments += ["--sha256", gguf.sha256] if gguf.sha256 else []
    return {
        "name": f"fetch-{served.name}",
        "image": mesh.kubernetes.images.inference,
        "command": ["python", "-m", "inference.models", "pull", *arguments, "--out", weights_file(served)],
        "resources": resources(mesh.kubernetes.resources.extproc),
        "securityContext": HARDENED,
        "volumeMounts": [
            {"name": MODEL_VOLUME, "mountPath": MODEL_FOLDER},
            {"name": TMP_VOLUME, "mountPath": TMP_FOLDER},
        ],
    }


def model_container(mesh: Mesh, served: Served, *, sidecar: bool) -> Data:
    """llama.cpp with one model."""
    arguments = [
        "--model",
        weights_file(served),
        "--alias",
        served.model.upstream_name or served.name,
        "--host",
        EVERYWHERE,
    ]
    arguments += ["--port", str(served.port), "--context-tokens", str(served.model.context_tokens)]
    path = served.model.health.path
    return {
        "name": served.name,
        "image": mesh.kubernetes.images.inference,
        **({"restartPolicy": "Always"} if sidecar else {}),
        "args": arguments,
        "ports": [{"name": f"p{served.port}", "containerPort": served.port, "protocol": "TCP"}],
        # Weights of many gigabytes take minutes to load.
        "startupProbe": probe(path, served.port, every_s=5, failures=120),
        "readinessProbe": probe(path, served.port, every_s=5),
        "livenessProbe": probe(path, served.port, every_s=15),
        "resources": resources(mesh.kubernetes.resources.inference),
        "securityContext": HARDENED,
        "volumeMounts": [
            *([] if served.gguf.demo else [{"name": MODEL_VOLUME, "mountPath": MODEL_FOLDER, "readOnly": True}]),
            {"name": TMP_VOLUME, "mountPath": TMP_FOLDER},
        ],
    }


def weights_file(served: Served) -> str:
    """Where the container finds its weights."""
    gguf = served.gguf
    if gguf.demo:
        return f"{DEMO_FOLDER}/{gguf.demo}.gguf"
    return f"{MODEL_FOLDER}/{(gguf.path or PurePosixPath(gguf.file or '')).name}"


def model_volumes(mesh: Mesh, served: list[Served]) -> list[Data]:
    """Where weights lie: a claim that you fill, where any model names a file of yours; else the pod's own disk."""
    if any(each.gguf.path for each in served):
        return [{"name": MODEL_VOLUME, "persistentVolumeClaim": {"claimName": "intentmesh-models"}}]
    if any(each.gguf.repo for each in served):
        return [{"name": MODEL_VOLUME, "emptyDir": {"sizeLimit": mesh.kubernetes.model_storage}}]
    return []


def shared_volumes() -> list[Data]:
    """The socket between Envoy and the processor, and a place for temporary files."""
    return [
        {"name": SOCKET_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": TMP_VOLUME, "emptyDir": {"sizeLimit": "256Mi"}},
    ]


def config_volume(name: str = "intentmesh") -> Data:
    """The files of a ConfigMap."""
    return {"name": CONFIG_VOLUME, "configMap": {"name": name}}


def pod_security() -> Data:
    """Nobody is root; what the volumes hold belongs to one group."""
    return {"runAsNonRoot": True, "fsGroup": USER, "seccompProfile": {"type": "RuntimeDefault"}}


def scheduled(mesh: Mesh, where: Scheduling) -> Data:
    """The part of a pod's spec that says where it runs, and how its images are had."""
    spec: Data = {}
    if secrets := mesh.kubernetes.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in secrets]
    if where.node_selector:
        spec["nodeSelector"] = dict(where.node_selector)
    if where.tolerations:
        spec["tolerations"] = [each.model_dump(exclude_none=True) for each in where.tolerations]
    if where.runtime_class:
        spec["runtimeClassName"] = where.runtime_class
    return spec


def probe(path: str, port: int, *, every_s: int, failures: int = 3) -> Data:
    """An HTTP probe."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": every_s,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def resources(settings: Resources) -> Data:
    """Requests and limits."""
    return {
        "requests": {"cpu": settings.cpu, "memory": settings.memory},
        "limits": {"cpu": settings.cpu_limit, "memory": settings.memory},
    }
