"""The Deployment patch: the processor, the models and the socket into a pod that is there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extproc.render.kubernetes import pod
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]
CONFIG_MAP = "intentmesh"


def config_map(mesh: Mesh, namespace: str) -> Data:
    """The processor's configuration."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": namespace},
        "data": config_files(mesh),
    }


def deployment_patch(mesh: Mesh, name: str, namespace: str, *, with_models: bool) -> Data:
    """Strategic merge patch for `kubectl patch deployment NAME --patch-file`."""
    served = list(pod.in_pod(mesh)) if with_models else []
    fetching = [container for each in served if (container := pod.fetch_container(mesh, each))]
    models = [pod.model_container(mesh, each, sidecar=True) for each in served]
    volumes = [pod.config_volume(CONFIG_MAP), *pod.shared_volumes()]
    volumes += pod.model_volumes(mesh, served)
    mount = [{"name": pod.SOCKET_VOLUME, "mountPath": pod.SOCKET_FOLDER}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {
                "metadata": {"annotations": {"sidecar.istio.io/userVolumeMount": json.dumps(mount)}},
                "spec": {
                    "initContainers": [*fetching, pod.processor_container(mesh), *models],
                    "volumes": volumes,
                },
            }
        },
    }
