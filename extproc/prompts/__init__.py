"""Prompts by name, version and label: which one a request gets, and what it says once it is filled in."""

from extproc.prompts.library import Chosen, Library
from extproc.prompts.request import PROMPT_HEADER, prompted

__all__ = ["PROMPT_HEADER", "Chosen", "Library", "prompted"]
