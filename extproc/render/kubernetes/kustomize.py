"""The target `kubernetes`: a kustomize base, and overlays for a laptop, for production and for GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render import alerts, dashboard
from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy import bootstrap
from extproc.render.kubernetes import network, objects, pod
from extproc.render.kubernetes.configuration import config_files
from extproc.render.kubernetes.pod import PROBE_PORT, SOCKET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "Rendered by `intentmesh render kubernetes` from mesh.yaml: change that and render again.\n"
NOTES = (
    Note("metadata.labels.pod-security.kubernetes.io/enforce", "Pods that want more than they need are not admitted."),
    Note(
        "spec.initContainers",
        "First the weights are fetched. Then the sidecars (restartPolicy: Always) start in this order, and they stop in "
        "the other one after Envoy has: no request finds them gone.",
    ),
    Note("spec.enableServiceLinks", "Kubernetes' variables for Services would be taken for settings."),
    Note("startupProbe", "Until this has succeeded once, no other probe counts: loading takes as long as it takes."),
    Note("lifecycle.preStop", "Requests still arrive while the cluster learns that this pod is going."),
    Note("strategy.rollingUpdate", "A new pod is ready before an old one goes."),
    Note("spec.podSelector", "An empty selector is every pod of the namespace."),
)

DASHBOARD: Data = {
    "name": "intentmesh-dashboard",
    "files": ["intentmesh.json"],
    "options": {"labels": {"grafana_dashboard": "1"}},
}


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    return [*_base(mesh), *_overlays(mesh)]


def _base(mesh: Mesh) -> list[File]:
    files = [
        _file("base/namespace.yaml", [objects.namespace(mesh)]),
        _file(
            "base/gateway.yaml",
            [
                objects.service_account(mesh),
                objects.gateway_deployment(mesh),
                objects.gateway_service(mesh),
                objects.disruption_budget(mesh, objects.GATEWAY, "gateway"),
                objects.autoscaler(mesh, objects.GATEWAY, "gateway", least=mesh.kubernetes.replicas),
            ],
        ),
        _file("base/network.yaml", network.policies(mesh)),
    ]
    config = config_files(mesh)
    own = [data for each in pod.in_cluster(mesh) for data in model_objects(mesh, each)]
    if own:
        files.append(_file("base/models.yaml", own))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [file.path.rpartition("/")[2] for file in files],
        # A changed configuration gets a new name, and so new pods.
        "configMapGenerator": [config_map_generator(mesh, [*config, "envoy.yaml"])],
    }
    return [
        _file("base/kustomization.yaml", [kustomization]),
        *files,
        *(File(f"base/{name}", text) for name, text in config.items()),
        bootstrap.bootstrap_file(in_cluster(mesh), "base/envoy.yaml"),
    ]


def config_map_generator(mesh: Mesh, files: list[str]) -> Data:
    """The ConfigMap that kustomize makes of files beside it."""
    return {"name": "intentmesh", "namespace": mesh.kubernetes.namespace, "files": files}


def resources_file(head: str, resources: list[str]) -> File:
    """A kustomization of files beside it: `kubectl apply -k .`, and `kubectl delete -k .` takes all of it out again."""
    data = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
    return File("kustomization.yaml", to_yaml([data], head=f"{head}\nkubectl apply -k .\n"))


def in_cluster(mesh: Mesh) -> Mesh:
    """The mesh as it runs in a pod: the socket on the shared volume, probes where the kubelet reaches them."""
    processor = mesh.processor.model_copy(update={"socket": SOCKET, "address": None})
    envoy = mesh.envoy.model_copy(update={"probes": f"0.0.0.0:{PROBE_PORT}"})
    return mesh.model_copy(update={"processor": processor, "envoy": envoy})


def model_objects(mesh: Mesh, served: pod.Served) -> list[Data]:
    """A model with pods of its own."""
    name = served.name
    return [
        objects.model_deployment(mesh, served),
        objects.model_service(mesh, served),
        objects.disruption_budget(mesh, name, "model", name),
        objects.autoscaler(mesh, name, "model", name, least=1),
    ]


def _overlays(mesh: Mesh) -> list[File]:
    space = mesh.kubernetes.namespace
    single = [{"op": "replace", "path": f"/spec/{key}", "value": 1} for key in ("minReplicas", "maxReplicas")]
    local: Data = {"patches": [{"target": {"kind": "HorizontalPodAutoscaler"}, "patch": _patch(single)}]}
    return [
        _kustomization("overlays/local", ["../../base"], local, "One pod of each, for kind or minikube."),
        _kustomization(
            "overlays/production",
            ["../../base", "monitoring.yaml"],
            {"configMapGenerator": [DASHBOARD]},
            "The base, its metrics and alerts for Prometheus, and a dashboard that Grafana's sidecar finds by its label.",
        ),
        dashboard.file(
            "overlays/production/intentmesh.json",
            mesh.telemetry.currency,
            older=mesh.telemetry.conventions == "older",
        ),
        alerts.file("overlays/production/intentmesh-rules.yaml"),
        _file("overlays/production/monitoring.yaml", [objects.service_monitor(mesh), objects.prometheus_rule(mesh)]),
        _kustomization(
            "overlays/gpu",
            ["../production"],
            {"patches": [{"path": "gpu.yaml"}] if _gpu_patches(mesh) else [], "namespace": space},
            "Production with the models on GPUs.",
        ),
        *([_file("overlays/gpu/gpu.yaml", _gpu_patches(mesh))] if _gpu_patches(mesh) else []),
    ]


def _gpu_patches(mesh: Mesh) -> list[Data]:
    """Strategic merge patches: the CUDA image, all layers on the GPU, and the GPU itself."""
    patches = []
    beside = [_gpu_container(mesh, each, sidecar=True) for each in pod.in_pod(mesh) if _gpus(mesh, each)]
    if beside:
        patches.append(_spec_patch(mesh, objects.GATEWAY, {"initContainers": beside}))
    patches += [
        _spec_patch(mesh, each.name, {"containers": [_gpu_container(mesh, each, sidecar=False)]})
        for each in pod.in_cluster(mesh)
        if _gpus(mesh, each)
    ]
    return patches


def _gpus(mesh: Mesh, served: pod.Served) -> int:
    own = served.model.gpus
    return mesh.kubernetes.resources.gpus if own is None else own


def _gpu_container(mesh: Mesh, served: pod.Served, *, sidecar: bool) -> Data:
    whole = pod.model_container(mesh, served, sidecar=sidecar)
    return {
        "name": served.name,
        "image": mesh.kubernetes.images.inference_cuda,
        "args": [*whole["args"], "--gpu-layers", "-1"],
        "resources": {"limits": {"nvidia.com/gpu": _gpus(mesh, served)}},
    }


def _spec_patch(mesh: Mesh, name: str, spec: Data) -> Data:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": mesh.kubernetes.namespace},
        "spec": {"template": {"spec": spec}},
    }


def _kustomization(folder: str, resources: list[str], more: Data, purpose: str) -> File:
    data = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources, **more}
    return File(f"{folder}/kustomization.yaml", to_yaml([data], head=f"{HEAD}\n{purpose}\n"))


def _patch(operations: Sequence[Mapping[str, Any]]) -> str:
    """JSON patch operations as kustomize takes them: YAML in a string."""
    return "".join(f"- {{op: {o['op']}, path: {o['path']}, value: {o['value']}}}\n" for o in operations)


def _file(path: str, documents: Sequence[Data]) -> File:
    return File(path, to_yaml(documents, NOTES, HEAD))
