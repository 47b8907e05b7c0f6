"""The ledger: everything that a request should have had and went on without. The goal is an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.decision.verdict import Unenforced

if TYPE_CHECKING:
    from extproc.decision.outcome import Inspection

_SAYS_NOTHING = frozenset({"allow", "flag"})
_CHANGES_NOTHING = frozenset({"keep", "flag"})


def unenforced(inspection: Inspection, *, shadow: bool = False, error: str | None = None) -> tuple[Unenforced, ...]:
    """Of a request that goes on. `shadow`: nothing was enforced, whatever was said; `error` would have refused it."""
    facts, reason = inspection.facts, inspection.reason
    if reason is None and not facts.verdicts and not facts.unenforced and not shadow:
        return ()
    cause = "shadow" if shadow else "dry_run"
    entries = [
        *(
            Unenforced(verdict.step, verdict.reason, "dry_run" if not verdict.enforced else cause)
            for verdict in facts.verdicts
            if verdict.action not in _SAYS_NOTHING and (shadow or not verdict.enforced)
        ),
        *facts.unenforced,
    ]
    if reason == "unreadable":
        entries.append(Unenforced("payload", "body", "unreadable"))
    elif reason == "late":
        entries.append(Unenforced("intent", "classifier", "late"))
    elif reason is not None and reason.startswith("classifier:"):
        entries.append(Unenforced("intent", "classifier", "failed"))
    if shadow:
        if error is not None:
            entries.append(Unenforced("refusal", error, "shadow"))
        if any(operator not in _CHANGES_NOTHING for _, operator in inspection.entities):
            entries.append(Unenforced("pii", "masking", "shadow"))
    return tuple(dict.fromkeys(entries))
