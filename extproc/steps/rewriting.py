"""The last step: what the upstream gets, and what its answer will pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.decision import Forward
from extproc.errors import UntranslatableError
from extproc.payload import plain
from extproc.steps.translating import CALLER_HEADERS, AnswerLink, dropped
from extproc.threads import SHORT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload import Change
    from extproc.payload.translate import Translated
    from extproc.routing import RouteDecision
    from extproc.steps.answer_chain import AnswerChain
    from extproc.steps.case import Case
    from extproc.steps.translating import Pair, Translations
    from extproc.threads import Threads


class Rewriting:
    """Writes body and target anew, in the API of the model."""

    name: Final = "rewrite"

    def __init__(self, chain: AnswerChain, translations: Translations, threads: Threads) -> None:
        self._chain = chain
        self._translations = translations
        self._threads = threads

    async def __call__(self, case: Case) -> None:
        """Say what becomes of the request: it goes on. Raises UntranslatableError."""
        decision, inquiry = case.decision, case.inquiry
        assert decision is not None
        pair = self._translations.pair(inquiry.rule, inquiry.path, decision.model)
        if pair is not None:
            await self._translate(case, decision, pair)
            return
        if case.size <= SHORT_BYTES:
            body, target = case.lease.run(rewritten, case, decision.upstream_name)
        else:
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

    async def _translate(self, case: Case, decision: RouteDecision, pair: Pair) -> None:
        new = await self._threads.run(case.lease, case.size, translated, case, pair, decision.upstream_name)
        case.facts = case.facts._replace(verdicts=case.facts.verdicts + dropped(new.dropped))
        case.outcome = Forward(
            decision.model,
            decision.residency,
            case.reason or decision.reason,
            new.body,
            new.target,
            set_headers=new.headers,
            remove_headers=("content-encoding", *(name for name in CALLER_HEADERS if name not in new.headers)),
            answer=self._chain.links(case, AnswerLink(new.answer)),
            inspection=case.inspection(),
        )


def translated(case: Case, pair: Pair, model: str | None) -> Translated:
    """The masked request in the API of its model. Raises UntranslatableError."""
    if case.document is None:
        raise UntranslatableError("the body cannot be read, and the model that gets it speaks another API")
    return pair.request(plain(case.document, _edits(case)[: len(case.document.segments)]), model)


def _edits(case: Case) -> Sequence[Change | None]:
    return case.anonymized.edits if case.anonymized else [None] * len(case.segments)


def rewritten(case: Case, model: str | None) -> tuple[bytes, str]:
    """Body and target as the upstream is to get them, `model` as it calls the model."""
    document, inquiry = case.document, case.inquiry
    if document is None:
        return inquiry.body, inquiry.target
    count = len(document.segments)
    edits = _edits(case)
    target = inquiry.target if case.query is None else case.query.replace(edits[count:]).decode()
    return document.replace(edits[:count], model=model), target
