"""Models for gateways that are not in their pod: each is a Deployment and a Service of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.render.document import File, to_yaml
from extproc.render.kubernetes import objects, pod
from extproc.render.kubernetes.kustomize import NOTES, model_objects

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model, Version


def as_services(mesh: Mesh) -> Mesh:
    """The mesh with every endpoint on loopback become a Service in the mesh's namespace."""
    models = {name: _model(mesh, name, model) for name, model in mesh.models.items()}
    return mesh.model_copy(update={"models": models})


def model_files(mesh: Mesh, head: str) -> list[File]:
    """The namespace, the models' Deployments and Services, and what may talk to them."""
    documents = [objects.namespace(mesh), objects.service_account(mesh)]
    documents += [data for each in pod.in_cluster(mesh) for data in model_objects(mesh, each)]
    return [File("models.yaml", to_yaml(documents, NOTES, f"{head}\nThe models, one Deployment and Service each.\n"))]


def _model(mesh: Mesh, name: str, model: Model) -> Model:
    versions = {
        key: version.model_copy(update={"endpoints": _endpoints(mesh, f"{name}-{key}", version)})
        for key, version in model.versions.items()
    }
    return model.model_copy(update={"endpoints": _endpoints(mesh, name, model), "versions": versions})


def _endpoints(mesh: Mesh, name: str, section: Model | Version) -> tuple[Endpoint, ...]:
    host = f"{name}.{mesh.kubernetes.namespace}.svc.cluster.local"
    endpoints = []
    for endpoint in section.endpoints:
        if pod.is_loopback(endpoint) and endpoint.zone == "pod":
            address = f"{host}:{endpoint.port}"
            endpoints.append(endpoint.model_copy(update={"address": address, "zone": "cluster"}))
        else:
            endpoints.append(endpoint)
    return tuple(endpoints)
