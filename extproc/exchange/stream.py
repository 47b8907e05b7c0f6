"""`HttpStream`: one HTTP exchange as a state machine. Events in, replies out; no gRPC, no socket, no waiting.

The one thing that takes time, the inspection of a body, is handed out as an `Inquiry`, and its result handed back in:

    step = stream.receive(event)
    if isinstance(step, Inquiry):
        step = stream.inspected(await pipeline.inspect(step))

The legal moves are the table in `states.py`. Anything else is a ProtocolError, and the gRPC stream must then be aborted: if it
ended cleanly, Envoy would go on without us and send the body as it came ("if the server closes the gRPC stream cleanly,
then the data plane proceeds without consulting the server").

That rule has a good side. Once everything is done that we have to do for an exchange, `finished` holds and the service
closes the stream cleanly: Envoy asks no more, and the rest of the exchange costs nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from extproc.config.intercept import rule_for
from extproc.config.wire_names import ANSWERED_HEADER, HEADER_PREFIX, MODEL_HEADER, RESIDENCY_HEADER, TOLD_HEADERS
from extproc.decision import Facts, Forward, Inquiry, NeedsBody, Refuse
from extproc.errors import ERRORS_FROM, AuditError, BodyTooLargeError, ProtocolError, UnreadableAnswerError
from extproc.exchange import modes
from extproc.exchange.answer import Answer
from extproc.exchange.events import (
    BodyMode,
    Event,
    Modes,
    Mutate,
    Proceed,
    Reply,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
    request_id_of,
)
from extproc.exchange.observer import Observer, Silence
from extproc.exchange.recorder import Recorder
from extproc.exchange.refusal import refuse
from extproc.exchange.states import NEXT, State
from extproc.identity import ANONYMOUS
from extproc.payload import STALE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.config.models import Model
    from extproc.decision import Inspection, Outcome, Respond
    from extproc.errors import IntentmeshError
    from extproc.exchange.record import ExchangeRecord, OutcomeLabel
    from extproc.exchange.settings import ExchangeSettings
    from extproc.pipeline import Pipeline


Step = tuple[Reply, ...] | Inquiry


SHOWN = "+"
"""Ends the keys of exchanges whose answers we are shown."""


class End(Enum):
    """How a gRPC stream ends."""

    CLOSED = auto()
    """By us, cleanly: all is done."""
    LEFT = auto()
    """By Envoy, which resets every stream that it is done with."""
    ABORTED = auto()
    """By us, with an error."""


class HttpStream:
    """One exchange. Made for it and gone with it: the vault lives here and nowhere else."""

    def __init__(
        self,
        settings: ExchangeSettings,
        pipeline: Pipeline,
        observer: Observer | None = None,
        log_key: str = "",
        parent: str = "",
    ) -> None:
        """`log_key`: under this key Envoy's access log will tell how the exchange ended; empty: it will not. `parent`: the span
        of the gRPC call, as `traceparent` has it; empty: Envoy does not trace.
        """
        self.pipeline = pipeline
        self.finished = False
        """Nothing is left to do: the gRPC stream may be closed cleanly."""
        self.observed = False
        """Envoy reads no reply, and must be sent none."""
        self.rule: Intercept | None = None
        self.target = ""
        """Path and query."""
        self.log_key = ""
        """The key under which Envoy tells of an answer that we are not shown; empty: all is known when the stream ends."""
        self._settings = settings
        self._shadow = settings.shadow
        self._key = "" if self._shadow else log_key
        self._observer = observer = observer or Silence()
        self._reads_answers = observer.reads_answers
        self._parent = parent
        self._state = State.START
        self._request_open = False
        """More of an intercepted request is to come: the stream may neither be closed nor its modes changed."""
        self._headers: Mapping[str, str] = {}
        self._request_mode, self._response_mode = modes.ASSUMED
        self._held: list[bytes] = []
        self._trailers = False
        self._caller = ANONYMOUS
        self._admission: Facts | None = None
        self._forward: Forward | None = None
        self._answer: Answer | None = None
        self._responded = False
        self._echoed: set[str] = set()
        """Phases whose end has been handed back."""
        self._recorder = Recorder(shadow=self._shadow)

    @property
    def request_id(self) -> str:
        """Envoy's id of the request, under which logs, spans and the audit trail know it too."""
        return request_id_of(self._headers)

    @property
    def ids(self) -> dict[str, str]:
        """Under which a line of the log tells of it."""
        trace = self._recorder.trace
        traced = {"trace_id": trace.trace_id} if trace is not None and trace.trace_id else {}
        return {"request_id": self.request_id, **traced}

    def receive(self, event: Event) -> Step:
        """Take the next event: the replies to it, or the question on which they depend.

        Raises ProtocolError for an event that is not legal now; ModeError, BodyTooLargeError and AuditError refuse a request.
        """
        try:
            self._state = NEXT[self._state][type(event)]
        except KeyError:
            raise ProtocolError(f"{event.phase} is not legal in the state {self._state.name}") from None
        match event:
            case RequestHeaders():
                return self._request_headers(event)
            case RequestBody():
                return self._request_body(event)
            case RequestTrailers():
                return self._request_trailers(event)
            case ResponseHeaders():
                return self._response_headers(event)
            case ResponseBody():
                return self._response_body(event)
            case ResponseTrailers():
                return self._response_trailers(event)

    def weight(self, event: Event) -> int:
        """Bytes of work that `receive` will do for an event: much of it is to be done in a thread."""
        return self._answer.weight(event.body) if self._answer is not None and isinstance(event, ResponseBody) else 0

    # The request

    def _request_headers(self, event: RequestHeaders) -> Step:
        headers = self._headers = event.headers
        self.observed = self._recorder.observed = event.observed
        self.target = headers.get(":path", "")
        self.rule = rule_for(self._settings.rules, headers.get(":method", ""), self.target.partition("?")[0])
        self._recorder.begun(self.rule, headers)
        if event.negotiated:
            self._request_mode, self._response_mode = event.negotiated.request_body, event.negotiated.response_body
        if event.end_of_stream:
            self._state = State.UPSTREAM
        if self.rule is None:
            return self._pass_by()
        if self._observer.refuses:
            raise AuditError("the audit trail cannot be written, and no request goes on without it")
        self._recorder.caller = self._caller = self._settings.callers.caller(
            headers, event.metadata, event.certificate, outbound=event.outbound
        )
        # Envoy's own span of the call, where it traces: the caller's is that one's parent
        traced = {**headers, "traceparent": self._parent} if self._parent else headers
        self._recorder.trace = self._observer.begin(traced, self._caller)
        if self.pipeline.gates:
            admission = self.pipeline.admit(self._question())
            if not isinstance(admission, Facts):
                return self.inspected(admission)
            self._admission = admission
        return self._question() if event.end_of_stream else self._await_body(self.rule)

    def _question(self, body: bytes = b"") -> Inquiry:
        assert self.rule is not None
        return Inquiry(self.rule, self.target, self._headers, body, self._caller, self._admission)

    def _await_body(self, rule: Intercept) -> tuple[Reply, ...]:
        """The reply to the headers of a request whose body is to be read."""
        edits = self.pipeline.may_edit_answer(rule, self.target)
        if not self._shadow and not self.observed:
            modes.check(self._request_mode, self._response_mode, routes=self._settings.routes, restores=edits)
        self._request_open = True
        if self._request_mode is BodyMode.FULL_DUPLEX_STREAMED:
            return ()  # the headers wait for the body, which decides their route
        if self._request_mode is BodyMode.STREAMED and not self._shadow:
            change = self._change(self.pipeline.forward_unread(self._question().facts(), "streamed"))
            return (Mutate("request_headers", change.set_headers, change.remove_headers, clear_route_cache=True),)
        shown = edits or self.pipeline.tells or self._reads_usage()
        return (Proceed("request_headers", None if shown else modes.READ),)

    def _pass_by(self) -> tuple[Reply, ...]:
        """None of our business."""
        (reply,) = self._let_go()
        spoofed = _ours_in(self._headers)
        if spoofed and not self._shadow:
            return (Mutate("request_headers", remove_headers=spoofed, clear_route_cache=True, modes=reply.modes),)
        return (reply,)

    def _let_go(self) -> tuple[Proceed]:
        """The reply to the headers after which Envoy is to send nothing more."""
        duplex = self._request_mode is BodyMode.FULL_DUPLEX_STREAMED
        # In these modes pieces of the body may be on their way to us, and would be lost if we closed the stream.
        self.finished = self._state is State.UPSTREAM or self._request_mode in (BodyMode.BUFFERED, BodyMode.NONE)
        return (Proceed("request_headers", None if duplex else modes.PASS),)

    def _request_body(self, event: RequestBody) -> Step:
        if self.rule is None or not self._request_open:
            return self._echo(event)
        self._recorder.request_bytes += len(event.body)
        limit = self._settings.max_body_bytes
        if self._recorder.request_bytes > limit:
            raise BodyTooLargeError(f"the body is larger than {limit} bytes")
        self._held.append(event.body)
        # A buffered body comes whole, whatever it says of its end: with trailers, the end is theirs.
        if event.end_of_stream or (self._request_mode is BodyMode.BUFFERED and not self.observed):
            return self._inquire()
        return modes.hold(self._request_mode, shadow=self._shadow)

    def _request_trailers(self, event: RequestTrailers) -> Step:
        if not self._request_open:
            return (Proceed(event.phase),)
        if self._request_mode is BodyMode.STREAMED and not self._shadow:
            raise ProtocolError("a body held back in STREAMED cannot be released by trailers")
        self._trailers = True
        return self._inquire()

    def _inquire(self) -> Inquiry:
        assert self.rule is not None
        if self._state is State.REQUEST:
            self._state = State.UPSTREAM
        if len(self._held) > 1:
            self._held = [b"".join(self._held)]
        self._recorder.asked_at = time.perf_counter()
        body = self._held[0] if self._held else b""
        if self._request_mode is BodyMode.BUFFERED:
            self._held = []  # Envoy has it, and keeps it unless we change it
        return self._question(body)

    def inspected(self, outcome: Outcome) -> tuple[Reply, ...]:
        """The result of an Inquiry: the replies that carry it out."""
        if isinstance(outcome, Forward):
            return self._go_on(outcome)
        if isinstance(outcome, Refuse):
            return self.refused(outcome.error, outcome.inspection)
        self._recorder.responded(outcome.status, "forwarded" if self._shadow else "answered", outcome.inspection)
        return self._respond(outcome)

    def _go_on(self, forward: Forward) -> tuple[Reply, ...]:
        self._forward = forward
        self._recorder.forwarded(forward)
        reads = self._needs_answer(forward)
        self.finished = not (reads or self._tells)
        if self._key and not self.observed:
            # of an answer that we are shown, Envoy tells all the same how it ended, where we cannot know
            self.log_key = f"{self._key}{SHOWN}" if reads else self._key
        if self._request_open:
            return self._release(None if self._shadow else self._change(forward))
        # There was no body: the reply to the headers says all, and may still say what we want to see of the answer.
        override = modes.PASS if self.finished else None
        if self._shadow:
            return (Proceed("request_headers", override),)
        change = self._change(forward)
        return (replace(change, phase="request_headers", body=None, content_length=False, modes=override),)

    def refused(self, error: IntentmeshError, inspection: Inspection | None = None) -> tuple[Reply, ...]:
        """An error that answers the request: the replies that do so. In shadow mode the request goes on all the same."""
        reply = refuse(error, self.rule, self.target, self.request_id)
        if self._shadow:
            self._recorder.refused(error, "forwarded", inspection)
        else:
            self._recorder.refused(error, "rejected", inspection, reply.status)
        return self._respond(reply)

    def _respond(self, reply: Respond) -> tuple[Reply, ...]:
        """Answer the request; in shadow mode let it go on."""
        self._responded = True
        if not self._shadow:
            self._state = State.END
            self._request_open = False
            self.finished = True
            return (reply,)
        if self._request_open:
            self.finished = True
            return self._release(None)
        return self._let_go()

    def _release(self, change: Mutate | None) -> tuple[Reply, ...]:
        held, self._held = self._held, []
        self._echoed.add("request_body")
        self._request_open = False
        return modes.release(self._request_mode, change, held[0] if held else b"", trailers=self._trailers)

    def _change(self, forward: Forward) -> Mutate:
        """What becomes of a request that goes on. Envoy picks the route again by the headers as they are then."""
        headers = {**forward.set_headers, MODEL_HEADER: forward.model}
        if forward.target is not None:
            headers[":path"] = forward.target
        if forward.residency != "external":
            headers[RESIDENCY_HEADER] = forward.residency
        if self._recorder.trace:
            headers.update(self._recorder.trace.headers)
        spoofed = [name for name in _ours_in(self._headers) if name not in headers]
        return Mutate(
            "request_body",
            headers,
            (*spoofed, *self._secrets(), *forward.remove_headers),
            body=forward.body,
            content_length=True,
            clear_route_cache=True,
            metadata=self._recorder.metadata(forward, self.log_key),
        )

    def _secrets(self) -> tuple[str, ...]:
        """Headers that no upstream is to see: a key of ours."""
        return (self._settings.callers.secret_header,) if self._caller.source == "key" else ()

    # The answer

    def _response_headers(self, event: ResponseHeaders) -> Step:
        self._stood_in(event.headers.get(ANSWERED_HEADER, ""))
        self._recorder.answered(event, self._version(event.cluster))
        if not event.end_of_stream:
            self._answer = self._begin_answer(event.headers)
        else:
            self._state = State.END
            self._check_bodyless(event.headers.get(":status", ""))
        if self._request_open:
            # Closing the stream now, or changing its modes, would let the rest of the request pass unmasked.
            return (Proceed("response_headers"),)
        streaming = self._response_mode in (BodyMode.STREAMED, BodyMode.FULL_DUPLEX_STREAMED)
        if self._answer is None:
            self.finished = self._state is State.END or not streaming
            return (self._told({}, (), None if streaming else modes.PASS),)
        override = None if streaming else modes.edit(self._request_mode)
        if self._answer.edits and not event.end_of_stream:
            # Envoy checks a mutated body against its length, even in a mode that it was overridden to; others check its digest.
            return (self._told(self._answer.headers, STALE_HEADERS, override),)
        return (self._told({}, (), override),)

    def _check_bodyless(self, status: str) -> None:
        """Raises UnreadableAnswerError for a success of which something was to be made, and that says nothing."""
        links = self._forward.answer if self._forward is not None and not (self._shadow or self._responded) else ()
        if any(isinstance(link, NeedsBody) for link in links) and status.isdigit() and int(status) < ERRORS_FROM:
            raise UnreadableAnswerError("the upstream's answer is empty")

    @property
    def _tells(self) -> bool:
        """The answer is to say how the request was decided."""
        return self.pipeline.tells and self._forward is not None and not (self._shadow or self.observed)

    def _told(self, changed: Mapping[str, str], removed: tuple[str, ...], override: Modes | None) -> Reply:
        """The reply to the headers of an answer, with what they are to say of the decision."""
        if self._tells:
            assert self._forward is not None
            changed = {**changed, **self._forward.tells}
            removed = (*removed, *(name for name in TOLD_HEADERS if name not in changed))
        if not changed and not removed:
            return Proceed("response_headers", override)
        return Mutate("response_headers", changed, remove_headers=removed, modes=override)

    def _stood_in(self, name: str) -> None:
        """Another model has answered than the one that was chosen."""
        # of a request that nobody else may answer, an upstream could say whatever it likes
        if self._forward is not None and name in self._forward.inspection.facts.fallback:
            self._forward = replace(self._forward, model=name)
            self._recorder.forwarded(self._forward)

    def _begin_answer(self, headers: Mapping[str, str]) -> Answer | None:
        if self._forward is None or self._responded:
            return None
        reads = self._observer.reader if self._reads_answers else None
        links = () if self._shadow else self._forward.answer
        answer = self._recorder.answer = Answer.begin(headers, links, reads)
        return answer

    def _response_body(self, event: ResponseBody) -> Step:
        if event.end_of_stream:
            self._state = State.END
            self.finished = not self._request_open
        answer = self._answer
        if answer is None:
            return self._echo(event)
        if self._recorder.first_chunk_at is None:
            self._recorder.first_chunk_at = time.perf_counter()
        out = answer.feed(event.body, end=event.end_of_stream)
        if self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
            if not out and not event.end_of_stream:
                return ()
            return tuple(modes.chunks("response_body", out, end=event.end_of_stream))
        bill = self._recorder.bill(self._observer) if event.end_of_stream else None
        if not answer.edits or out == event.body:
            return (Mutate("response_body", metadata=bill) if bill else Proceed("response_body"),)
        # Only a buffered answer keeps its content-length; Envoy drops it in the other modes.
        whole = self._response_mode is BodyMode.BUFFERED
        return (Mutate("response_body", body=out, content_length=whole, metadata=bill),)

    def _response_trailers(self, event: ResponseTrailers) -> Step:
        self.finished = not self._request_open
        replies: tuple[Reply, ...] = (Proceed(event.phase),)
        if self._answer is not None and self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
            rest = self._answer.feed(b"", end=True)
            return (*modes.chunks("response_body", rest, end=False), *replies) if rest else replies
        return replies

    def _echo(self, event: RequestBody | ResponseBody) -> tuple[Reply, ...]:
        """Hand a piece of a body back as it came."""
        request = isinstance(event, RequestBody)
        mode = self._request_mode if request else self._response_mode
        if mode is not BodyMode.FULL_DUPLEX_STREAMED:
            return (Proceed(event.phase),)
        if event.phase in self._echoed:
            return ()
        if event.end_of_stream:
            self._echoed.add(event.phase)
        return tuple(modes.chunks(event.phase, event.body, end=event.end_of_stream))

    def _reads_usage(self) -> bool:
        """Whether an answer is to be shown to us for its numbers alone."""
        return self._reads_answers and not self._key

    def _needs_answer(self, forward: Forward) -> bool:
        if self._reads_usage() or self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
            return True
        return not self._shadow and bool(forward.answer)

    def _version(self, cluster: str) -> str | None:
        """Which version of the model answered, where Envoy tells."""
        if not cluster or self._forward is None:
            return None
        model = self._forward.model
        return self._settings.models[model].version_of(model, cluster)

    # The record

    @property
    def model(self) -> Model | None:
        """The registry's entry that it went to."""
        return self._settings.models.get(self._forward.model) if self._forward else None

    def end(self, how: End, fault: str | None = None) -> ExchangeRecord:
        """The gRPC stream is over: the exchange as telemetry may know it. `log_key` then says whether Envoy tells the rest.

        `fault`: the class of the error that ended it.
        """
        open_ = self._request_open or (self._answer is not None and self._state is not State.END)
        if self.log_key.endswith(SHOWN) and how is End.LEFT and self._state is not State.END:
            open_ = True  # the answer had not even begun
        if self._tells and how is End.LEFT and self._state is State.UPSTREAM:
            open_ = True  # likewise
        if self.log_key.endswith(SHOWN):  # all is known, but why it ended early, and who says that the upstream failed
            waits = how is not End.ABORTED and (open_ or self._recorder.has_failed)
        else:
            waits = how is End.CLOSED and not open_
        if self._request_open or not waits:
            self.log_key = ""
        outcome: OutcomeLabel | None = "failed" if how is End.ABORTED else "cancelled" if open_ else None
        return self._recorder.record(outcome, fault)


_SIGN = HEADER_PREFIX.removeprefix("x-").removesuffix("-")


def _ours_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Headers that are ours alone: to many an upstream `x_intentmesh_model` is `x-intentmesh-model`."""
    return tuple([n for n in headers if _SIGN in n and n.replace("_", "-").startswith(HEADER_PREFIX)])
