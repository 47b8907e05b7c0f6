"""The models as callers see them: the list, one model, and the error for a name that no model has."""

from extproc.catalogue.gate import ModelList
from extproc.catalogue.unknown import UnknownModels

__all__ = ["ModelList", "UnknownModels"]
