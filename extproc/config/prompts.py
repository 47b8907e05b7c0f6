"""Prompts that have versions: in `mesh.yaml`, or in a folder of files in git."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from extproc.config import prompt_files
from extproc.config.models import ModelName
from extproc.config.section import Section
from extproc.config.templates import BUILT_IN, checked, undeclared, variable_name

VariableType = Literal["text", "number", "integer", "boolean", "list"]
VariableName = Annotated[str, AfterValidator(variable_name)]


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
    if isinstance(value, float) and not math.isfinite(value):
        return False
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
    variables: dict[VariableName, Variable] = Field(default_factory=dict)
    labels: tuple[str, ...] = ()
    """Names that stand for this version, as `prod`. A label that moves to another version is a rollback."""
    weight: int | None = Field(default=None, ge=0)
    """Share of the requests that name neither version nor label. A caller stays with its version."""
    description: str | None = None

    @field_validator("template")
    @classmethod
    def _is_a_template(cls, template: str) -> str:
        return checked(template)

    @model_validator(mode="after")
    def _declares_its_variables(self) -> PromptVersion:
        unknown = sorted(undeclared(self.template) - self.variables.keys() - BUILT_IN)
        if unknown:
            raise ValueError(f"the template uses variables that are not declared: {', '.join(unknown)}")
        return self


def _by_text(value: Any) -> Any:
    """YAML takes `2:` for a number."""
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("template"), str):
        raise ValueError("a prompt has versions: write `1: {template: ...}`")  # noqa: TRY004 - pydantic reports these alone
    return {str(key): version for key, version in value.items()}


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
        return data | {"named": _merged(named if isinstance(named, dict) else {}, prompt_files.read(folder))}

    @model_validator(mode="after")
    def _one_version_a_label(self) -> Prompts:
        for name, versions in self.named.items():
            seen: dict[str, str] = {}
            for number, version in versions.items():
                for label in version.labels:
                    if not label or "@" in label:
                        raise ValueError(f"{name}: a label is a word without `@`, as `prod`")
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
        return (self.folder, *sorted(self.folder.glob("*")), *sorted(self.folder.glob(f"*/*{prompt_files.SUFFIX}")))


def _merged(named: dict[str, Any], from_files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    merged = dict(named)
    for name, versions in from_files.items():
        there = merged.get(name) or {}
        if not isinstance(there, dict):
            continue
        there = {str(key): version for key, version in there.items()}
        if both := sorted(there.keys() & versions.keys()):
            raise ValueError(f"{name}: the version {both[0]} stands in the folder and in `named`")
        merged[name] = {**there, **versions}
    return merged
