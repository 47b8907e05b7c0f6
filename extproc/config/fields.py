"""Types of values that keys of several sections have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo


def beside_the_mesh(path: Path, info: ValidationInfo) -> Path:
    """A relative path counts from the folder that `mesh.yaml` is in."""
    folder: Path | None = (info.context or {}).get("folder")
    return path if folder is None else folder / path


def _is_exact_path(path: str) -> str:
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"`{path}` must start with `/`, and not end with it")
    return path


MeshPath = Annotated[Path, AfterValidator(beside_the_mesh)]
"""A file or a folder, relative to `mesh.yaml`."""
ExactPath = Annotated[str, AfterValidator(_is_exact_path)]
"""The path of a URL, as a request has it."""
