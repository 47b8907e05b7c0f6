"""Where the mesh runs in a cluster: names, images, sizes, and the workload that it is plugged into."""

from __future__ import annotations

from pydantic import Field

from extproc.config.section import Section


class Images(Section):
    """Container images, by exact tag or digest."""

    extproc: str = "intentmesh/extproc:0.1.0"
    """Built from this project's Dockerfile; put your registry in front."""
    inference: str = "intentmesh/inference:0.1.0"
    inference_cuda: str = "intentmesh/inference-cuda:0.1.0"
    envoy: str = "envoyproxy/envoy:distroless-v1.40.0"


class Workload(Section):
    """The application that gets the sidecar."""

    name: str = "app"
    """Name of its Deployment."""
    namespace: str = "default"
    labels: dict[str, str] = Field(default_factory=lambda: {"app": "app"})
    """Labels of its pods."""
    port: int = Field(default=8000, gt=0, lt=65536)
    """Port on which it is called; the port's name in its Service starts with `http`, or Istio sees no HTTP there."""


class GatewayRef(Section):
    """A gateway that is there already."""

    name: str = "gateway"
    namespace: str = "istio-system"
    labels: dict[str, str] = Field(default_factory=lambda: {"istio": "ingressgateway"})
    """Labels of the gateway's pods (Istio)."""


class KubernetesSettings(Section):
    """The `kubernetes` section."""

    namespace: str = "intentmesh"
    images: Images = Field(default_factory=Images)
    host: str = "models.intentmesh.svc.cluster.local"
    """Host name under which applications call a model, whichever answers."""
    port: int = Field(default=8080, gt=0, lt=65536)
    """Port of that name."""
    workload: Workload = Field(default_factory=Workload)
    gateway: GatewayRef = Field(default_factory=GatewayRef)
    replicas: int = Field(default=2, ge=1)
    max_replicas: int = Field(default=10, ge=1)
    model_storage: str = "8Gi"
    """Size of the volume that holds a pod's model files."""
