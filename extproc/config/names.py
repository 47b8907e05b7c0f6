"""How people, places, organisations and street addresses are found: the part of the `pii` section that has a model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from extproc.config.fields import MeshPath
from extproc.config.section import Section

NameType = Literal["PERSON", "LOCATION", "ORGANIZATION", "ADDRESS"]
NAME_TYPES: tuple[NameType, ...] = ("PERSON", "LOCATION", "ORGANIZATION", "ADDRESS")
NAME_TYPES_BY_DEFAULT: tuple[NameType, ...] = ("PERSON", "ADDRESS")


class TokenClassifierSettings(Section):
    """Another name finder: a token classifier in ONNX, as `optimum-cli export onnx --task token-classification` writes it."""

    model: MeshPath
    """The `.onnx` file, or the folder with `model.onnx`. Relative to `mesh.yaml`."""
    tokenizer: MeshPath | None = None
    """`tokenizer.json`; default: beside the model."""
    labels: dict[str, str] = Field(min_length=1)
    """The model's label, without `B-` or `I-`, to our entity type: `{PER: PERSON, LOC: LOCATION}`. Others are not used."""
    label_names: tuple[str, ...] = ()
    """The labels in the order of the model's outputs; default: `id2label` in the `config.json` beside the model."""
    max_tokens: int = Field(default=256, ge=16, le=8192)
    """Tokens that it reads at once."""


class NameSettings(Section):
    """`pii.names`. PERSON and ADDRESS are looked for by default, LOCATION and ORGANIZATION with the pack `extended`, or
    when `pii.entities` names them.
    """

    enabled: bool = True
    run: Literal["on_cues", "always"] = "on_cues"
    """`on_cues`: the model reads only the sentences in which something hints at a name. `always`: it reads all."""
    budget_tokens: int = Field(default=131_072, ge=64, le=1_000_000)
    """Words and signs of one text that are read at most; about 2 microseconds each (20 to 35 with an `engine`)."""
    second_look_tokens: int = Field(default=48, ge=0, le=1_000_000)
    """Words and signs of one text that the larger network reads again at most, the least sure places first; about 20
    microseconds each. 0: it is never asked."""
    over_budget: Literal["cues", "block"] = "cues"
    """What happens to the rest of a longer text: names are found by cues alone (titles, labels, given names), or the request
    is refused. Counted either way."""
    min_score: float = Field(default=0.5, ge=0, le=1)
    """Names that the model is less sure of are left alone."""
    link: bool = True
    """Parts of a name that was found in full ("Ms Okafor" after "Aisha Okafor") have the same placeholder."""
    engine: TokenClassifierSettings | None = None
    """Another model instead of the bundled one."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.engine and not self.enabled:
            raise ValueError("`engine` names a model, but `enabled` is false: drop one of the two")
        return self
