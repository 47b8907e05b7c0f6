"""The processor's files for a ConfigMap: mesh.yaml as it was set, and the example files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.errors import ConfigError
from extproc.render.document import to_yaml

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "From mesh.yaml, by `intentmesh render`: what was set there, without its comments.\n"
NAMES_FOLDER = "/etc/intentmesh-names"
HASH_KEY_VARIABLE = "INTENTMESH_HASH_KEY"
SECRET = "intentmesh"  # noqa: S105 - the name of one


def config_files(mesh: Mesh) -> dict[str, str]:
    """File name -> text; `mesh.yaml` among them, whose paths are those beside it. Raises ConfigError for a missing file."""
    data: Data = mesh.model_dump(mode="json", exclude_unset=True)
    files: dict[str, str] = {}
    for name, intent in data.get("intents", {}).items():
        _carry(files, intent, "examples_file", f"examples-{name}.jsonl")
    _carry(files, data.get("classifier", {}), "out_of_scope_file", "out-of-scope.jsonl")
    # A key is no configuration: it comes from a Secret, as a variable.
    data.get("pii", {}).pop("hash_key_file", None)
    engine = data.get("pii", {}).get("names", {}).get("engine") or {}
    moved = [key for key in ("model", "tokenizer") if engine.get(key)]
    for key in moved:
        engine[key] = f"{NAMES_FOLDER}/{Path(engine[key]).name}"
    head = f"{HEAD}\nThe name model is too large for a ConfigMap: mount it at {NAMES_FOLDER}.\n" if moved else HEAD
    return {"mesh.yaml": to_yaml([data], head=head), **files}


def environment(mesh: Mesh) -> list[Data]:
    """Variables of the processor's container: the key of the operator `hash`, where it is used."""
    operators = (mesh.pii.default_operator, *mesh.pii.entities.values())
    if not any(chosen.operator == "hash" for chosen in operators):
        return []
    reference = {"name": SECRET, "key": "hash-key"}
    return [{"name": HASH_KEY_VARIABLE, "valueFrom": {"secretKeyRef": reference}}]


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
