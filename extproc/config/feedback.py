"""Whether callers may say what a text would have meant, and how good an answer was."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from extproc.config.intercept import Intercept
from extproc.config.section import Section


class Feedback(Section):
    """One endpoint, which the processor answers itself. Not there: it is off."""

    file: Path
    """Where lines are kept for `intentmesh tune`, masked, relative to `mesh.yaml`. It is made with mode 0600."""
    path: str = "/v1/feedback"
    """Which `POST` it is."""
    max_bytes: int = Field(default=10 * 2**20, ge=4096)
    """Of the file. A line that would make it longer is refused with 507: nothing that was kept is thrown away."""

    @field_validator("file")
    @classmethod
    def _beside_the_mesh(cls, path: Path, info: ValidationInfo) -> Path:
        folder: Path | None = (info.context or {}).get("folder")
        return path if folder is None else folder / path

    @field_validator("path")
    @classmethod
    def _is_path(cls, path: str) -> str:
        if not path.startswith("/") or path.endswith("/"):
            raise ValueError(f"`{path}` must start with `/`, and not end with it")
        return path

    def rules(self) -> tuple[Intercept, ...]:
        """What the processor has to be asked about for it: of its fields one is text."""
        text = "$.text"
        return (
            Intercept(
                path=self.path,
                methods=("POST",),
                payload="json",
                texts=(text,),
                intent_from=text,
                on_unreadable="reject",
                restore=False,
            ),
        )
