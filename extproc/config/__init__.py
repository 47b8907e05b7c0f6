"""`mesh.yaml`, the one file that a user writes: `load` reads it into a `Mesh`, or reports every mistake in it."""

from extproc.config.loader import line_of, load, parse
from extproc.config.mesh import Mesh

__all__ = ["Mesh", "line_of", "load", "parse"]
