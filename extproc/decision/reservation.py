"""What is set aside for a request before it goes on, and settled when its end is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from extproc.config.prices import Consumption


class Reservation(Protocol):
    """What was set aside for a request. One of the two is called, once, when it has ended; by whoever knows first."""

    def settle(self, model: str, used: Consumption | None) -> None:
        """The model has had it, and took so much; None: nobody knows how much."""

    def release(self) -> None:
        """No model has had it."""
