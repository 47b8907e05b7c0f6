"""How long the steps of one inspection take: the time is taken where a step is entered and left."""

from __future__ import annotations

from time import perf_counter
from typing import Self


class StepTimes:
    """`with steps.timed("pii"): ...`; one step at a time."""

    __slots__ = ("_began", "_name", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """Step -> seconds, in the order in which they were first taken."""
        self._name = ""
        self._began = 0.0

    def timed(self, name: str) -> Self:
        """The next step, to be entered and left; what it takes is added to what steps of this name took before."""
        self._name = name
        return self

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = self.seconds
        seconds[self._name] = seconds.get(self._name, 0.0) + perf_counter() - self._began
