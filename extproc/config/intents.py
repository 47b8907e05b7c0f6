"""What the texts may mean, and how sure the classifier has to be."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from extproc.config.fields import MeshPath, beside_the_mesh
from extproc.config.section import Section
from extproc.embedding.model_folder import names_folder
from extproc.embedding.places import AUTO


class Intent(Section):
    """One intent: deterministic rules first, examples for everything else."""

    description: str = ""
    patterns: tuple[str, ...] = ()
    """Regular expressions; one that is found anywhere in the text (case-insensitive) decides before any model runs."""
    exact: tuple[str, ...] = ()
    """Whole texts (case and outer white space aside) that decide."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Request headers that decide when all of them have these values."""
    examples: tuple[str, ...] = ()
    """What people write when they mean this. Three are enough to start with; ten are good."""
    not_examples: tuple[str, ...] = ()
    """What people write that sounds like this and is not: it belongs to no intent."""
    examples_file: MeshPath | None = None
    """JSON lines with `text` (and `intent`, when one file serves several intents), relative to `mesh.yaml`."""

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"`{pattern}` is not a regular expression: {error}") from None
        return patterns


class ClassifierSettings(Section):
    """The cascade's settings; the defaults fit most meshes."""

    encoder: str = AUTO
    """`auto`: all-MiniLM-L6-v2, which is bundled and knows English, and beside it the multilingual encoder where `intentmesh
    encoder` has made it. `multilingual`: the same, and it has to be there. `bundled`: the first alone. Or a folder with
    `model.onnx` and `tokenizer.json`, as `./model`, relative to `mesh.yaml`; or the name of any model that fastembed knows."""
    target_precision: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Of the requests that are given an intent, this share is to be right; thresholds follow from it."""
    out_of_scope: tuple[str, ...] = ()
    """Texts that belong to no intent, where you know some: they sharpen the line to the default model. None are needed."""
    out_of_scope_file: MeshPath | None = None
    """JSON lines with `text`, and `intent` null or absent, relative to `mesh.yaml`."""
    token_budget: int = Field(default=128, ge=16, le=512)
    """Tokens read of a text; of a longer one, its head and its tail."""
    transformer_tokens: int = Field(default=32, ge=16, le=512)
    """Of those, as many are read by the transformer, again of head and tail: its time grows with them, and what stands between
    a long prompt's beginning and its end blurs what is asked for."""
    cache_size: int = Field(default=4096, ge=0)
    """Recent decisions kept, by digest of the text."""
    threads: int = Field(default=1, ge=1)
    """Threads of one transformer pass."""
    max_batch: int = Field(default=16, ge=1)
    """Texts of concurrent streams that share one transformer pass."""
    explain_headers: bool = False
    """Every answer says how its request was decided: `x-intentmesh-intent`, `-best`, `-runner-up`, `-score`, `-threshold`,
    `-stage`, `-reason`, `-language` and `-prompt`. Names and numbers, never text; for tests and for debugging."""

    @field_validator("encoder")
    @classmethod
    def _folder_beside_the_mesh(cls, name: str, info: ValidationInfo) -> str:
        if not names_folder(name) or name.startswith("~"):
            return name
        return f"{beside_the_mesh(Path(name), info).absolute()}"
