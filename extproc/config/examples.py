"""Reading the example files that a `mesh.yaml` names, and the mistakes in examples that `check` reports."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from extproc.config.files import contents
from extproc.embedding.model_folder import look_into, names_folder
from extproc.embedding.places import AUTO, BUNDLED, MISSING, MULTILINGUAL, multilingual_folder
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from extproc.config.mesh import Mesh

EVIDENCE = ("patterns", "exact", "headers", "examples", "examples_file")
"""What an intent can be recognised by; it needs one of them."""


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file. Raises ConfigError with the line of the first that is none."""
    try:
        content = contents(path).decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from error
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise ConfigError(f"{path}:{number}: is not JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise ConfigError(f'{path}:{number}: is not an object with a "text" that is a string')
        yield row


def read_examples(path: Path, intent: str) -> list[str]:
    """The texts of one intent: of rows that name no intent all, else those that name this one; no `split` but `train`."""
    texts = [
        row["text"]
        for row in read_rows(path)
        if row.get("intent", intent) == intent and row.get("split", "train") == "train"
    ]
    if not texts:
        raise ConfigError(f"{path}: has no example of the intent {intent}")
    return texts


def read_texts(path: Path) -> list[str]:
    """Every text that belongs to no intent: rows whose `intent` is null or not there."""
    return [
        row["text"] for row in read_rows(path) if row.get("intent") is None and row.get("split", "train") == "train"
    ]


def example_mistakes(data: Any) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) for intents that cannot be recognised, and for a text that is an example of two intents."""
    intents = data.get("intents") if isinstance(data, dict) else None
    if not isinstance(intents, dict):
        return
    owners: dict[str, tuple[str, int]] = {}
    for name, intent in intents.items():
        if not isinstance(intent, dict):
            if intent is None:
                yield ("intents", name), f"is empty; give it one of: {', '.join(EVIDENCE)}"
            continue
        if not any(intent.get(key) for key in EVIDENCE):
            yield ("intents", name), f"has nothing to be recognised by; give it one of: {', '.join(EVIDENCE)}"
        examples = intent.get("examples")
        for i, text in enumerate(examples if isinstance(examples, list) else ()):
            sentence = _mistake(text, (str(name), i), owners)
            if sentence:
                yield ("intents", name, "examples", i), sentence


def _mistake(text: Any, here: tuple[str, int], owners: dict[str, tuple[str, int]]) -> str | None:
    if not isinstance(text, str):
        return None  # the schema says what is wrong
    plain = _folded(text)
    if not plain:
        return "is empty; remove it"
    name, i = owners.setdefault(plain, here)
    if name == here[0]:
        return None
    return f"is an example of intents.{name}.examples[{i}] too; a text can mean one of them only"


def file_mistakes(mesh: Mesh) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) for what only shows when files and models are looked at; the rest of the file is good."""
    owners: dict[str, tuple[str, str]] = {}
    for name, intent in mesh.intents.items():
        for i, text in enumerate(intent.examples):
            owners.setdefault(_folded(text), (name, f"intents.{name}.examples[{i}]"))
    for name, intent in mesh.intents.items():
        if intent.examples_file is None:
            continue
        here = ("intents", name, "examples_file")
        try:
            texts = read_examples(intent.examples_file, name)
        except ConfigError as error:
            yield here, str(error)
            continue
        for i, text in enumerate(texts, 1):
            owner, place = owners.setdefault(_folded(text), (name, f"{intent.examples_file} ({name}, example {i})"))
            if owner != name:
                yield here, f"example {i} of {name} stands in {place} too; a text can mean one of them only"
    if mesh.classifier.out_of_scope_file is not None:
        try:
            read_texts(mesh.classifier.out_of_scope_file)
        except ConfigError as error:
            yield ("classifier", "out_of_scope_file"), str(error)
    yield from _unknown_encoder(mesh.classifier.encoder)


def _unknown_encoder(name: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if name in (BUNDLED, AUTO):
        return
    if name == MULTILINGUAL:
        if multilingual_folder() is None:
            yield ("classifier", "encoder"), MISSING
        return
    if names_folder(name):
        try:
            look_into(name)
        except ConfigError as error:
            yield ("classifier", "encoder"), str(error)
        return
    from fastembed import TextEmbedding  # noqa: PLC0415 - half a second, for those who name another model

    known = [model["model"] for model in TextEmbedding.list_supported_models()]
    if name.lower() not in {model.lower() for model in known}:
        near = difflib.get_close_matches(name, [AUTO, BUNDLED, MULTILINGUAL, *known], n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`bundled` needs no download"
        yield ("classifier", "encoder"), f"there is no model `{name}` in fastembed; {hint}"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
