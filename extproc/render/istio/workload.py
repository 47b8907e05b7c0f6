"""The Deployment patch: the processor, the models and the socket into a pod that is there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extproc.render.document import File, to_yaml
from extproc.render.kubernetes import pod
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]
CONFIG_MAP = "intentmesh"
PROXY = "istio-proxy"
PROXY_USER = 1337
STATS = ".*(ext_proc|intentmesh).*"
"""Which of the filter's counters istio-proxy is to keep: by default it drops them."""


def config_map(mesh: Mesh, namespace: str) -> Data:
    """The processor's configuration."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": namespace},
        "data": config_files(mesh),
    }


def deployment_patch(mesh: Mesh, name: str, namespace: str, *, with_models: bool, gateway: bool = False) -> Data:
    """Strategic merge patch for `kubectl patch deployment NAME --patch-file`.

    istio-proxy of an application's pod is not in its Deployment yet: annotations tell the injector. A gateway's is, injected or
    not, and gets the socket by its name.
    """
    served = list(pod.in_pod(mesh)) if with_models else []
    fetching = [_unproxied(container) for each in served if (container := pod.fetch_container(mesh, each))]
    models = [_probed_inside(pod.model_container(mesh, each, sidecar=True)) for each in served]
    processor = _probed_inside(pod.processor_container(mesh))
    volumes = [pod.config_volume(CONFIG_MAP), *pod.shared_volumes(), *pod.audit_volumes(mesh)]
    volumes += pod.model_volumes(mesh, served)
    mount = [{"name": pod.SOCKET_VOLUME, "mountPath": pod.SOCKET_FOLDER}]
    annotations = {"sidecar.istio.io/statsInclusionRegexps": STATS}
    if not gateway:
        annotations |= {
            "sidecar.istio.io/nativeSidecar": "true",
            "sidecar.istio.io/userVolumeMount": json.dumps(mount),
        }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {
                    **({"containers": [{"name": PROXY, "volumeMounts": mount}]} if gateway else {}),
                    "initContainers": [*fetching, processor, *models],
                    "volumes": volumes,
                },
            }
        },
    }


def component_file(head: str, resources: list[str]) -> File:
    """A kustomize Component: for whoever keeps the workload in git, where a `kubectl patch` would be undone."""
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": [f"../{name}" for name in resources],
        "patches": [{"path": "../deployment-patch.yaml"}],
    }
    purpose = (
        "For your own kustomization: `components: [.../component]` instead of `kubectl patch` and `kubectl apply`."
    )
    return File("component/kustomization.yaml", to_yaml([component], head=f"{head}\n{purpose}\n"))


def gateway_parameters(change: Data) -> Data:
    """The same patch as istiod takes it for a gateway that it makes itself (Istio 1.24 and later)."""
    spec = {"spec": change["spec"]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "intentmesh-gateway", "namespace": change["metadata"]["namespace"]},
        "data": {"deployment": json.dumps(spec, indent=1)},
    }


def _probed_inside(container: Data) -> Data:
    """The container with its probes run in it.

    The injector hands HTTP probes to istio-proxy. Where that is no sidecar of Kubernetes' own kind, it starts after these
    containers, which would wait for it for ever.
    """
    return {name: _inside(value) if name.endswith("Probe") else value for name, value in container.items()}


def _inside(probe: Data) -> Data:
    request = probe["httpGet"]
    url = f"http://127.0.0.1:{request['port']}{request['path']}"
    code = f"from urllib.request import urlopen; urlopen('{url}', timeout={probe['timeoutSeconds']})"
    rest = {name: value for name, value in probe.items() if name != "httpGet"}
    return {"exec": {"command": ["python", "-c", code]}, **rest, "timeoutSeconds": probe["timeoutSeconds"] + 2}


def _unproxied(container: Data) -> Data:
    """The container as a user whose traffic Istio leaves alone: before istio-proxy runs, all other traffic goes nowhere."""
    return {**container, "securityContext": {**container["securityContext"], "runAsUser": PROXY_USER}}
