"""The target `helm`: the objects of the kustomize base as a chart, with values for what differs from cluster to cluster.

What the mesh does stays in `mesh.yaml`, which the chart carries as a file: a value could not be checked against it. The same
functions make the objects; where a value goes, they are given a mark in its place, which becomes a template.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc import __version__
from extproc.render.document import File, to_yaml
from extproc.render.envoy import bootstrap
from extproc.render.kubernetes import kustomize, network, objects, pod
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.config.kubernetes import Scheduling

Data = dict[str, Any]

HEAD = "Rendered by `intentmesh render helm` from mesh.yaml: change that and render again.\n"
TEXT: Data = {"type": "string", "minLength": 1}
COUNT: Data = {"type": "integer", "minimum": 1}
SWITCH: Data = {"type": "boolean"}
MARK = re.compile(r"'@@([\w.]+?)(?::(\w+))?@@'|@@([\w.]+?)@@")
CHECKSUM = '{{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}'


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the chart."""

    path: str
    """As in `.Values.images.extproc`."""
    default: Any
    schema: Data
    why: str


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    values = list(_values(mesh))
    marked = _marked(kustomize.in_cluster(mesh))
    config = {**config_files(mesh), "envoy.yaml": bootstrap.bootstrap_file(kustomize.in_cluster(mesh), "").text}
    own = [_scheduled(data) for each in pod.in_cluster(marked) for data in kustomize.model_objects(marked, each)]
    gateway = [
        objects.service_account(marked),
        _scheduled(objects.gateway_deployment(marked)),
        objects.gateway_service(marked),
        objects.disruption_budget(marked, objects.GATEWAY, "gateway"),
        objects.autoscaler(marked, objects.GATEWAY, "gateway", least=marked.kubernetes.replicas),
    ]
    chart = {"apiVersion": "v2", "name": "intentmesh", "version": __version__, "appVersion": __version__}
    chart |= {
        "description": "Envoy, the Intentmesh processor and llama.cpp models behind one Service",
        "kubeVersion": ">=1.29.0-0",
    }
    return [
        File("Chart.yaml", to_yaml([chart], head=HEAD)),
        File("values.yaml", _values_file(values)),
        File("values.schema.json", json.dumps(_schema(values), indent=2) + "\n"),
        *(File(f"files/{name}", text) for name, text in config.items()),
        File("templates/config.yaml", _config_map(mesh, list(config))),
        File("templates/gateway.yaml", _template(gateway)),
        *([File("templates/models.yaml", _template(own))] if own else []),
        File("templates/network.yaml", _template(network.policies(marked), "networkPolicies")),
        File(
            "templates/monitoring.yaml",
            _template([objects.service_monitor(marked), objects.prometheus_rule(marked)], "monitoring.enabled"),
        ),
    ]


def _values(mesh: Mesh) -> list[Value]:
    settings = mesh.kubernetes
    images = [
        Value(f"images.{name}", getattr(settings.images, name), TEXT, f"Image of the {what}, by exact tag or digest.")
        for name, what in (("extproc", "processor"), ("inference", "models"), ("envoy", "Envoy"))
    ]
    sizes = [
        Value(
            f"resources.{name}.{key}",
            getattr(getattr(settings.resources, name), key),
            TEXT,
            f"Of each {name} container.",
        )
        for name in ("extproc", "envoy", "inference")
        for key in ("cpu", "cpu_limit", "memory")
    ]
    secrets = [{"name": name} for name in settings.image_pull_secrets]
    return [
        *images,
        *sizes,
        Value("replicas", settings.replicas, COUNT, "Gateway pods at least."),
        Value("max_replicas", settings.max_replicas, COUNT, "Pods at most, of each kind."),
        Value("imagePullSecrets", secrets, {"type": "array", "items": {"type": "object"}}, "As Kubernetes takes them."),
        *_places("gateway", settings.scheduling.gateway),
        *_places("inference", settings.scheduling.inference),
        Value("networkPolicies", True, SWITCH, "Deny all traffic but what is listed."),
        Value(
            "monitoring.enabled", False, SWITCH, "A ServiceMonitor and a PrometheusRule; needs the Prometheus operator."
        ),
        Value("monitoring.namespace", settings.monitoring, TEXT, "Where Prometheus runs."),
    ]


def _places(kind: str, where: Scheduling) -> list[Value]:
    tolerations = [each.model_dump(exclude_none=True) for each in where.tolerations]
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    return [
        Value(
            f"scheduling.{kind}.nodeSelector", dict(where.node_selector), strings, f"Labels of nodes for {kind} pods."
        ),
        Value(
            f"scheduling.{kind}.tolerations",
            tolerations,
            {"type": "array", "items": {"type": "object"}},
            "Their taints.",
        ),
        Value(f"scheduling.{kind}.runtimeClass", where.runtime_class, {"type": ["string", "null"]}, "As `nvidia`."),
    ]


def _marked(mesh: Mesh) -> Mesh:
    """The mesh with marks where values go. Not validated: a mark is no number."""

    def mark(path: str) -> Any:
        return f"@@{path}@@"

    settings = mesh.kubernetes
    images = settings.images.model_copy(update={n: mark(f"images.{n}") for n in ("extproc", "inference", "envoy")})
    sizes = {
        name: getattr(settings.resources, name).model_copy(
            update={key: mark(f"resources.{name}.{key}") for key in ("cpu", "cpu_limit", "memory")}
        )
        for name in ("extproc", "envoy", "inference")
    }
    plain = type(settings.scheduling)()
    changed = {
        "images": images,
        "resources": settings.resources.model_copy(update=sizes),
        "replicas": mark("replicas:int"),
        "max_replicas": mark("max_replicas:int"),
        "monitoring": mark("monitoring.namespace"),
        "scheduling": plain,
        "image_pull_secrets": (),
    }
    return mesh.model_copy(update={"kubernetes": settings.model_copy(update=changed)})


def _scheduled(data: Data) -> Data:
    """A Deployment with the values that say where its pods run, and new pods for a new configuration."""
    if data["kind"] != "Deployment":
        return data
    model = data["metadata"]["labels"]["app.kubernetes.io/component"] == "model"
    where = f"scheduling.{'inference' if model else 'gateway'}"
    template = data["spec"]["template"]
    template["metadata"] = {**template["metadata"], "annotations": {"checksum/config": "@@checksum@@"}}
    template["spec"] |= {
        "imagePullSecrets": "@@imagePullSecrets:json@@",
        "nodeSelector": f"@@{where}.nodeSelector:json@@",
        "tolerations": f"@@{where}.tolerations:json@@",
        "runtimeClassName": f"@@{where}.runtimeClass:json@@",
    }
    return data


def _template(documents: Sequence[Data], switch: str | None = None) -> str:
    """The documents with the marks become templates."""
    text = MARK.sub(_filled, to_yaml(documents, kustomize.NOTES, HEAD))
    return f"{{{{- if .Values.{switch} }}}}\n{text}{{{{- end }}}}\n" if switch else text


def _filled(mark: re.Match[str]) -> str:
    path, kind = mark[1] or mark[3], mark[2]
    if path == "checksum":
        return CHECKSUM
    value = f".Values.{path}"
    if mark[3]:
        return f"{{{{ {value} }}}}"
    return f"{{{{ {value} }}}}" if kind == "int" else f"{{{{ {value} | {'toJson' if kind == 'json' else 'quote'} }}}}"


def _config_map(mesh: Mesh, names: list[str]) -> str:
    """The configuration from the chart's files, and a word to who installs it elsewhere than `mesh.yaml` says."""
    space = mesh.kubernetes.namespace
    wrong = f"mesh.yaml was rendered for the namespace {space}: install there, or change kubernetes.namespace and render again"
    data = "".join(f'  {name}: |-\n{{{{ .Files.Get "files/{name}" | indent 4 }}}}\n' for name in names)
    return (
        f'{{{{- if ne .Release.Namespace "{space}" }}}}\n{{{{- fail "{wrong}" }}}}\n{{{{- end }}}}\n'
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: intentmesh\n  namespace: {space}\ndata:\n{data}"
    )


def _values_file(values: list[Value]) -> str:
    tree: Data = {}
    for value in values:
        *outer, last = value.path.split(".")
        here = tree
        for key in outer:
            here = here.setdefault(key, {})
        here[last] = value.default
    reasons = "".join(f"{value.path}: {value.why}\n" for value in values)
    return to_yaml([tree], head=f"{HEAD}\n{reasons}")


def _schema(values: list[Value]) -> Data:
    """What values may be: another name, or another type, is refused by `helm install`."""
    root: Data = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": False}
    root["properties"] = {"global": {"type": "object"}}
    for value in values:
        *outer, last = value.path.split(".")
        here = root
        for key in outer:
            new = {"type": "object", "additionalProperties": False, "properties": {}}
            here = here["properties"].setdefault(key, new)
        here["properties"][last] = {**value.schema, "description": value.why}
    return root
