"""YAML -> `Mesh`, or every mistake in it: line, key path, what it is, what would be right."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from extproc.config import prompt_files, references, yaml_text
from extproc.config.budget_mistakes import budget_mistakes
from extproc.config.examples import example_mistakes, file_mistakes
from extproc.config.feedback_mistakes import feedback_mistakes
from extproc.config.files import contents
from extproc.config.guardrails import KINDS, names_used
from extproc.config.identity_mistakes import identity_mistakes
from extproc.config.policy_mistakes import policy_mistakes
from extproc.config.registry import registry_mistakes
from extproc.errors import ConfigError
from extproc.spelling import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.config.mesh import Mesh
    from extproc.config.yaml_text import KeyPath


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a `mesh.yaml`."""

    line: int
    """Counted from 1."""
    key: str
    """Dotted path, as `models.phi.endpoints[0].address`; empty for the file as a whole."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key}: {self.message}" if self.key else f"line {self.line}: {self.message}"


class InvalidMeshError(ConfigError):
    """A `mesh.yaml` with mistakes, all of them in `problems`."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda p: (p.line, p.key))
        super().__init__("\n".join(f"{source}:{problem}" for problem in self.problems))


def load(path: Path) -> Mesh:
    """Read a `mesh.yaml`; relative paths in it are taken from its own folder.

    Raises ConfigError when the file cannot be read, InvalidMeshError with every mistake otherwise.
    """
    try:
        text = contents(path).decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    return parse(text, source=str(path), folder=path.resolve().parent)


def line_of(path: Path, key: KeyPath) -> int:
    """The line of a key in a `mesh.yaml` that `load` has read; of the nearest above it, where it is not written down."""
    return yaml_text.read(contents(path).decode()).line(key)


def problem_at(path: Path, where: KeyPath, message: str) -> Problem:
    """A mistake in a `mesh.yaml` that `load` has read, and that only shows when it is looked at from outside."""
    read = yaml_text.read(contents(path).decode())
    written = _as_written(where, read.data)
    return Problem(read.line(written), yaml_text.dotted(written), message)


def parse(text: str, *, source: str = "mesh.yaml", folder: Path | None = None) -> Mesh:
    """Validate the text of a `mesh.yaml`. Raises InvalidMeshError with every mistake."""
    from extproc.config.mesh import Mesh  # noqa: PLC0415 - mesh.py reports through this module

    try:
        document = yaml_text.read(text)
    except yaml_text.NotYamlError as error:
        raise InvalidMeshError(source, [_problem(error.mistake)]) from None
    data, problems = document.data, [_problem(mistake) for mistake in document.mistakes]
    resolved = references.resolve(data, document.scalars)

    def note(mistakes: Iterable[tuple[KeyPath, str]]) -> None:
        located = ((where, resolved.masked(where, what)) for where, what in mistakes)
        written = ((_as_written(where, data), what) for where, what in located)
        problems.extend(Problem(document.line(where), yaml_text.dotted(where), what) for where, what in written)

    note(resolved.mistakes)
    note(_dangling(data))
    note(example_mistakes(data))
    try:
        mesh = Mesh.model_validate(data, context={"folder": folder or Path.cwd()})
    except ValidationError as error:
        note(_mistakes(error))
        raise InvalidMeshError(source, problems) from None
    note(file_mistakes(mesh))
    note(feedback_mistakes(mesh))
    note(policy_mistakes(mesh))
    note(identity_mistakes(mesh.identity))
    if not problems:
        note(registry_mistakes(mesh))
        note(budget_mistakes(mesh))
    if problems:
        raise InvalidMeshError(source, problems)
    return mesh.referring(resolved.written, tuple(resolved.files))


def _problem(mistake: yaml_text.Mistake) -> Problem:
    return Problem(mistake.line, yaml_text.dotted(mistake.where), mistake.message)


def _as_written(where: KeyPath, data: Any) -> KeyPath:
    """The path of a key in the file: rules may stand in `policy` itself, prompts in files of their own."""
    if not isinstance(data, dict):
        return where
    if where[:2] == ("policy", "rules") and isinstance(data.get("policy"), list):
        return ("policy", *where[2:])
    if where[:2] == ("prompts", "named") and len(where) > len(("prompts", "named")):
        return _of_a_prompt(where, data["prompts"])
    return where


def _of_a_prompt(where: KeyPath, prompts: Any) -> KeyPath:
    """A version that `mesh.yaml` does not have is a file's."""
    at = prompts.get("named") if isinstance(prompts, dict) else None
    for step in where[2:4]:
        at = at if isinstance(at, dict) else {}
        at = next((inner for key, inner in at.items() if str(key) == step), None)
    if at is not None:
        return where
    file = "/".join(map(str, where[2:4])) + (prompt_files.SUFFIX if where[3:4] else "")
    return ("prompts", "folder", file, *where[4:])


def _dangling(data: Any) -> Iterable[tuple[KeyPath, str]]:
    """Names in one section that another does not have. Works on the raw data, so that it reports beside other mistakes."""
    if not isinstance(data, dict):
        return
    known = {
        kind: data[key] for kind, key in (("model", "models"), ("intent", "intents")) if isinstance(data.get(key), dict)
    }
    references: list[tuple[KeyPath, str, Any]] = [(("default_model",), "model", data.get("default_model"))]
    routes = data.get("routes")
    for i, route in enumerate(routes if isinstance(routes, list) else ()):
        if isinstance(route, dict):
            references += [(("routes", i, kind), kind, route.get(kind)) for kind in ("model", "intent")]
    guards = data.get("guardrails")
    if isinstance(guards, dict):
        known["guardrail"] = guards
        references += names_used(guards)
    references += _of_budgets(data.get("budgets"))
    for where, kind, name in references:
        if isinstance(name, str) and name not in known.get(kind, {} if kind == "intent" else {name: None}):
            yield where, unknown_name(kind, name, known.get(kind, ()))
    yield from _unknown_entities(data)


def _of_budgets(budgets: Any) -> Iterable[tuple[KeyPath, str, Any]]:
    """The models that budgets name."""
    for i, budget in enumerate(budgets if isinstance(budgets, list) else ()):
        if isinstance(budget, dict):
            yield ("budgets", i, "reroute"), "model", budget.get("reroute")
            only = budget.get("only")
            models = only.get("model") if isinstance(only, dict) else None
            for j, name in enumerate(models if isinstance(models, list) else ()):
                yield ("budgets", i, "only", "model", j), "model", name
            limits = budget.get("limits") if budget.get("by") == "model" else None
            for name in limits if isinstance(limits, dict) else ():
                yield ("budgets", i, "limits", name), "model", name


def _unknown_entities(data: dict[str, Any]) -> Iterable[tuple[KeyPath, str]]:
    """Entity types that no recognizer finds: in `pii.entities`, and as conditions of routes."""
    from extproc.config.entities import ENTITY_TYPES  # noqa: PLC0415 - long lists, only for files that name any

    pii = data.get("pii")
    pii = pii if isinstance(pii, dict) else {}
    recognizers, routes, deny = pii.get("recognizers"), data.get("routes"), pii.get("deny")
    own = {r.get("entity") for r in recognizers if isinstance(r, dict)} if isinstance(recognizers, list) else set()
    known = ENTITY_TYPES | {name for name in {*own, *(deny if isinstance(deny, dict) else ())} if isinstance(name, str)}
    names: list[tuple[KeyPath, Any]] = []
    if isinstance(pii.get("entities"), dict):
        names += [(("pii", "entities", name), name) for name in pii["entities"]]
    for i, route in enumerate(routes if isinstance(routes, list) else ()):
        entities = route.get("entities") if isinstance(route, dict) else None
        names += [
            (("routes", i, "entities", j), e) for j, e in enumerate(entities if isinstance(entities, list) else ())
        ]
    for where, name in names:
        if isinstance(name, str) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`intentmesh entities` lists them"
            yield where, f"there is no entity type `{name}`; {hint}"


def _mistakes(error: ValidationError) -> Iterable[tuple[KeyPath, str]]:
    for item in error.errors(include_url=False):
        where: KeyPath = tuple(step for step in item["loc"] if step != "[key]")  # pydantic's word for "the key itself"
        context = item.get("ctx") or {}
        cause = context.get("error")
        keys = None
        if (
            where[:1] == ("guardrails",) and where[2:3] and where[2] in KINDS
        ):  # pydantic tells the kind, the file has no such key
            keys = KINDS[str(where[2])].model_fields if len(where) == len((*where[:2], "kind", "key")) else None
            where = (*where[:2], *where[3:])
        if item["type"] == "extra_forbidden":
            yield where, unknown_name("key", str(where[-1]), keys or _keys_at(where[:-1]))
        elif item["type"] == "union_tag_not_found":
            yield (*where, "kind"), f"is missing; there are: {', '.join(KINDS)}"
        elif item["type"] == "union_tag_invalid":
            yield (*where, "kind"), unknown_name("kind", str(context.get("tag")), KINDS)
        elif item["type"] == "missing":
            yield where, "is missing"
        elif isinstance(cause, ValueError):
            yield where, str(cause)
        else:
            yield where, _sentence(item["type"], item["msg"], item["input"])


KEYS, LIST = "input should be keys with values, as `{key: value}`", "input should be a list, as `[this, that]`"
SENTENCES = {
    **dict.fromkeys(("model_type", "dict_type", "mapping_type", "dataclass_type"), KEYS),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), LIST),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "input should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "input should be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "input should be true or false"),
    "string_type": "input should be a text",
    "finite_number": "input should be a finite number",
}
"""Kind of a mistake -> what would be right, in the words of who writes a file."""
EMPTY = {KEYS: "{}", LIST: "[]"}
WRITTEN = {"None": "nothing", "True": "true", "False": "false"}


def _sentence(kind: str, message: str, value: Any) -> str:
    text = SENTENCES.get(kind) or message[:1].lower() + message[1:]
    if value is None and text in EMPTY:
        return f"is empty: leave the key out, or write `{EMPTY[text]}`"
    if kind == "string_type" and isinstance(value, int | float):
        return f"{text}, not {value!r}: put it in quotes"
    if isinstance(value, dict | list):
        return f"{text}, not {'a list' if isinstance(value, list) else 'keys with values'}"
    if isinstance(value, str | int | float | bool) or value is None:
        shown = WRITTEN.get(repr(value)) or (repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "...")
        return f"{text}, not {shown}"
    return text


def _keys_at(path: KeyPath) -> Mapping[str, Any]:
    """The keys that the section at a path may have: walks the models as the path does."""
    from extproc.config.mesh import Mesh  # noqa: PLC0415 - mesh.py reports through this module

    section: type[BaseModel] = Mesh
    for step in path:
        field = section.model_fields.get(step) if isinstance(step, str) else None
        if field is not None:
            inner = _section_in(field.annotation)
            if inner is None:
                return {}
            section = inner
    return section.model_fields


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (section := _section_in(part)) is not None:
            return section
    return None
