"""The first step: bytes -> the texts in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc import payload
from extproc.difficulty import difficulty_of
from extproc.errors import IntentmeshError, UnreadableBodyError
from extproc.language import language_of
from extproc.steps.closed import not_masked
from extproc.threads import SHORT_BYTES
from extproc.tokens import estimated_tokens, estimated_with_data

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept, Limits
    from extproc.decision import Facts
    from extproc.decision.facts import Learned
    from extproc.payload import Document
    from extproc.steps.case import Case
    from extproc.threads import Threads


DATA: Final = frozenset({"image", "audio", "video"})
"""What costs a model fewer tokens than its bytes would as a text."""
TEXT_BYTES: Final = 512
"""So many bytes of work is a text, however short: each is a call to the name models, where it may hold a name."""


class Reading:
    """Finds the texts of the body, and of the query where the rule wants it."""

    name: Final = "payload"

    def __init__(
        self,
        limits: Limits,
        threads: Threads,
        *,
        masks: bool,
        listens: bool,
        uses: bool = False,
        languages: bool = False,
        difficulty: bool = False,
        counts: bool = False,
        tells: bool = True,
    ) -> None:
        """`masks`: something may have to be masked, so that a body that cannot be read must not pass by itself.
        `listens`: somebody will want to know what people say in it, as the classifier does.
        `uses`: and what it asks of a model. `languages`: and in which language.
        `difficulty`: and how hard it is likely to be.
        `counts`: how many tokens may be written is of importance. `tells`: somebody asks for more than a router without
        conditions does.
        """
        self._tells = tells
        self._uses = uses
        self._listens = listens
        self._languages = languages
        self._difficulty = difficulty
        self._counts = counts
        self._max_body_bytes = limits.max_body_bytes
        self._threads = threads
        self._masks = masks

    async def __call__(self, case: Case) -> None:
        """Raises UnreadableBodyError, unless the rule lets such a body pass, and BodyTooLargeError."""
        try:
            if case.size <= SHORT_BYTES:
                case.lease.run(self._read, case)
            else:
                await self._threads.run(case.lease, case.size, self._read, case)
        except UnreadableBodyError:
            if self._refuses_unreadable(case.inquiry.rule):
                raise
            case.reason = "unreadable"

    def _read(self, case: Case) -> None:
        inquiry = case.inquiry
        try:
            headers, rule, path = inquiry.headers, inquiry.rule, case.facts.path
            document = payload.parse(
                rule,
                path,
                headers.get("content-type", ""),
                headers.get("content-encoding", ""),
                inquiry.body,
                max_body_bytes=self._max_body_bytes,
            )
            query = payload.parse_query(inquiry.target) if rule.query and "?" in inquiry.target else None
            facts = self._facts(case, document, path)
        except IntentmeshError:
            raise
        except Exception as error:
            raise not_masked(error) from error
        case.document, case.query, case.facts = document, query, facts
        case.size = len(document.body) + TEXT_BYTES * len(document.segments)

    def _facts(self, case: Case, document: Document, path: str) -> Facts:
        """What is known once a body has been read, as far as somebody will ask."""
        if self._listens:
            case.conversation = document.conversation
        learned: Learned = {"model": document.model or "", "streamed": document.stream}
        if self._uses:
            learned["uses"] = payload.used(document, path)
        if not self._tells:
            return case.facts.with_(**learned)
        learned["tools"] = payload.offered_tools(document)
        learned["tokens"] = estimated_tokens(len(document.body))
        if self._listens:
            conversation = case.conversation
            learned["turns"], learned["images"], learned["audio"] = (
                conversation.turns,
                conversation.images,
                conversation.audio,
            )
            learned["code"] = conversation.code
            learned["unsearched"] = sum(document.unsearched.values())
            if self._languages:
                learned["language"] = language_of(conversation.text)
            if self._difficulty:
                learned["difficulty"] = difficulty_of(conversation.text)
        if self._counts:
            learned["output_limit"], learned["answers"] = payload.asked_tokens(document)
            if (size := len(document.body)) > SHORT_BYTES:
                data = sum(part for reason, part in document.unsearched.items() if reason in DATA)
                learned["tokens"] = estimated_with_data(size, data)
        return case.facts.with_(**learned)

    def _refuses_unreadable(self, rule: Intercept) -> bool:
        return self._masks if rule.on_unreadable == "auto" else rule.on_unreadable == "reject"
