"""The first step: bytes -> the texts in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from extproc import payload
from extproc.errors import UnreadableBodyError
from extproc.language import language_of
from extproc.steps.closed import FAILING_CLOSED
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept, Limits
    from extproc.config.models import Capability
    from extproc.decision import Inquiry
    from extproc.payload import Conversation, Document
    from extproc.steps.case import Case
    from extproc.threads import Threads


TEXT_BYTES: Final = 512
"""So many bytes of work is a text, however short: each is a call to the name models, where it may hold a name."""


class _Read(NamedTuple):
    """What is done in one go, on the event loop or in a thread."""

    document: Document
    query: Document | None
    conversation: Conversation
    language: str
    code: float
    tools: tuple[str, ...]
    uses: frozenset[Capability] | None


class Reading:
    """Finds the texts of the body, and of the query where the rule wants it."""

    name: Final = "payload"

    def __init__(self, limits: Limits, threads: Threads, *, masks: bool, listens: bool, uses: bool = False) -> None:
        """`masks`: something may have to be masked, so that a body that cannot be read must not pass by itself.
        `listens`: somebody will want to know what people say in it, as the classifier does, and rules on the language.
        `uses`: and what it asks of a model.
        """
        self._uses = uses
        self._listens = listens
        self._max_body_bytes = limits.max_body_bytes
        self._threads = threads
        self._masks = masks

    async def __call__(self, case: Case) -> None:
        """Raises UnreadableBodyError, unless the rule lets such a body pass, and BodyTooLargeError."""
        inquiry = case.inquiry
        try:
            read = await self._threads.run(case.lease, case.size, self._parse, inquiry)
        except UnreadableBodyError:
            if self._refuses_unreadable(inquiry.rule):
                raise
            case.reason = "unreadable"
            return
        document = case.document = read.document
        case.query, said = read.query, read.conversation
        case.conversation = said
        size = len(document.body)
        case.size = size + TEXT_BYTES * len(document.segments)
        case.facts = case.facts.with_(
            model=document.model or "",
            streamed=document.stream,
            tools=read.tools,
            tokens=estimated_tokens(size),
            language=read.language,
            turns=said.turns,
            images=said.images,
            audio=said.audio,
            code=read.code,
        )
        if read.uses is not None:
            case.facts = case.facts.with_(uses=read.uses)

    def _parse(self, inquiry: Inquiry) -> _Read:
        headers = inquiry.headers
        with FAILING_CLOSED:
            document = payload.parse(
                inquiry.rule,
                inquiry.path,
                headers.get("content-type", ""),
                headers.get("content-encoding", ""),
                inquiry.body,
                max_body_bytes=self._max_body_bytes,
            )
            query = payload.parse_query(inquiry.target) if inquiry.rule.query and "?" in inquiry.target else None
            uses = payload.used(document, inquiry.path) if self._uses else None
            said = document.conversation if self._listens else payload.NOTHING_SAID
            tools = payload.offered_tools(document)
            return _Read(document, query, said, language_of(said.text), said.code, tools, uses)

    def _refuses_unreadable(self, rule: Intercept) -> bool:
        return self._masks if rule.on_unreadable == "auto" else rule.on_unreadable == "reject"
