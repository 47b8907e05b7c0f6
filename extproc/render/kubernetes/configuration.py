"""The processor's files for a ConfigMap: mesh.yaml as it was set, and the example files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.config.references import as_written
from extproc.errors import ConfigError
from extproc.render.document import to_yaml

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "From mesh.yaml, by `intentmesh render`: what was set there, without its comments.\n"
NAMES_FOLDER = "/etc/intentmesh-names"
HASH_KEY_VARIABLE = "INTENTMESH_HASH_KEY"
AUDIT_KEY_VARIABLE = "INTENTMESH_AUDIT_KEY"
AUDIT_FOLDER = "/var/log/intentmesh"
OF_THE_POD = {"NAMESPACE": "metadata.namespace", "SERVICE_ACCOUNT": "spec.serviceAccountName"}
"""What `identity.workload` may ask of the pod -> where Kubernetes tells it."""
SECRET = "intentmesh"  # noqa: S105 - the name of one


def config_files(mesh: Mesh) -> dict[str, str]:
    """File name -> text; `mesh.yaml` among them, whose paths are those beside it. Raises ConfigError for a missing file."""
    data: Data = as_written(mesh, mesh.model_dump(mode="json", exclude_unset=True))
    files: dict[str, str] = {}
    for name, intent in data.get("intents", {}).items():
        _carry(files, intent, "examples_file", f"examples-{name}.jsonl")
    _carry(files, data.get("classifier", {}), "out_of_scope_file", "out-of-scope.jsonl")
    data.get("prompts", {}).pop("folder", None)  # its prompts stand among the named ones by now
    identity = data.get("identity") or {}
    _carry(files, identity.get("keys") or {}, "file", "keys.yaml")
    for name, provider in ((identity.get("jwt") or {}).get("providers") or {}).items():
        _carry(files, provider, "jwks_file", f"jwks-{name}.json")
    # A key is no configuration: it comes from a Secret, as a variable.
    data.get("pii", {}).pop("hash_key_file", None)
    _move_audit(data.get("telemetry", {}).get("audit") or {})
    engine = data.get("pii", {}).get("names", {}).get("engine") or {}
    moved = [key for key in ("model", "tokenizer") if engine.get(key)]
    for key in moved:
        engine[key] = f"{NAMES_FOLDER}/{Path(engine[key]).name}"
    head = f"{HEAD}\nThe name model is too large for a ConfigMap: mount it at {NAMES_FOLDER}.\n" if moved else HEAD
    return {"mesh.yaml": to_yaml([data], head=head), **files}


def environment(mesh: Mesh) -> list[Data]:
    """Variables of the processor's container: keys that are used, from a Secret, and the pod's own names where they are used."""
    operators = (mesh.pii.default_operator, *mesh.pii.entities.values())
    variables: list[Data] = []
    if any(operator.operator == "hash" for operator in operators):
        variables.append(_from_secret(HASH_KEY_VARIABLE, "hash-key"))
    audit = mesh.telemetry.audit
    if audit and audit.key_file:
        variables.append(_from_secret(AUDIT_KEY_VARIABLE, "audit-key"))
    if audit and mesh.kubernetes.audit_claim:
        variables.append({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    for name, path in OF_THE_POD.items():
        if f"$({name})" in (mesh.identity.workload or ""):
            variables.append({"name": f"INTENTMESH_{name}", "valueFrom": {"fieldRef": {"fieldPath": path}}})
    return variables


def _from_secret(variable: str, key: str) -> Data:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key}}}


def _move_audit(audit: Data) -> None:
    """The trail lies in a volume of its own: beside mesh.yaml is a ConfigMap, which nobody can write to."""
    audit.pop("key_file", None)
    for name in ("path", "anchors"):
        if audit.get(name):
            audit[name] = f"{AUDIT_FOLDER}/{Path(audit[name]).name}"


def _carry(files: dict[str, str], section: Data, key: str, name: str) -> None:
    path = section.get(key)
    if path is None:
        return
    try:
        text = Path(path).read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error}") from None
    same = next((known for known, content in files.items() if content == text), None)
    section[key] = same or name
    files[section[key]] = text
