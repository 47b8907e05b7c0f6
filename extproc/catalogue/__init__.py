"""What callers are told of the models that there are: the list, one of them, and that there is none of a name."""

from extproc.catalogue.gate import ModelList
from extproc.catalogue.unknown import UnknownModels

__all__ = ["ModelList", "UnknownModels"]
