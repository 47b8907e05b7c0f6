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
    deployment: str = "istio-ingressgateway"
    """Name of the Deployment of its pods (Istio)."""
    labels: dict[str, str] = Field(default_factory=lambda: {"istio": "ingressgateway"})
    """Labels of its pods (Istio)."""
    port: int = Field(default=80, gt=0, lt=65536)
    """Port of the server on which `kubernetes.host` is called."""


class Resources(Section):
    """What one container asks for and may take."""

    cpu: str = "500m"
    cpu_limit: str = "2"
    memory: str = "512Mi"
    """Asked for and limit: memory that is promised is not taken back."""


class AllResources(Section):
    """Sizes of the containers."""

    extproc: Resources = Field(default_factory=lambda: Resources(cpu="500m", cpu_limit="2", memory="1Gi"))
    envoy: Resources = Field(default_factory=lambda: Resources(cpu="250m", cpu_limit="2", memory="512Mi"))
    inference: Resources = Field(default_factory=lambda: Resources(cpu="1", cpu_limit="4", memory="4Gi"))
    gpus: int = Field(default=1, ge=1)
    """GPUs of one inference container, where the overlay `gpu` is used."""


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
    resources: AllResources = Field(default_factory=AllResources)
    replicas: int = Field(default=2, ge=1)
    max_replicas: int = Field(default=10, ge=1)
    model_storage: str = "8Gi"
    """Size of the volume that holds a pod's model files."""
