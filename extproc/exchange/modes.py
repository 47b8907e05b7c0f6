"""How a request is held back until it is whole, and then let go, in each of Envoy's body modes.

BUFFERED is the mode to choose: one message, one reply, the route decided by the body and `content-length` kept.
FULL_DUPLEX_STREAMED can do the same at the price of memory here. STREAMED can mask but not route, since the headers have
left when the body comes. The others cannot be made safe, and are refused at the first message.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from extproc.errors import ModeError
from extproc.exchange.events import BodyMode, Chunk, Modes, Mutate, Proceed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.exchange.events import Phase, Reply

PASS = Modes(BodyMode.NONE, response_headers=False, response_body=BodyMode.NONE)
"""Send us nothing more of this exchange."""
READ = Modes(BodyMode.BUFFERED, response_headers=False, response_body=BodyMode.NONE)
"""Send us the request's body, and nothing of the answer."""
CHUNK_BYTES = 64 * 1024
"""Largest piece of a body in FULL_DUPLEX_STREAMED, as Envoy asks of processors."""
_STREAMING = (BodyMode.STREAMED, BodyMode.FULL_DUPLEX_STREAMED)
ASSUMED = (BodyMode.BUFFERED, BodyMode.NONE)
"""The modes of an Envoy that does not tell them: those of the configuration that we render."""


def edit(request_body: BodyMode) -> Modes:
    """Send us the answer's body as it comes."""
    return Modes(request_body, response_headers=True, response_body=BodyMode.STREAMED)


def check(request_body: BodyMode, response_body: BodyMode, *, routes: bool, restores: bool) -> None:
    """Raise ModeError where an intercepted request cannot be handled safely."""
    match request_body:
        case BodyMode.BUFFERED | BodyMode.FULL_DUPLEX_STREAMED:
            pass
        case BodyMode.STREAMED:
            if routes:
                raise ModeError(
                    "request_body_mode STREAMED cannot route by the body, whose headers have left before it"
                )
        case BodyMode.NONE:
            raise ModeError("request_body_mode NONE shows no body, so that none can be masked")
        case BodyMode.BUFFERED_PARTIAL:
            raise ModeError(
                "request_body_mode BUFFERED_PARTIAL shows a part of a large body; the rest cannot be masked"
            )
        case BodyMode.GRPC:
            raise ModeError("request_body_mode GRPC is not for HTTP requests with a text body")
    if not restores:
        return
    if request_body is BodyMode.FULL_DUPLEX_STREAMED and response_body not in _STREAMING:
        raise ModeError(
            "request_body_mode FULL_DUPLEX_STREAMED allows no override, so response_body_mode must be it too"
        )
    if response_body in (BodyMode.BUFFERED_PARTIAL, BodyMode.GRPC):
        raise ModeError(
            f"response_body_mode {response_body.name} shows a part of an answer; the rest cannot be restored"
        )


def hold(mode: BodyMode, *, shadow: bool) -> tuple[Reply, ...]:
    """Reply to a piece of a request that is not whole yet."""
    if mode is BodyMode.FULL_DUPLEX_STREAMED:
        return ()
    return (Proceed("request_body") if shadow else Mutate("request_body", body=b""),)


def release(mode: BodyMode, change: Mutate | None, body: bytes, *, trailers: bool) -> tuple[Reply, ...]:
    """Replies to a request that is whole and inspected. `body` is what came; `change` None: nothing is to change."""
    if mode is BodyMode.FULL_DUPLEX_STREAMED:
        return tuple(_release_duplex(change, body, trailers=trailers))
    if change is None:
        return (Proceed("request_body"),)
    if mode is BodyMode.STREAMED:
        return (Mutate("request_body", body=body if change.body is None else change.body, metadata=change.metadata),)
    return (change,)


def _release_duplex(change: Mutate | None, body: bytes, *, trailers: bool) -> Iterator[Reply]:
    if change is None:
        yield Proceed("request_headers")
    else:
        yield replace(change, phase="request_headers", body=None, content_length=False)
        body = body if change.body is None else change.body
    yield from chunks("request_body", body, end=not trailers)
    if trailers:
        yield Proceed("request_trailers")


def chunks(phase: Phase, body: bytes, *, end: bool) -> Iterator[Chunk]:
    """A body in pieces that Envoy takes; the last says whether it is the end."""
    for start in range(0, max(len(body), 1), CHUNK_BYTES):
        stop = start + CHUNK_BYTES
        yield Chunk(phase, body[start:stop], end and stop >= len(body))
