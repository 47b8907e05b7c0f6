"""What is asked about a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.decision.facts import Facts
from extproc.identity import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.identity import Caller


@dataclass(slots=True)
class Inquiry:
    """A whole request, to be inspected. Nobody changes it; freezing it would cost a microsecond."""

    rule: Intercept
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    caller: Caller = ANONYMOUS
    admission: Facts | None = None
    """What the gates have made of its headers; None: they were not asked."""

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    def facts(self) -> Facts:
        """What is known of it by its headers."""
        return self.admission or Facts(self.caller, self.headers.get(":method", ""), self.path, self.headers)
