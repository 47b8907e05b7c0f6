"""Prompts by name, version and label: which one a request gets, and its text once it is filled in."""

from extproc.prompts.library import Chosen, Library
from extproc.prompts.request import prompted

__all__ = ["Chosen", "Library", "prompted"]
