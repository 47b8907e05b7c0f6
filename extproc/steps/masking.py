"""Texts -> masked texts and the vault. Fails closed: whatever goes wrong here refuses the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.config.operators import Operator
from extproc.errors import IntentmeshError
from extproc.identity import distinct, sender_of
from extproc.payload import is_stateful
from extproc.steps.closed import not_masked
from extproc.threads import SHORT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.decision import Duty
    from extproc.pii import Anonymized, Anonymizer
    from extproc.steps.case import Case
    from extproc.threads import Threads


class Masking:
    """Searches the texts for personal data, and masks it."""

    name: Final = "pii"

    def __init__(self, anonymizer: Anonymizer, threads: Threads, *, remembers: bool, tells: bool = True) -> None:
        """`remembers`: any answer may be redacted, so that what the request said has to be kept beside what was masked.
        `tells`: somebody will want to know as a fact that nothing was found.
        """
        self._tells = tells
        self._anonymizer = anonymizer
        self._threads = threads
        self._remembers = remembers

    async def __call__(self, case: Case) -> None:
        """Raises BlockedEntityError and MaskingError."""
        if case.document is None:
            return
        if case.size <= SHORT_BYTES:
            anonymized = case.lease.run(self._mask, case)
        else:
            anonymized = await self._threads.run(case.lease, case.size, self._mask, case)
        case.anonymized = anonymized
        if not anonymized.entities and not self._tells:
            return
        counts: dict[str, int] = {}
        for (entity_type, _), count in anonymized.entities.items():
            counts[entity_type] = counts.get(entity_type, 0) + count
        case.facts = case.facts.with_(entities=counts)

    def _mask(self, case: Case) -> Anonymized:
        assert case.document is not None
        inquiry = case.inquiry
        try:
            stateful = is_stateful(inquiry.rule, case.facts.path, case.document.body)
            return self._anonymizer.anonymize(
                case.segments,
                body=case.document.body,
                deadline=case.lease.deadline,
                remember=self._remembers or inquiry.rule.redact_output,
                caller=distinct(case.facts.caller, inquiry.headers) if stateful else None,
                operators=_operators(case.facts.duties),
                sender=sender_of(case.facts.caller, inquiry.headers) if self._anonymizer.remembers else "",
            )
        except IntentmeshError:
            raise
        except Exception as error:
            raise not_masked(error) from error


def _operators(duties: Sequence[Duty]) -> dict[str, Operator] | None:
    """Entity type -> operator, where earlier steps want another than the configuration's; of two, the first one counts."""
    if not duties:
        return None
    return {duty.what: Operator.parsed(duty.to) for duty in reversed(duties) if duty.step == Masking.name}
