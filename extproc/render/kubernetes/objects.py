"""The Kubernetes objects of the mesh as a gateway of its own, and of models with pods of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render import alerts
from extproc.render.kubernetes import pod
from extproc.render.kubernetes.pod import PROBE_PORT, PROCESSOR_PORT

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.render.kubernetes.pod import Served

Data = dict[str, Any]

GATEWAY = "intentmesh"
PROCESSOR = "intentmesh-processor"


def labels(component: str, name: str = "intentmesh") -> dict[str, str]:
    """Recommended labels; `component` and `name` select a workload's pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": component}


def metadata(mesh: Mesh, name: str, component: str, app: str = "intentmesh") -> Data:
    """Name, namespace and labels."""
    return {
        "name": name,
        "namespace": mesh.kubernetes.namespace,
        "labels": {**labels(component, app), "app.kubernetes.io/part-of": "intentmesh"},
    }


def namespace(mesh: Mesh) -> Data:
    """The namespace, which admits only pods that keep to the strictest standard."""
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": mesh.kubernetes.namespace, "labels": enforced},
    }


def service_account(mesh: Mesh) -> Data:
    """An account without any right: nothing in the pods talks to the API server."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(mesh, GATEWAY, "gateway"),
        "automountServiceAccountToken": False,
    }


def gateway_deployment(mesh: Mesh) -> Data:
    """Envoy, the processor, and the models that run beside them."""
    served = list(pod.in_pod(mesh))
    fetching = [container for each in served if (container := pod.fetch_container(mesh, each))]
    models = [pod.model_container(mesh, each, sidecar=True) for each in served]
    volumes = [pod.config_volume(), *pod.shared_volumes(), *pod.audit_volumes(mesh)]
    volumes += pod.model_volumes(mesh, served)
    template = _template(
        labels("gateway"),
        {
            **pod.scheduled(mesh, mesh.kubernetes.scheduling.gateway),
            # Sidecars start in this order and stop in the other one, after Envoy: no request finds them gone.
            "initContainers": [*fetching, pod.processor_container(mesh), *models],
            "containers": [pod.envoy_container(mesh)],
            "volumes": volumes,
            "terminationGracePeriodSeconds": int(mesh.processor.grace_s) + 30,
        },
    )
    return _deployment(mesh, GATEWAY, "gateway", template)


def model_deployment(mesh: Mesh, served: Served) -> Data:
    """One model with pods of its own."""
    fetching = pod.fetch_container(mesh, served)
    template = _template(
        labels("model", served.name),
        {
            **pod.scheduled(mesh, mesh.kubernetes.scheduling.inference),
            **({"initContainers": [fetching]} if fetching else {}),
            "containers": [pod.model_container(mesh, served, sidecar=False)],
            "volumes": [pod.shared_volumes()[1], *pod.model_volumes(mesh, [served])],
            "terminationGracePeriodSeconds": 45,
        },
    )
    return _deployment(mesh, served.name, "model", template, app=served.name)


def processor_deployment(mesh: Mesh, port: int) -> Data:
    """The processor with pods of its own, for gateways that reach it over TCP."""
    container = {key: value for key, value in pod.processor_container(mesh).items() if key != "restartPolicy"}
    container["args"] = ["serve", f"{pod.CONFIG_FOLDER}/mesh.yaml", "--admin", f"0.0.0.0:{PROCESSOR_PORT}"]
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": pod.LEARNS_S}}}
    container["ports"] = [{"name": "grpc", "containerPort": port, "protocol": "TCP"}, *container["ports"]]
    container["volumeMounts"] = [m for m in container["volumeMounts"] if m["name"] != pod.SOCKET_VOLUME]
    template = _template(
        labels("processor"),
        {
            **pod.scheduled(mesh, mesh.kubernetes.scheduling.gateway),
            "containers": [container],
            "volumes": [pod.config_volume(), pod.shared_volumes()[1], *pod.audit_volumes(mesh)],
            "terminationGracePeriodSeconds": int(mesh.processor.grace_s) + 15 + pod.LEARNS_S,
        },
    )
    return _deployment(mesh, PROCESSOR, "processor", template)


def processor_service(mesh: Mesh, port: int) -> Data:
    """Where gateways find the processor."""
    ports = [
        {"name": "grpc", "port": port, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
        {"name": "metrics", "port": PROCESSOR_PORT, "targetPort": "metrics", "protocol": "TCP"},
    ]
    return _service(mesh, PROCESSOR, "processor", labels("processor"), ports)


def gateway_service(mesh: Mesh) -> Data:
    """Where applications call."""
    ports = [
        {"name": "http", "port": mesh.kubernetes.port, "targetPort": "http", "protocol": "TCP"},
        {"name": "metrics", "port": PROCESSOR_PORT, "targetPort": "metrics", "protocol": "TCP"},
        {"name": "envoy-metrics", "port": PROBE_PORT, "targetPort": "envoy-metrics", "protocol": "TCP"},
    ]
    return _service(mesh, service_name(mesh), "gateway", labels("gateway"), ports)


def service_name(mesh: Mesh) -> str:
    """Name of the Service behind `kubernetes.host`, where that is a Service of our namespace."""
    name, _, domain = mesh.kubernetes.host.partition(".")
    space = mesh.kubernetes.namespace
    return name if domain in ("", space, f"{space}.svc", f"{space}.svc.cluster.local") else GATEWAY


def model_service(mesh: Mesh, served: Served) -> Data:
    """Where the gateway finds a model with pods of its own."""
    ports = [{"name": "http", "port": served.port, "targetPort": served.port, "protocol": "TCP"}]
    return _service(mesh, served.name, "model", labels("model", served.name), ports, app=served.name)


def disruption_budget(mesh: Mesh, name: str, component: str, app: str = "intentmesh") -> Data:
    """Draining a node takes one pod at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(mesh, name, component, app),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels(component, app)}},
    }


def autoscaler(mesh: Mesh, name: str, component: str, app: str = "intentmesh", *, least: int) -> Data:
    """More pods where their CPUs are busy; fewer only after five quiet minutes."""
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(mesh, name, component, app),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": least,
            "maxReplicas": mesh.kubernetes.max_replicas,
            "metrics": [cpu],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }


def service_monitor(mesh: Mesh) -> Data:
    """Prometheus (its operator) reads the processor's metrics and Envoy's."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": metadata(mesh, GATEWAY, "gateway"),
        "spec": {
            "selector": {"matchLabels": labels("gateway")},
            "endpoints": [
                {"port": "metrics", "path": "/metrics", "interval": "15s"},
                {"port": "envoy-metrics", "path": "/stats/prometheus", "interval": "15s"},
            ],
        },
    }


def prometheus_rule(mesh: Mesh) -> Data:
    """Alerts and objectives, for Prometheus' operator."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata(mesh, GATEWAY, "gateway"),
        "spec": {"groups": alerts.groups()},
    }


def _deployment(mesh: Mesh, name: str, component: str, template: Data, *, app: str = "intentmesh") -> Data:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(mesh, name, component, app),
        "spec": {
            "selector": {"matchLabels": labels(component, app)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": template,
        },
    }


def _template(pod_labels: Data, spec: Data) -> Data:
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": pod_labels},
    }
    return {
        "metadata": {"labels": {**pod_labels, "app.kubernetes.io/part-of": "intentmesh"}},
        "spec": {
            "serviceAccountName": GATEWAY,
            "automountServiceAccountToken": False,
            # Kubernetes' variables for Services would be taken for settings.
            "enableServiceLinks": False,
            "securityContext": pod.pod_security(),
            "topologySpreadConstraints": [spread],
            **spec,
        },
    }


def _service(
    mesh: Mesh, name: str, component: str, selector: Data, ports: list[Data], *, app: str = "intentmesh"
) -> Data:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(mesh, name, component, app),
        "spec": {"type": "ClusterIP", "selector": selector, "ports": ports},
    }
