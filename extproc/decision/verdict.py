"""What may be said about a request, in a form that telemetry, `explain` and Envoy's metadata all read."""

from __future__ import annotations

from typing import Literal, NamedTuple

Action = Literal["allow", "block", "flag", "confine", "reroute", "redact"]
"""allow: nothing speaks against it; flag: it is told, and goes on; block: it is refused; confine: it may travel no farther than
the zone `to`; reroute: the model `to` gets it; redact: personal data of the model's own is masked in the answer."""


class Verdict(NamedTuple):
    """What one step says. Names and numbers of the configuration's and of ours: never text of a request."""

    step: str
    action: Action
    reason: str = ""
    """The rule, the guardrail, the budget that says so."""
    to: str = ""
    """Of confine and reroute: the zone, the model."""
    score: float | None = None
    """How sure it is, from 0 to 1, where it is a matter of more or less."""
    enforced: bool = True
    """False: told and counted only, as a rule in `dry_run` or a guardrail in `monitor` wants it."""

    def __str__(self) -> str:
        """For metadata and spans: `policy:block:cards-never-abroad`, with `(dry run)` behind what is not enforced."""
        text = f"{self.step}:{self.action}:{self.reason}".rstrip(":")
        return text if self.enforced else f"{text} (dry run)"

    def told(self) -> dict[str, str | float | bool]:
        """For JSON: the fields that say something."""
        given = {"step": self.step, "action": self.action, "reason": self.reason, "to": self.to, "score": self.score}
        fields: dict[str, str | float | bool] = {
            name: value for name, value in given.items() if value not in ("", None)
        }
        return fields if self.enforced else fields | {"enforced": False}


class Unenforced(NamedTuple):
    """Something that a request should have had, and went on without."""

    step: str
    rule: str
    """The rule, the budget, the part of the request: names of the configuration's and of ours."""
    cause: str
    """In one word: `dry_run`, `late`, `unreadable`, `missing`, `store_away`."""

    def told(self) -> dict[str, str]:
        """For JSON."""
        return self._asdict()


class Duty(NamedTuple):
    """What a later step has to do for this request: a guardrail that a policy requires, another operator."""

    step: str
    """Whose duty."""
    what: str
    to: str = ""
