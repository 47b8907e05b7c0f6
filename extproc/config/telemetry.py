"""What is reported, and where to. Never text: only names, counts and times."""

from __future__ import annotations

from extproc.config.section import Section


class TelemetrySettings(Section):
    """The `telemetry` section."""
