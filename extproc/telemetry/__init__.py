"""What a finished exchange becomes: a span, a handful of metrics, one audit line. Names and counts come in here, never text."""

from extproc.telemetry.meter import Meter
from extproc.telemetry.observer import Telemetry

__all__ = ["Meter", "Telemetry"]
