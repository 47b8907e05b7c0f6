"""The same handlers served by gRPC's own Python server, for whoever prefers it to ours (`processor.server: grpcio`).

It costs about twice the processor time a request, and bounds what ours bounds by settings of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from extproc.http2.tls import Certificates

MOST_CALLS = 1024
"""On a connection, as our own server has it."""
LARGEST_HEADERS = 1 << 16
LONGEST_GRACE_S = 24 * 3600.0
"""What `leave` leaves open is ended by `stop`."""


class GrpcioCall:
    """gRPC's context, as our handlers know it (see `extproc.http2.Call`)."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._task = asyncio.current_task()

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """Names and values of the headers that the call began with."""
        return self._context.invocation_metadata() or ()

    async def read(self) -> Any:
        """The next message; `grpc.aio.EOF` when the caller has said all."""
        return await self._context.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All messages to come."""
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message

    async def write(self, reply: bytes) -> None:
        """Send a reply."""
        await self._context.write(reply)

    def flush(self) -> None:
        """Nothing is held back."""

    async def abort(self, code: grpc.StatusCode, details: str = "") -> NoReturn:
        """End the call with this status."""
        await self._context.abort(code, details)
        raise AssertionError("abort raises")

    def unread(self) -> list[bytes]:
        """What nobody has read: here, the library keeps it to itself."""
        return []

    def say_end(self) -> None:
        """End the handler: here, no end hears on."""
        self.cancel()

    def cancel(self) -> None:
        """End the handler."""
        if self._task is not None:
            self._task.cancel()


class _Adapting(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Hands our handlers a call of ours in the place of gRPC's context."""

    def __init__(self, inner: grpc.GenericRpcHandler) -> None:
        self._inner = inner

    def service(self, handler_call_details: Any) -> Any:
        """GRPC's name for finding a handler."""
        handler = self._inner.service(handler_call_details)
        if handler is None or handler.stream_unary is None:
            return handler

        async def handle(_messages: object, context: Any) -> bytes:
            call = GrpcioCall(context)
            try:
                last: bytes = await handler.stream_unary(call, call)
            except asyncio.CancelledError:
                # no clean end, ever: Envoy would send the request on as it is
                await context.abort(grpc.StatusCode.CANCELLED, "the exchange has ended")
            return last

        return grpc.stream_unary_rpc_method_handler(handle)


class GrpcioServer:
    """Serves gRPC's handlers on one address; has the methods of `extproc.http2.Server`."""

    def __init__(self, address: str, *, largest_message: int, certificates: Certificates | None = None) -> None:
        self._address = address
        self._certificates = certificates
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", largest_message),
                ("grpc.max_send_message_length", largest_message),
                ("grpc.max_concurrent_streams", MOST_CALLS),
                ("grpc.max_metadata_size", LARGEST_HEADERS),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._leaving: asyncio.Task[None] | None = None

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """As gRPC's own servers have it."""
        self._server.add_generic_rpc_handlers(tuple(map(_Adapting, handlers)))

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Callable[..., Any]]) -> None:
        """Likewise."""
        self._server.add_registered_method_handlers(service, handlers)

    async def start(self) -> None:
        """Listen. Raises OSError where that cannot be."""
        files = self._certificates
        try:
            if files is None:
                self._server.add_insecure_port(self._address)
            else:
                ca = files.client_ca.read_bytes() if files.client_ca else None
                pair = (files.key.read_bytes(), files.certificate.read_bytes())
                self._server.add_secure_port(self._address, grpc.ssl_server_credentials([pair], ca, ca is not None))
        except RuntimeError as error:
            raise OSError(str(error)) from None
        await self._server.start()

    def leave(self) -> None:
        """Take no more connections, and ask for no more calls. What is open goes on."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._server.stop(LONGEST_GRACE_S))

    async def stop(self) -> None:
        """End everything: calls that are still open are reset."""
        self.leave()
        await self._server.stop(0)
