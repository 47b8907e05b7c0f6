"""What Helm is asked about: the chart of a mesh with a model beside Envoy and one with pods of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from extproc.config import Mesh, parse
from extproc.render import render

Data = dict[str, Any]

MESH: Data = {
    "version": 1,
    "models": {
        "near": {"endpoints": [{"address": "127.0.0.1:8081"}], "gguf": {"demo": "general"}},
        "phi": {
            "endpoints": [{"address": "phi.intentmesh.svc.cluster.local:8080", "zone": "cluster"}],
            "gguf": {"repo": "some/model-GGUF", "file": "model.gguf"},
        },
    },
    "default_model": "near",
}
CHANGED = (
    "images.extproc=registry.example/extproc@sha256:0123",
    "replicas=3",
    "monitoring.enabled=true",
    "networkPolicies=false",
    "imagePullSecrets[0].name=registry",
    "scheduling.inference.nodeSelector.gpu=l4",
    "scheduling.inference.runtimeClass=nvidia",
)
SPACE = ("--namespace", "intentmesh")
REFUSED = {
    "a number that is none": (*SPACE, "--set=replicas=many"),
    "a name that is none": (*SPACE, "--set=replica=3"),
    "another namespace": ("--namespace", "other"),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of a mesh."""

    name: str
    mesh: Data

    def parsed(self) -> Mesh:
        """The mesh."""
        return parse(yaml.safe_dump(self.mesh))

    def files(self) -> dict[str, str]:
        """The files of the chart, by path."""
        return {file.path: file.text for file in render("helm", self.parsed())}


CHART = Chart("chart", MESH)
