"""Which mesh.yaml a command takes that is told of none."""

from importlib import resources
from pathlib import Path


def default_mesh() -> Path:
    """./mesh.yaml, or the shipped one."""
    here = Path("mesh.yaml")
    return here if here.is_file() else Path(str(resources.files("extproc.assets").joinpath("mesh.yaml")))
