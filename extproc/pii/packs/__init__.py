"""The tables of recognizers: the global set, and one module per region."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from extproc.pii.packs import americas, apac, banks, eu_east, eu_west, extended, globe, mea, north_america, uk

if TYPE_CHECKING:
    from extproc.pii.recognizer import Recognizer


@cache
def everything() -> tuple[Recognizer, ...]:
    """Every built-in recognizer, in the order in which `intentmesh entities` lists them."""
    modules = (globe, banks, extended, north_america, uk, eu_west, eu_east, americas, apac, mea)
    return tuple(recognizer for module in modules for recognizer in module.RECOGNIZERS)
