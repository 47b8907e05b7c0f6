"""Prompts that have versions: in `mesh.yaml`, or in a folder of files in git."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import minijinja
from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from extproc.config import yaml_text
from extproc.config.files import contents
from extproc.config.models import ModelName
from extproc.config.section import Section

VariableType = Literal["text", "number", "integer", "boolean", "list"]
_FENCE = "---"
SUFFIX = ".md"
FUEL = 100_000
"""Steps of a template, some milliseconds: what loops longer is refused."""
_BUILT_IN = frozenset({"range", "dict", "debug", "namespace", "loop", "true", "false", "none"})


class Variable(Section):
    """What a template is filled in with."""

    type: VariableType = "text"
    default: Any = None
    """Where the caller gives none. Without a default it has to."""
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_type_alone(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _default_fits(self) -> Variable:
        if self.default is not None and not fits(self.type, self.default):
            raise ValueError(f"the default is no {self.type}")
        return self


def fits(kind: VariableType, value: Any) -> bool:
    """Whether a value is of a variable's type."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "list":
        return isinstance(value, list) and all(isinstance(item, str | int | float) for item in value)
    types: dict[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "integer": int, "boolean": bool}
    return isinstance(value, types[kind])


class PromptVersion(Section):
    """One version of a prompt."""

    template: str
    """Jinja's syntax, in a sandbox; what is filled in is text and nothing else."""
    model: str | None = None
    """What the request asks for, where it names no model itself: as requests name models."""
    role: Literal["system", "user"] | None = None
    """Who says it. Default: the system; the user, where the request says nothing else."""
    variables: dict[str, Variable] = Field(default_factory=dict)
    labels: tuple[str, ...] = ()
    """Names that stand for this version, as `prod`. A label that moves to another version is a rollback."""
    weight: int | None = Field(default=None, ge=0)
    """Share of the requests that name neither version nor label. A caller stays with its version."""
    description: str | None = None

    @model_validator(mode="after")
    def _declares_its_variables(self) -> PromptVersion:
        names = environment("prompt", self.template).undeclared_variables_in_template("prompt")
        unknown = sorted(names - self.variables.keys() - _BUILT_IN)
        if unknown:
            raise ValueError(f"the template uses variables that are not declared: {', '.join(unknown)}")
        return self


def environment(name: str, template: str) -> minijinja.Environment:
    """A sandbox with one template. Raises ValueError for what is none."""
    made = minijinja.Environment(undefined_behavior="strict", auto_escape_callback=lambda _: False)
    made.fuel = FUEL
    try:
        made.add_template(name, template)
    except minijinja.TemplateError as error:
        raise ValueError(f"line {error.line} is no template: {str(error).partition(chr(10))[0]}") from None
    return made


def _by_text(value: Any) -> Any:
    """YAML takes `2:` for a number."""
    return {str(key): version for key, version in value.items()} if isinstance(value, dict) else value


Versions = Annotated[dict[ModelName, PromptVersion], BeforeValidator(_by_text), Field(min_length=1)]


class Prompts(Section):
    """All prompts."""

    folder: Path | None = None
    """`NAME/VERSION.md` in it: the template, after a front matter of YAML between two lines `---`. Relative to `mesh.yaml`."""
    named: dict[ModelName, Versions] = Field(default_factory=dict)
    """Prompt -> version -> what it is; together with those of the folder."""

    @field_validator("folder")
    @classmethod
    def _beside_the_mesh(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        return None if folder is None else Path((info.context or {}).get("folder") or Path.cwd()) / folder

    @model_validator(mode="before")
    @classmethod
    def _with_files(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("folder"), str | Path):
            return data
        folder = Path((info.context or {}).get("folder") or Path.cwd()) / data["folder"]
        named = data.get("named")
        return data | {"named": _merged(named if isinstance(named, dict) else {}, _read_folder(folder))}

    @model_validator(mode="after")
    def _one_version_a_label(self) -> Prompts:
        for name, versions in self.named.items():
            seen: dict[str, str] = {}
            for number, version in versions.items():
                for label in version.labels:
                    if label in versions:
                        raise ValueError(f"{name}: the label `{label}` is the name of a version too")
                    if (other := seen.setdefault(label, number)) != number:
                        raise ValueError(f"{name}: the label `{label}` stands on the versions {other} and {number}")
            weights = [version.weight for version in versions.values() if version.weight is not None]
            if weights and not sum(weights):
                raise ValueError(f"{name}: all weights are 0, so that no version can be chosen")
        return self

    def files(self) -> tuple[Path, ...]:
        """What has to be watched: files that change, and folders in which some come and go."""
        if self.folder is None:
            return ()
        return (self.folder, *sorted(self.folder.glob("*")), *sorted(self.folder.glob(f"*/*{SUFFIX}")))


def _merged(named: dict[str, Any], read: dict[str, dict[str, Any]]) -> dict[str, Any]:
    merged = dict(named)
    for name, versions in read.items():
        there = _by_text(merged.get(name) or {})
        both = sorted(there.keys() & versions.keys()) if isinstance(there, dict) else []
        if both:
            raise ValueError(f"{name}: the version {both[0]} stands in the folder and in `named`")
        merged[name] = {**there, **versions}
    return merged


def _read_folder(folder: Path) -> dict[str, dict[str, Any]]:
    if not folder.is_dir():
        raise ValueError(f"`{folder.name}` is no folder")
    prompts: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob(f"*/*{SUFFIX}")):
        prompts.setdefault(file.parent.name, {})[file.stem] = _read_file(file)
    return prompts


def _read_file(file: Path) -> dict[str, Any]:
    where = f"{file.parent.name}/{file.name}"
    try:
        text = contents(file).decode().replace("\r\n", "\n")
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    front: Any = {}
    if text.startswith(f"{_FENCE}\n"):
        head, fence, body = text[len(_FENCE) + 1 :].partition(f"\n{_FENCE}\n")
        if not fence:
            raise ValueError(f"{where}: the front matter does not end with a line `{_FENCE}`")
        try:
            front = yaml_text.plain(head) or {}
        except yaml_text.NotYamlError as error:
            raise ValueError(f"{where}: line {error.mistake.line + 1}: {error.mistake.message}") from None
        text = body
    if not isinstance(front, dict):
        raise ValueError(f"{where}: the front matter must be a mapping")  # noqa: TRY004 - pydantic reports these alone
    if "template" in front:
        raise ValueError(f"{where}: the template is what follows the front matter, not a key of it")
    made = {**front, "template": text.strip("\n")}
    try:
        PromptVersion.model_validate(made)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        key = ".".join(map(str, details["loc"])) or "front matter"
        raise ValueError(f"{where}: {key}: {(details.get('ctx') or {}).get('error') or details['msg']}") from None
    return made
