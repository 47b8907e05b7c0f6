"""Which personal data is looked for, and what is done with it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from extproc.config.section import Section

OperatorName = Literal["replace", "mask", "hash", "redact", "keep", "block", "flag"]
Pack = Literal["us", "ca", "uk", "eu", "latam", "apac", "mea"]


class PiiSettings(Section):
    """The `pii` section. Without one, every type of the global set is replaced by a placeholder and restored."""

    entities: dict[str, OperatorName] = Field(default_factory=dict)
    """Entity type -> operator; a type that is not named here has `default_operator`."""
    default_operator: OperatorName = "replace"
    packs: tuple[Pack, ...] = ()
    """Regions whose label-only types are looked for too."""
    restore: bool = True
    """Put the originals back into the answer."""
    enabled: bool = True
