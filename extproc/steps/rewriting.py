"""The last step: what the upstream gets, and what its answer will pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.decision import Forward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload import Change
    from extproc.steps.answer_chain import AnswerChain
    from extproc.steps.case import Case
    from extproc.threads import Threads


class Rewriting:
    """Writes body and target anew."""

    name: Final = "rewrite"

    def __init__(self, chain: AnswerChain, threads: Threads) -> None:
        self._chain = chain
        self._threads = threads

    async def __call__(self, case: Case) -> None:
        """Say what becomes of the request: it goes on."""
        decision, inquiry = case.decision, case.inquiry
        assert decision is not None
        body, target = await self._threads.run(case.lease, case.size, rewritten, case, decision.upstream_name)
        case.outcome = Forward(
            decision.model,
            decision.residency,
            case.reason or decision.reason,
            None if body == inquiry.body else body,
            None if target == inquiry.target else target,
            answer=self._chain.links(case),
            inspection=case.inspection(),
        )


def rewritten(case: Case, model: str | None) -> tuple[bytes, str]:
    """Body and target as the upstream is to get them, `model` as it calls the model."""
    document, inquiry = case.document, case.inquiry
    if document is None:
        return inquiry.body, inquiry.target
    count = len(document.segments)
    edits: Sequence[Change | None] = case.anonymized.edits if case.anonymized else [None] * len(case.segments)
    target = inquiry.target if case.query is None else case.query.replace(edits[count:]).decode()
    return document.replace(edits[:count], model=model), target
