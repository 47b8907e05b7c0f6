"""The GenAI conventions have renamed things: who still reads the older names gets those (`telemetry.conventions: older`)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from extproc.telemetry import instruments as names

if TYPE_CHECKING:
    from extproc.telemetry.instruments import Instrument

OLDER = {
    names.PROVIDER: "gen_ai.system",
    names.TIME_TO_FIRST_TOKEN.name: "gen_ai.server.time_to_first_token",
    names.TIME_PER_OUTPUT_TOKEN.name: "gen_ai.server.time_per_output_token",
}
"""Name -> what it was before (semantic conventions up to 1.36)."""


@cache
def spoken(instrument: Instrument, *, older: bool) -> Instrument:
    """A metric as it is told."""
    if not older:
        return instrument
    attributes = tuple(OLDER.get(name, name) for name in instrument.attributes)
    return replace(instrument, name=OLDER.get(instrument.name, instrument.name), attributes=attributes)
