"""The server: listens, finds the handler of a call, and ends it as the handler ended.

A deadline (`grpc-timeout`) is the caller's to keep: it resets what takes too long, and the handler is cancelled.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc

from extproc.http2.connection import Connection
from extproc.http2.incoming import AbortedError
from extproc.http2.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from socket import socket as Socket  # noqa: N812 - a parameter has its name

    from extproc.http2.call import Call
    from extproc.http2.headers import Metadata
    from extproc.http2.tls import Certificates

UNIX = "unix:"
BACKLOG = 512
PATIENCE_S = 1.0
"""For handlers to end that were cancelled."""


class Server:
    """Serves gRPC's handlers on one address."""

    def __init__(
        self,
        address: str,
        *,
        largest_message: int,
        report: Callable[[BaseException], None],
        certificates: Certificates | None = None,
        socket: Socket | None = None,
    ) -> None:
        """`address`: `unix:/path` or `host:port`. `report` hears of what a handler raised. `certificates`: TLS alone.

        `socket`: a Unix socket that listens already, in the place of `address`.
        """
        self._address = address
        self._socket = socket
        self._largest_message = largest_message
        self._report = report
        self._certificates = certificates
        self._finders: list[Any] = []
        self._handlers: dict[str, Any] = {}
        self._connections: set[Connection] = set()
        self._works: set[Work] = set()
        self._idle = asyncio.Event()
        self._listening: asyncio.Server | None = None

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """As gRPC's own servers have it; what is generated for a service calls it."""
        self._finders += handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Likewise."""
        self._handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}

    async def start(self) -> None:
        """Listen. Raises OSError where that cannot be."""
        loop = asyncio.get_running_loop()
        connection = partial(self.connection, loop)
        if self._socket is not None:
            self._listening = await loop.create_unix_server(connection, sock=self._socket, backlog=BACKLOG)
        elif self._address.startswith(UNIX):
            path = self._address.removeprefix(UNIX)
            self._listening = await loop.create_unix_server(connection, path, backlog=BACKLOG)
        else:
            host, _, port = self._address.rpartition(":")
            context = self._certificates.context if self._certificates else None
            self._listening = await loop.create_server(
                connection, host.strip("[]"), int(port), backlog=BACKLOG, ssl=context
            )

    def connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """What asyncio makes for each client that connects."""
        made = Connection(loop, self._begin, self._connections.discard, self._largest_message)
        self._connections.add(made)
        return made

    def leave(self) -> None:
        """Take no more connections, and ask for no more calls. What is open goes on."""
        if self._listening is not None:
            self._listening.close()
        for connection in self._connections:
            connection.announce_end()

    async def stop(self) -> None:
        """End everything: calls that are still open are reset."""
        self.leave()
        for work in list(self._works):
            work.cancel()
        if self._works:
            self._idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), PATIENCE_S)
        for connection in list(self._connections):
            connection.close()

    def _begin(self, call: Call, metadata: Metadata) -> None:
        call.work = work = Work(self._run(call, dict(metadata)), partial(self._ended, call))
        self._works.add(work)
        work.begin()

    def _ended(self, call: Call, work: Work) -> None:
        self._works.discard(work)
        call.work = None  # else a ring, and in it half of a large body
        if not self._works:
            self._idle.set()

    async def _run(self, call: Call, headers: Mapping[str, str]) -> None:
        try:
            handler = self._handler(headers)
            if handler is None:
                call.fail(grpc.StatusCode.UNIMPLEMENTED, "there is no such method")
                return
            call.serialize = handler.response_serializer
            last = await _invoke(handler, call)
            await call.finish(call.serialize(last) if call.serialize and last is not None else last)
        except AbortedError as aborted:
            call.fail(aborted.code, aborted.details)
        except asyncio.CancelledError:
            call.reset()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must not end as if all were well
            self._report(error)
            call.fail(grpc.StatusCode.UNKNOWN, type(error).__name__)

    def _handler(self, headers: Mapping[str, str]) -> Any:
        path = headers.get(":path", "")
        handler = self._handlers.get(path)
        if handler is None:
            details = SimpleNamespace(method=path, invocation_metadata=())
            handler = next((found for find in self._finders if (found := find.service(details)) is not None), None)
            if handler is not None:
                self._handlers[path] = handler
        return handler


async def _invoke(handler: Any, call: Call) -> Any:
    """Call the handler as its kind wants to be called; its last reply, or None when it has sent all."""
    if handler.request_streaming:
        work = handler.stream_stream if handler.response_streaming else handler.stream_unary
        return await work(call, call)
    message = await call.read()
    if message is grpc.aio.EOF:
        raise AbortedError(grpc.StatusCode.INTERNAL, "the request is missing")
    request = handler.request_deserializer(message) if handler.request_deserializer else message
    return await (handler.unary_stream if handler.response_streaming else handler.unary_unary)(request, call)
