"""The targets of `intentmesh render`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.errors import ConfigError
from extproc.render import envoy_gateway, linkerd
from extproc.render.envoy import bootstrap
from extproc.render.istio import gateway, sidecar
from extproc.render.kubernetes import helm, kustomize

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.render.document import File


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be rendered."""

    files: Callable[[Mesh], list[File]]
    folder: str
    """Where its files are kept in a project, if no other folder is named."""


TARGETS: dict[str, Target] = {
    "envoy": Target(bootstrap.render, "envoy"),
    "istio-sidecar": Target(sidecar.render, "k8s/istio-sidecar"),
    "istio-gateway": Target(gateway.render, "k8s/istio-gateway"),
    "envoy-gateway": Target(envoy_gateway.render, "k8s/envoy-gateway"),
    "linkerd": Target(linkerd.render, "k8s/linkerd"),
    "kubernetes": Target(kustomize.render, "k8s"),
    "helm": Target(helm.render, "k8s/helm"),
}


_WITHOUT_FALLBACK = ("istio-sidecar", "istio-gateway", "envoy-gateway", "linkerd")


_WITHOUT_SIGNING = ("istio-sidecar", "istio-gateway", "envoy-gateway")


def render(target: str, mesh: Mesh) -> list[File]:
    """The files of one target, their paths relative to its folder. Raises ConfigError for what it cannot be rendered for."""
    failing_over = next((name for name, model in mesh.models.items() if model.fallback), None)
    if target in _WITHOUT_FALLBACK and failing_over is not None:
        raise ConfigError(
            f"{target}: `fallback` of the model `{failing_over}` needs internal listeners, which are rendered for plain "
            "Envoys only: leave it out, or render `envoy` or `kubernetes`"
        )
    signed = [name for name, model in mesh.models.items() if model.platform is not None and model.platform.bedrock]
    if target in _WITHOUT_SIGNING and signed:
        raise ConfigError(
            f"{target}: `{signed[0]}` is Bedrock's, whose requests a plain Envoy signs; nothing here would"
        )
    return TARGETS[target].files(mesh)
