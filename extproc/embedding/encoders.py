"""The encoders of a mesh: the one that `mesh.yaml` names, and the multilingual one beside the bundled one."""

from __future__ import annotations

from typing import NamedTuple

from extproc.embedding.encoder import Encoder
from extproc.embedding.places import AUTO, BUNDLED, MISSING, MULTILINGUAL, multilingual_folder
from extproc.errors import ConfigError


class Encoders(NamedTuple):
    """The encoder, and where there is one the multilingual one beside it."""

    main: Encoder
    wide: Encoder | None = None

    @property
    def name(self) -> str:
        """Of both."""
        return self.main.name if self.wide is None else f"{self.main.name} {self.wide.name}"

    @classmethod
    def load(cls, name: str = AUTO, threads: int = 1) -> Encoders:
        """By the name in `mesh.yaml`. Raises ConfigError when there is none."""
        if name not in (AUTO, MULTILINGUAL):
            return cls(Encoder.load(name, threads))
        folder = multilingual_folder()
        if folder is None and name == MULTILINGUAL:
            raise ConfigError(f"classifier.encoder: {MISSING}")
        return cls(Encoder.load(BUNDLED, threads), None if folder is None else Encoder.load(str(folder), threads))
