"""The target `envoy-gateway`: Envoy Gateway's kinds, with the processor as a Service behind its proxies.

Routes and policies live where the Gateway does: a listener takes routes of its own namespace, unless told otherwise. The
processor and the models live in ours, and a ReferenceGrant lets the Gateway's namespace refer to them. Models are named by
their Services; a Backend, which Envoy Gateway takes only where `extensionApis.enableBackend` is on, stands for what is none: an
endpoint beyond the cluster, and a standby.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy_gateway.policies import (
    PROCESSOR_PORT,
    client_policy,
    extension_policy,
    security_policy,
    traffic_policy,
)
from extproc.render.envoy_gateway.routes import backends, routes
from extproc.render.kubernetes import kustomize, network, objects, services
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "Rendered by `intentmesh render envoy-gateway` from mesh.yaml: change that and render again.\n"
NOTES = (
    *kustomize.NOTES,
    Note("processingMode.request", "The decision needs the whole body, and Envoy can re-route only while it holds it."),
    Note("processingMode.allowModeOverride", "Lets the processor leave out what it need not read."),
    Note("extProc.failOpen", "Closed: without the processor a request gets an error, and is never sent on unmasked."),
    Note("extProc.messageTimeout", "limits.deadline_ms and a margin: the processor answers first."),
    Note("extProc.metadata", "For access logs: %DYNAMIC_METADATA(intentmesh:model)%"),
    Note("connection.bufferLimit", "limits.max_body_bytes; Envoy Gateway's own 32 KiB would answer 413."),
    Note("headers.earlyRequestHeaders", "A client must not choose its model."),
    Note("spec.fallback", "Used when nothing before it is healthy."),
    Note("healthCheck.panicThreshold", "Never send to endpoints that are known to be down, even if all are."),
    Note("spec.rules", "The rule with more headers wins: bounded requests never meet a rule without a bound."),
)


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    mesh = services.as_services(kustomize.in_cluster(mesh))
    by_model = routes(mesh)
    every_route = [route for some in by_model.values() for route in some]
    behind = [data for name, model in mesh.models.items() for data in backends(mesh, name, model)]
    policies = [traffic_policy(mesh, name, model, by_model[name]) for name, model in mesh.models.items()]
    grant = [_grant(mesh)] if mesh.kubernetes.gateway.namespace != mesh.kubernetes.namespace else []
    return [
        kustomize.resources_file(HEAD, ["models.yaml", "processor.yaml", "policy.yaml", "routes.yaml"]),
        _file("processor.yaml", [*_processor(mesh), *grant], "The processor, as a Service."),
        _file(
            "policy.yaml",
            [client_policy(mesh), *security_policy(mesh), extension_policy(mesh)],
            "The filter, and what it needs of Envoy.",
        ),
        _file("routes.yaml", [*every_route, *behind, *policies], "Who gets which request, and how models are treated."),
        *services.model_files(mesh, HEAD),
    ]


def _processor(mesh: Mesh) -> list[Data]:
    over_tcp = mesh.processor.model_copy(update={"address": f"0.0.0.0:{PROCESSOR_PORT}", "workers": 1})
    served = mesh.model_copy(update={"processor": over_tcp})
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "intentmesh", "namespace": mesh.kubernetes.namespace},
        "data": config_files(served),
    }
    return [
        config,
        objects.processor_deployment(mesh, PROCESSOR_PORT),
        objects.processor_service(mesh, PROCESSOR_PORT),
        objects.disruption_budget(mesh, objects.PROCESSOR, "processor"),
        objects.autoscaler(mesh, objects.PROCESSOR, "processor", least=mesh.kubernetes.replicas),
        network.processor_policy(mesh, PROCESSOR_PORT),
    ]


def _grant(mesh: Mesh) -> Data:
    """Lets routes and policies of the Gateway's namespace refer to our Services."""
    space = mesh.kubernetes.gateway.namespace
    kinds = (("gateway.networking.k8s.io", "HTTPRoute"), ("gateway.envoyproxy.io", "EnvoyExtensionPolicy"))
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": "intentmesh", "namespace": mesh.kubernetes.namespace},
        "spec": {
            "from": [{"group": group, "kind": kind, "namespace": space} for group, kind in kinds],
            "to": [{"group": "", "kind": "Service"}],
        },
    }


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
