"""Kubernetes' own judgement without a cluster: custom kinds by their CRDs, built-in kinds by the published schemas.

Strict: a field that the schema does not know is a mistake, where an API server would drop it without a word.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from referencing import Registry, Resource

ROOT = Path(__file__).parents[3]
CRDS = ROOT.parent / "shared" / "data" / "crds"
GROUPS = {
    "networking.istio.io": "istio.yaml",
    "security.istio.io": "istio.yaml",
    "gateway.networking.k8s.io": "gateway-api_{plural}.yaml",
    "gateway.envoyproxy.io": "envoy-gateway_{plural}.yaml",
}
PLURALS = {"BackendTrafficPolicy": "backendtrafficpolicies", "ClientTrafficPolicy": "clienttrafficpolicies",
           "EnvoyExtensionPolicy": "envoyextensionpolicies", "HTTPRoute": "httproutes", "Backend": "backends",
           "ReferenceGrant": "referencegrants", "SecurityPolicy": "securitypolicies"}  # fmt: skip
KUBERNETES = "1.31.0"
META = {"type": "object"}
SERVICE_MONITOR = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": META,
        "spec": {
            "type": "object",
            "required": ["selector", "endpoints"],
            "additionalProperties": False,
            "properties": {
                "selector": {"type": "object", "properties": {"matchLabels": {"type": "object"}}},
                "endpoints": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {key: {"type": "string"} for key in ("port", "path", "interval")},
                    },
                },
            },
        },
    },
}
"""The part of the operator's schema that we use: its CRD is not at hand."""
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
RULE = {
    "type": "object",
    "required": ["expr"],
    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
    "additionalProperties": False,
    "properties": {
        **{key: {"type": "string"} for key in ("alert", "record", "expr", "for", "keep_firing_for")},
        "labels": STRINGS,
        "annotations": STRINGS,
    },
}
PROMETHEUS_RULE = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["groups"],
            "additionalProperties": False,
            "properties": {
                "groups": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "rules"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "interval": {"type": "string"},
                            "rules": {"type": "array", "items": RULE},
                        },
                    },
                }
            },
        }
    },
}
"""Likewise."""


def problems(data: dict[str, Any]) -> list[str]:
    """What is wrong with one object; empty: nothing."""
    group, _, version = data["apiVersion"].rpartition("/")
    if group == "monitoring.coreos.com":
        return _against(PROMETHEUS_RULE if data["kind"] == "PrometheusRule" else SERVICE_MONITOR, data)
    if group in GROUPS:
        return _against(crd_schema(group, data["kind"], version), data)
    if group == "kustomize.config.k8s.io":
        return []  # kubectl judges these
    errors = _built_in(data["kind"].lower(), data["apiVersion"]).iter_errors(data)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@cache
def _built_in(kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    """The package's own function reads ten megabytes of definitions for every object; here it is once."""
    group, _, version = api_version.rpartition("/")
    name = f"{kind}-{group.partition('.')[0]}-{version}" if group else f"{kind}-{version}"
    registry = _definitions()
    schema = _schema_file(f"{name}.json")
    registry = Resource.from_contents(schema) @ registry
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _definitions() -> Registry:
    return (Resource.from_contents(_schema_file("_definitions.json")) @ Registry()).crawl()


def _schema_file(name: str) -> Any:
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{KUBERNETES}-local-strict"
    return json.loads((folder / name).read_text())


@cache
def crd_schema(group: str, kind: str, version: str) -> dict[str, Any]:
    """The schema of a custom kind, made strict."""
    file = CRDS / GROUPS[group].format(plural=PLURALS.get(kind, ""))
    for document in _documents(file):
        if document["spec"]["names"]["kind"] == kind:
            found = next(v for v in document["spec"]["versions"] if v["name"] == version)
            schema: dict[str, Any] = _strict(found["schema"]["openAPIV3Schema"])
            schema["properties"].update(apiVersion={"type": "string"}, kind={"type": "string"}, metadata=META)
            return schema
    raise LookupError(f"{file} has no {kind}")


@cache
def _documents(file: Path) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [d for d in yaml.load_all(file.read_text(), Loader=loader) if d]


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    strict = {key: _strict(value) for key, value in schema.items() if key not in ("description", "default", "format")}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        strict["properties"] = {key: _strict(value) for key, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            strict["additionalProperties"] = False
    return strict


def _against(schema: dict[str, Any], data: dict[str, Any]) -> list[str]:
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]
