"""What every section of `mesh.yaml` has in common: frozen, and an unknown key is a mistake."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of `mesh.yaml`. Immutable, so that a loaded configuration can be shared by every stream."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
