"""Where the mesh runs in a cluster: names, images, sizes, and the workload that it is plugged into."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from extproc.config.hosts import InterceptedHost
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
    """Port of the server on which the hosts are called."""
    proxies: str = "envoy-gateway-system"
    """Namespace in which Envoy Gateway runs its proxies."""


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


class Toleration(Section):
    """A taint that pods may stand on, as Kubernetes writes it."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Scheduling(Section):
    """Where pods may run."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node must have, as `nvidia.com/gpu.product: NVIDIA-L4`."""
    tolerations: tuple[Toleration, ...] = ()
    runtime_class: str | None = None
    """As `nvidia`, where the cluster's default runtime shows no GPUs."""


class Pods(Section):
    """Where the pods of each kind may run. Models beside Envoy run where Envoy does."""

    gateway: Scheduling = Field(default_factory=Scheduling)
    inference: Scheduling = Field(default_factory=Scheduling)


class KubernetesSettings(Section):
    """The `kubernetes` section."""

    namespace: str = "intentmesh"
    monitoring: str = "monitoring"
    """Namespace of the Prometheus that reads metrics."""
    images: Images = Field(default_factory=Images)
    host: str = "models.intentmesh.svc.cluster.local"
    """Host name under which applications call a model, whichever answers."""
    port: int = Field(default=8080, gt=0, lt=65536)
    """Port of that name."""
    intercept: tuple[InterceptedHost, ...] = ()
    """Hosts that applications call today, besides `host`: what no route takes goes on to them."""
    workload: Workload = Field(default_factory=Workload)
    gateway: GatewayRef = Field(default_factory=GatewayRef)
    resources: AllResources = Field(default_factory=AllResources)
    image_pull_secrets: tuple[str, ...] = ()
    """Secrets of the namespace with which images are pulled."""
    scheduling: Pods = Field(default_factory=Pods)
    replicas: int = Field(default=2, ge=1)
    max_replicas: int = Field(default=10, ge=1)
    model_storage: str = "8Gi"
    """Size of the volume that holds a pod's model files."""
    audit_claim: str | None = None
    """PersistentVolumeClaim for the audit trail, where there is one; each pod has a folder of its own in it. Default: the pod's
    own disk, which goes with the pod: send the lines on (`telemetry.audit.ship`)."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        places = [(each.host.lower(), each.port) for each in self.intercepted()]
        if twice := next((place for place in places if places.count(place) > 1), None):
            raise ValueError(f"`intercept` names {twice[0]}:{twice[1]} twice")
        return self

    def intercepted(self) -> tuple[InterceptedHost, ...]:
        """Every host that is intercepted: those of `intercept`, and `host` unless they stand in its place."""
        own = () if self.intercept and "host" not in self.model_fields_set else (self.model_host(),)
        return (*own, *self.intercept)

    def model_host(self) -> InterceptedHost:
        """The host that stands for all models, and for nothing else."""
        return InterceptedHost(host=self.host, port=self.port)
