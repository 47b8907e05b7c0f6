"""The three demo models, so that a first `intentmesh up` answers with nothing fetched. What they are: docs/demo-models.md."""

from __future__ import annotations

from pathlib import Path

NAMES = ("telemetry", "support", "general")


def model_path(name: str) -> Path:
    """Tell where the GGUF of a demo model lies."""
    if name not in NAMES:
        raise ValueError(f"no demo model {name!r}; there are: {', '.join(NAMES)}")
    return Path(__file__).parent / f"{name}.gguf"
