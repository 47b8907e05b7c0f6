"""`inspect()`: one request body through the four steps, and the only file that knows their order.

    payload   bytes -> the texts in them
    pii       texts -> masked texts and the vault
    intent    rules, static table, transformer -> a scored intent
    routing   intent, entity types, headers -> the model

Masking fails closed: whatever goes wrong in the first two steps refuses the request. Routing fails open: whatever goes
wrong in the third gives the default model, and the reason is counted.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from extproc import payload
from extproc.config.intercept import rule_for
from extproc.errors import IntentmeshError, MaskingError, UnreadableBodyError
from extproc.exchange.inspection import Inspection
from extproc.logs import logger
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Redactor, Vault
from extproc.slices import Lease
from extproc.threads import LARGE_BYTES, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extproc.config import Mesh
    from extproc.config.intercept import Intercept
    from extproc.embedding.encoder import Encoder
    from extproc.exchange.inspection import Inquiry
    from extproc.intent import Asked, Classifier, IntentScore
    from extproc.payload import Change, Document, EditorFactory, Segment
    from extproc.pii import Anonymized
    from extproc.routing import Router

log = logger()

REPLY_RESERVE_S = 0.05
"""Of the deadline, kept for what comes after the classifier."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A request after the first step."""

    inquiry: Inquiry
    document: Document
    query: Document | None
    intent_text: str

    @property
    def segments(self) -> Sequence[Segment]:
        """The texts of the body, then those of the query."""
        return [*self.document.segments, *self.query.segments] if self.query else self.document.segments

    def rewrite(self, anonymized: Anonymized | None, model: str | None) -> tuple[bytes, str]:
        """Body and target as the upstream is to get them."""
        body = self.document.segments
        edits: Sequence[Change | None] = anonymized.edits if anonymized else [None] * len(body)
        target = self.inquiry.target
        if self.query is not None:
            target = self.query.replace(edits[len(body) :]).decode()
        return self.document.replace(edits[: len(body)], model=model), target


class _FailingClosed:
    """Around what searches for texts and masks them: what goes wrong in it becomes a refusal, and nothing is sent on."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, IntentmeshError):
            raise MaskingError(f"the body could not be masked ({type(error).__name__})") from error


FAILING_CLOSED = _FailingClosed()


def _lateness(score: IntentScore) -> str | None:
    return "late" if score.intent is None and score.reason in ("deadline", "busy") else None


class Pipeline:
    """The four steps, each built once for one `mesh.yaml`."""

    def __init__(
        self,
        mesh: Mesh,
        anonymizer: Anonymizer | None,
        classifier: Classifier | None,
        router: Router,
        redactor: Redactor | None = None,
    ) -> None:
        self.mesh = mesh
        self._redactor = redactor
        self._anonymizer = anonymizer
        self._classifier = classifier
        self._router = router
        self._deadline_s = mesh.limits.deadline_ms / 1000
        if classifier is not None:
            weakref.finalize(self, classifier.close)  # after the last stream that began with it
        self.threads = Threads()
        """For what takes long, of requests and of answers."""

    @classmethod
    def build(cls, mesh: Mesh, previous: Pipeline | None = None) -> Pipeline:
        """Build every part from the configuration; what an earlier pipeline has loaded is used again."""
        from extproc.routing import Router  # noqa: PLC0415

        analyzer = (previous.shared_analyzer(mesh) if previous else None) or Analyzer(mesh.pii)
        anonymizer = Anonymizer(mesh.pii, analyzer) if mesh.pii.enabled else None
        classifier = None
        if mesh.intents:
            from extproc.intent import Classifier  # noqa: PLC0415 - loads the embedding model

            classifier = Classifier(mesh, previous.shared_encoder(mesh) if previous else None, log.info)
        return cls(mesh, anonymizer, classifier, Router(mesh), Redactor(mesh.pii, analyzer))

    def watch_batches(self, on_pass: Callable[[int, int], None]) -> None:
        """Tell of each pass of the transformer: how many texts it takes, how many wait still. Called where it runs."""
        if self._classifier is not None:
            self._classifier.watch_batches(on_pass)

    def shared_encoder(self, mesh: Mesh) -> Encoder | None:
        """The embedding model, for another mesh that wants the same one."""
        ours, theirs = self.mesh.classifier, mesh.classifier
        same = (ours.encoder, ours.threads) == (theirs.encoder, theirs.threads)
        return self._classifier.encoder if same and self._classifier is not None else None

    def shared_analyzer(self, mesh: Mesh) -> Analyzer | None:
        """The recognizers, for another mesh that wants the same ones."""
        return self._redactor.analyzer if self._redactor and self.mesh.pii == mesh.pii else None

    def name_counts(self) -> dict[str, int]:
        """Texts that the name model saw, read, and left to cues beyond its budget, since `pii` was changed last."""
        return self._anonymizer.name_counts() if self._anonymizer else {}

    def rule_for(self, method: str, path: str) -> Intercept | None:
        """The first `intercept` rule that matches; None: the request is none of our business."""
        return rule_for(self.mesh.intercept, method, path)

    def decide_unread(self, headers: Mapping[str, str], reason: str) -> Inspection:
        """The answer to an intercepted request in which there is nothing to read."""
        return Inspection(self._router.decide(None, (), headers), reason=reason)

    async def inspect(self, inquiry: Inquiry, waited_s: float = 0.0) -> Inspection:
        """Mask, understand and route one body. `waited_s` of the deadline were gone before it was read.

        Raises UnreadableBodyError, BodyTooLargeError, BlockedEntityError and MaskingError: the request is refused.
        """
        deadline = monotonic() + self._deadline_s
        lease = Lease(deadline)
        # nobody knows how large a compressed body is before it is taken apart
        size = LARGE_BYTES if inquiry.headers.get("content-encoding") else len(inquiry.body)
        began = perf_counter()
        try:
            parsed = await self.threads.run(lease, size, self._parse, inquiry)
        except UnreadableBodyError:
            if self._refuses_unreadable(inquiry.rule):
                raise
            return self.decide_unread(inquiry.headers, "unreadable")
        document = parsed.document
        read = perf_counter()
        size = len(document.body)
        asked, trouble = self._ask(parsed.intent_text, inquiry.headers, deadline - waited_s - REPLY_RESERVE_S)
        begun = perf_counter()
        try:
            anonymized = None
            if self._anonymizer is not None:
                anonymized = await self.threads.run(lease, size, self._mask, self._anonymizer, parsed, deadline)
        except BaseException:
            if asked is not None:
                asked.cancel()
            raise
        masked = perf_counter()
        score = None
        if asked is not None:
            score, trouble = await self._answer(asked)
        understood = perf_counter()
        entities: Mapping[tuple[str, str], int] = anonymized.entities if anonymized else {}
        intent = score.intent if score else None
        decision = self._router.decide(intent, {entity_type for entity_type, _ in entities}, inquiry.headers)
        decided = perf_counter()
        body, target = await self.threads.run(lease, size, parsed.rewrite, anonymized, decision.upstream_name)
        steps = {
            "payload": read - began,
            "pii": masked - begun,
            "intent": begun - read + understood - masked,
            "routing": decided - understood,
            "rewrite": perf_counter() - decided,
        }
        return Inspection(
            decision,
            None if body == inquiry.body else body,
            None if target == inquiry.target else target,
            anonymized.vault if anonymized else None,
            score,
            trouble or decision.reason,
            entities,
            document.stream,
            steps,
        )

    def may_edit_answer(self, rule: Intercept) -> bool:
        """Whether an answer to a request under this rule can need editing. Known before the body is."""
        return rule.redact_output or (self._anonymizer is not None and self._restores(rule))

    def answer_editor(self, rule: Intercept, inspection: Inspection) -> EditorFactory | None:
        """Makes the editors of the texts in the answer; None: nothing is to change in it."""
        vault = inspection.vault
        restores = vault is not None and len(vault) > 0 and self._restores(rule)
        if not restores and not rule.redact_output:
            return None
        redactor = self._redactor if rule.redact_output else None
        return AnswerEditors(vault or Vault(), redactor, restore=restores)

    def _restores(self, rule: Intercept) -> bool:
        return self.mesh.pii.restore if rule.restore is None else rule.restore

    def _parse(self, inquiry: Inquiry) -> _Parsed:
        headers = inquiry.headers
        with FAILING_CLOSED:
            document = payload.parse(
                inquiry.rule,
                inquiry.path,
                headers.get("content-type", ""),
                headers.get("content-encoding", ""),
                inquiry.body,
                max_body_bytes=self.mesh.limits.max_body_bytes,
            )
            query = payload.parse_query(inquiry.target) if inquiry.rule.query and "?" in inquiry.target else None
            return _Parsed(inquiry, document, query, document.intent_text if self._classifier else "")

    @staticmethod
    def _mask(anonymizer: Anonymizer, parsed: _Parsed, deadline: float) -> Anonymized:
        with FAILING_CLOSED:
            return anonymizer.anonymize(
                parsed.segments,
                body=parsed.document.body,
                deadline=deadline,
                remember=parsed.inquiry.rule.redact_output,
            )

    def _ask(self, text: str, headers: Mapping[str, str], deadline: float) -> tuple[Asked | None, str | None]:
        """The question put to the classifier, which the transformer may be reading from here on; or None and why not."""
        if self._classifier is None:
            return None, None
        if monotonic() > deadline:
            return None, "late"
        try:
            return self._classifier.ask(text, headers, deadline), None
        except Exception as error:  # noqa: BLE001 - routing is an optimisation: it never costs a request
            return None, f"classifier:{type(error).__name__}"

    async def _answer(self, asked: Asked) -> tuple[IntentScore | None, str | None]:
        assert self._classifier is not None
        try:
            score = await self._classifier.answer(asked)
        except Exception as error:  # noqa: BLE001 - as above
            return None, f"classifier:{type(error).__name__}"
        return score, _lateness(score)

    def _refuses_unreadable(self, rule: Intercept) -> bool:
        if rule.on_unreadable == "auto":
            return self._anonymizer is not None
        return rule.on_unreadable == "reject"
