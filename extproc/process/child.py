"""One worker of several, as its parent knows it: its place, its socket, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extproc.process.listening import is_anothers
from extproc.process.pulse import Pulse
from extproc.telemetry.arena import Arena

if TYPE_CHECKING:
    from extproc.process.listening import SocketName


@dataclass
class Child:
    """One worker, as its parent knows it."""

    number: int
    name: SocketName
    """Of its socket."""
    pid: int = 0
    started: float = 0.0
    not_before: float = 0.0
    young_deaths: int = 0
    lags_since: float | None = None
    inode: int = 0
    """Of its socket, once that has its name."""
    cpu_s: float = 0.0
    """Of those that had its place and are gone."""
    arena: Arena = field(default_factory=Arena)

    @property
    def pulse(self) -> Pulse:
        """What it says of itself."""
        return Pulse(self.arena.pulse)

    @property
    def serves(self) -> bool:
        """Whether it lives and serves."""
        return bool(self.pid) and self.pulse.ready

    @property
    def is_replaced(self) -> bool:
        """Whether another processor has taken its socket's name."""
        self.inode = self.pulse.inode or self.inode  # of one that no parent holds
        return is_anothers(self.name.path, self.inode)
