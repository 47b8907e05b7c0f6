"""The last step: what the upstream gets, and what its answer will pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.config.wire_names import FALLBACK_HEADER
from extproc.decision import Forward, Verdict
from extproc.errors import UntranslatableError
from extproc.identity import distinct
from extproc.payload import plain
from extproc.payload.translate import spoken
from extproc.payload.translate.fields import encoded, parsed
from extproc.prompts.request import put
from extproc.steps.hosting import on_platform
from extproc.steps.telling import told
from extproc.steps.translating import CALLER_HEADERS, AnswerLink, dropped
from extproc.threads import SHORT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload import Change
    from extproc.payload.translate import Translated
    from extproc.prompts import Library
    from extproc.routing import RouteDecision
    from extproc.steps.answer_chain import AnswerChain
    from extproc.steps.case import Case
    from extproc.steps.translating import Pair, Translations
    from extproc.threads import Threads


class Rewriting:
    """Writes body and target anew, in the API of the model."""

    name: Final = "rewrite"

    def __init__(
        self, chain: AnswerChain, translations: Translations, library: Library, threads: Threads, *, tells: bool = False
    ) -> None:
        """`tells`: answers say in headers how their requests were decided."""
        self._tells = tells
        self._chain = chain
        self._library = library
        self._translations = translations
        self._threads = threads

    async def __call__(self, case: Case) -> None:
        """Say what becomes of the request: it goes on. Raises UntranslatableError."""
        decision, inquiry = case.decision, case.inquiry
        assert decision is not None
        before = self._put_before(case, decision) if decision.prompt is not None else None
        pair = self._translations.pair(inquiry.rule, case.facts.path, decision.model)
        if pair is not None:
            await self._translate(case, decision, pair, before)
            return
        # where models may stand in for one another, each attempt calls its own by name
        others = case.facts.fallback
        name = None if case.facts.knows("fallback") else decision.upstream_name
        if case.size <= SHORT_BYTES:
            body, target = case.lease.run(rewritten, case, name, before)
        else:
            body, target = await self._threads.run(case.lease, case.size, rewritten, case, name, before)
        forward = Forward(
            decision.model,
            decision.residency,
            case.reason or decision.reason,
            None if body == inquiry.body and not case.prompted else body,
            None if target == inquiry.target else target,
            set_headers={FALLBACK_HEADER: ",".join(others)} if others else {},
            remove_headers=("content-encoding",) if before is not None else (),
            tells=told(case) if self._tells else {},
            answer=self._chain.links(case),
            inspection=case.inspection(),
        )
        await self._end(case, forward)

    def _put_before(self, case: Case, decision: RouteDecision) -> Before | None:
        """What the rule puts before all that the request says, where its API has a place for that."""
        if decision.prompt is None or case.document is None:
            return None
        api = spoken(case.inquiry.rule, case.inquiry.path)
        if api is None:
            return None
        name, _, wanted = decision.prompt.partition("@")
        caller = distinct(case.inquiry.caller, case.inquiry.headers)
        chosen = self._library.get(name, wanted or None, caller)
        case.facts = case.facts._replace(verdicts=(*case.facts.verdicts, Verdict("prompt", "allow", str(chosen))))
        return Before(chosen.render({}), api.dialect)

    async def _translate(self, case: Case, decision: RouteDecision, pair: Pair, before: Before | None) -> None:
        new = await self._threads.run(case.lease, case.size, translated, case, pair, decision.upstream_name, before)
        case.facts = case.facts._replace(verdicts=case.facts.verdicts + dropped(new.dropped))
        forward = Forward(
            decision.model,
            decision.residency,
            case.reason or decision.reason,
            new.body,
            new.target,
            set_headers=new.headers,
            remove_headers=("content-encoding", *(name for name in CALLER_HEADERS if name not in new.headers)),
            tells=told(case) if self._tells else {},
            answer=self._chain.links(case, AnswerLink(new.answer)),
            inspection=case.inspection(),
        )
        await self._end(case, forward)

    async def _end(self, case: Case, forward: Forward) -> None:
        """As the cloud wants it that serves the model, if one does; where others may stand in, each attempt sees to that."""
        model = self._translations.models[forward.model]
        if model.platform is not None and not case.facts.knows("fallback"):
            forward = await self._threads.run(case.lease, case.size, on_platform, model, case.inquiry, forward)
        case.outcome = forward


class Before(NamedTuple):
    """A prompt that a rule puts before what a request says, in the caller's API."""

    text: str
    dialect: str

    def put(self, body: bytes) -> bytes:
        """The body with it; one that is no object of JSON is for the upstream to refuse."""
        value = parsed(body)
        return encoded(put(value, self.text, self.dialect, "system")) if isinstance(value, dict) else body


def translated(case: Case, pair: Pair, model: str | None, before: Before | None) -> Translated:
    """The masked request in the API of its model. Raises UntranslatableError."""
    if case.document is None:
        raise UntranslatableError("the body cannot be read, and the model that gets it speaks another API")
    body = plain(case.document, _edits(case)[: len(case.document.segments)])
    return pair.request(before.put(body) if before else body, model)


def _edits(case: Case) -> Sequence[Change | None]:
    return case.anonymized.edits if case.anonymized else [None] * len(case.segments)


def rewritten(case: Case, model: str | None, before: Before | None) -> tuple[bytes, str]:
    """Body and target as the upstream is to get them, `model` as it calls the model."""
    document, inquiry = case.document, case.inquiry
    if document is None:
        return inquiry.body, inquiry.target
    count = len(document.segments)
    edits = _edits(case)
    target = inquiry.target if case.query is None else case.query.replace(edits[count:]).decode()
    if before is not None:
        return before.put(plain(document, edits[:count], model)), target
    return document.replace(edits[:count], model=model), target
