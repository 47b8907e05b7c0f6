"""The target `linkerd`: our Envoy and processor as a meshed gateway, since Linkerd's own proxy takes no ext_proc.

Envoy masks and decides, and sends every request on to one Service. Beyond it Linkerd routes by header: with its own
encryption, balancing, retries and circuit breaking between gateway and models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.models import ZONES, Endpoint
from extproc.config.traffic import Health
from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy import bootstrap
from extproc.render.envoy.groups import parts
from extproc.render.kubernetes import kustomize, objects, pod, services
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.models import Model, Zone

Data = dict[str, Any]

APEX = "intentmesh-models"
PORT = 8080
HEAD = "Rendered by `intentmesh render linkerd` from mesh.yaml: change that and render again.\n"
NOTES = (
    *kustomize.NOTES,
    Note("metadata.annotations.balancer.linkerd.io/failure-accrual", "Circuit breaking: ejection.consecutive_5xx."),
    Note("metadata.annotations.linkerd.io/inject", "Every pod of the namespace is meshed."),
    Note("spec.rules", "The rule with more headers wins: bounded requests never meet a rule without a bound."),
)


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    behind = services.as_services(kustomize.in_cluster(mesh))
    front = _front(behind)
    namespace = objects.namespace(mesh)
    namespace["metadata"]["annotations"] = {"linkerd.io/inject": "enabled"}
    # Linkerd's proxy is put in by an init container, or by its CNI plug-in, which the strictest standard needs.
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "privileged"}
    gateway = [
        objects.service_account(mesh),
        objects.gateway_deployment(front),
        objects.gateway_service(front),
        objects.disruption_budget(mesh, objects.GATEWAY, "gateway"),
        objects.autoscaler(mesh, objects.GATEWAY, "gateway", least=mesh.kubernetes.replicas),
    ]
    models = [data for each in pod.in_cluster(behind) for data in kustomize.model_objects(behind, each)]
    config = config_files(mesh)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["namespace.yaml", "gateway.yaml", "models.yaml", "routes.yaml"],
        "configMapGenerator": [kustomize.config_map_generator(mesh, [*config, "envoy.yaml"])],
    }
    return [
        _file("kustomization.yaml", [kustomization], "kubectl apply -k ."),
        _file("namespace.yaml", [namespace], "The namespace."),
        _file("gateway.yaml", gateway, "Envoy and the processor."),
        _file("models.yaml", [_with_accrual(behind, data) for data in models], "The models."),
        _file("routes.yaml", [_apex(mesh), _route(behind)], "The Service that Envoy calls, and Linkerd's routes."),
        *(File(name, text) for name, text in config.items()),
        bootstrap.bootstrap_file(front, "envoy.yaml"),
    ]


def _front(mesh: Mesh) -> Mesh:
    """The mesh as Envoy sees it: what is in the cluster is one Service; only encrypted endpoints beyond are its own."""
    space = mesh.kubernetes.namespace
    apex = Endpoint(address=f"{APEX}.{space}.svc.cluster.local:{PORT}", zone="cluster")
    models = {}
    for name, model in mesh.models.items():
        beyond = tuple(e for e in model.every_endpoint() if e.tls)
        inside = (apex,) if len(beyond) < len(model.every_endpoint()) else ()
        # Linkerd splits, mirrors nothing, and checks by what it sees: here the Service itself cannot be checked.
        update: Data = {
            "endpoints": (*inside, *beyond),
            "versions": {},
            "mirror": None,
            "health": Health(enabled=False),
        }
        models[name] = model.model_copy(update=update)
    return mesh.model_copy(update={"models": models})


def _apex(mesh: Mesh) -> Data:
    """A Service for HTTPRoutes to attach to; every request to it is matched by one of them."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": APEX, "namespace": mesh.kubernetes.namespace},
        "spec": {
            "ports": [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP", "appProtocol": "http"}]
        },
    }


def _route(mesh: Mesh) -> Data:
    rules = [rule for name, model in mesh.models.items() for rule in _rules(mesh, name, model)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": APEX, "namespace": mesh.kubernetes.namespace},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": APEX, "port": PORT}], "rules": rules},
    }


def _rules(mesh: Mesh, name: str, model: Model) -> list[Data]:
    rules = []
    for bound in reversed(ZONES):
        headers = [{"name": MODEL_HEADER, "value": name}]
        if bound != "external":
            headers.append({"name": RESIDENCY_HEADER, "value": bound})
        for key, version in model.versions.items():
            if version.headers:
                asked = [{"name": header, "value": value} for header, value in version.headers.items()]
                rules.append({"matches": [{"headers": [*headers, *asked]}], **_backends(mesh, name, model, bound, key)})
        rules.append({"matches": [{"headers": headers}], **_backends(mesh, name, model, bound, None)})
    return rules


def _backends(mesh: Mesh, name: str, model: Model, bound: Zone, version: str | None) -> Data:
    """The Services of one model within a bound; without any, the answer is 500: refused."""
    refs = []
    for key, part in parts(name, model).items():
        weight = model.versions[key].weight if key and version is None else 1
        if version not in (None, key) or not weight:
            continue
        # Linkerd knows no priorities: the nearest zone takes all, and Envoy goes beyond it when that fails.
        for group in part.within(bound)[:1]:
            refs += [_ref(mesh, e, weight) for e in group.endpoints if not e.tls]
    return {"backendRefs": refs} if refs else {}


def _ref(mesh: Mesh, endpoint: Endpoint, weight: int) -> Data:
    service, _, domain = endpoint.hostname.partition(".")
    space = domain.partition(".")[0]
    other = {"namespace": space} if space and space != mesh.kubernetes.namespace else {}
    return {"name": service, **other, "port": endpoint.port, "weight": weight}


def _with_accrual(mesh: Mesh, data: Data) -> Data:
    """A model's Service with Linkerd's annotations for circuit breaking and retries."""
    name = data["metadata"]["name"]
    served = next((each for each in pod.in_cluster(mesh) if each.name == name), None)
    if data["kind"] != "Service" or served is None:
        return data
    annotations = {}
    ejection, retries = served.model.ejection, served.model.retries
    if ejection.enabled:
        annotations["balancer.linkerd.io/failure-accrual"] = "consecutive"
        annotations["balancer.linkerd.io/failure-accrual-consecutive-max-failures"] = str(ejection.consecutive_5xx)
        annotations["balancer.linkerd.io/failure-accrual-consecutive-min-penalty"] = f"{ejection.base_s:g}s"
    if retries.attempts:
        annotations["retry.linkerd.io/http"] = "5xx"
        annotations["retry.linkerd.io/limit"] = str(retries.attempts)
    return {**data, "metadata": {**data["metadata"], "annotations": annotations}}


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
