"""An upstream that testifies: it records every byte it is sent, and echoes.

`/v1/chat/completions` answers as a model that says back what it was told, as JSON or, with `"stream": true`, as
server-sent events. `x-test-piece` says how many characters a delta holds, `x-test-cut` how many bytes a write holds,
`x-test-encoding` in which content-encoding the answer comes; `x-test-say` is said instead of the echo. Every other path
sends the body back as it came. Each answer is one write unless it is to be cut.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import brotli
import zstandard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@dataclass
class Received:
    """One request, as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    chunked: bool = False
    trailers: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str, default: str = "") -> str:
        """The value of a header."""
        return next(iter(self.all(name)), default)

    @property
    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


Behaviour = "Callable[[Received, asyncio.StreamWriter], Awaitable[bool]]"


@dataclass
class Upstream:
    """One HTTP/1.1 server."""

    name: str
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    health_checks: int = 0
    health_status: int = 200
    """What /health answers."""
    answer: Callable[[Received, asyncio.StreamWriter], Awaitable[bool]] | None = None
    """Answers instead of the echo; returns whether the connection is to be kept."""
    answer_early: Callable[[Received, asyncio.StreamWriter], Awaitable[bool]] | None = None
    """Told of a request before its body is read; returns whether it has answered already."""

    @property
    def last(self) -> Received:
        """The last request."""
        return self.requests[-1]

    async def was_asked(self) -> bool:
        """Whether Envoy has found it healthy."""
        return self.health_checks > 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while (request := await read_head(reader)) is not None:
                answered = self.answer_early is not None and await self.answer_early(request, writer)
                try:
                    await read_body(request, reader)
                except asyncio.IncompleteReadError as error:
                    request.body += error.partial
                    self.requests.append(request)  # half a body is testimony too
                    raise
                if request.target == "/health":
                    self.health_checks += 1
                    writer.write(head(self.health_status, "text/plain", {"content-length": "0"}))
                    continue
                self.requests.append(request)
                if answered:
                    continue
                if request.get("upgrade") == "websocket":
                    await echo_upgrade(reader, writer)
                    return
                if not await (self.answer or echo)(request, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running_upstream(name: str) -> AsyncIterator[Upstream]:
    """An upstream on a free port."""
    upstream = Upstream(name)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, limit=2**24)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> Received | None:
    """The next request; None at the end of the connection."""
    request = await read_head(reader)
    if request is not None:
        await read_body(request, reader)
    return request


async def read_head(reader: asyncio.StreamReader) -> Received | None:
    """The next request without its body; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(k.lower(), v.strip()) for k, v in (line.split(":", 1) for line in lines)]
    return Received(method, target, headers, b"")


async def read_body(request: Received, reader: asyncio.StreamReader) -> None:
    """The rest of it."""
    if request.get("transfer-encoding") == "chunked":
        request.chunked = True
        while size := int((await reader.readline()).split(b";")[0], 16):
            request.body += (await reader.readexactly(size + 2))[:-2]
        while line := (await reader.readline()).strip():
            request.trailers.append(line.decode("latin-1"))
    else:
        request.body = await reader.readexactly(int(request.get("content-length", "0")))


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
"""What an answer says that it took."""


async def echo(request: Received, writer: asyncio.StreamWriter, usage: dict[str, int] = USAGE) -> bool:
    """Say back what was said."""
    if request.target.startswith("/v1/chat/completions") and request.method == "POST":
        await echo_chat(request, writer, usage)
    else:
        kind = request.get("content-type", "application/octet-stream")
        body = b"" if request.method == "HEAD" else request.body
        writer.write(head(200, kind, {"content-length": str(len(request.body))}) + body)
        await writer.drain()
    return True


async def echo_chat(request: Received, writer: asyncio.StreamWriter, usage: dict[str, int]) -> None:
    """A chat model that repeats every text of its prompt."""
    asked = json.loads(request.body)
    said = request.get("x-test-say") or "\n".join(text_of(m) for m in asked["messages"])
    if asked.get("stream"):
        piece = int(request.get("x-test-piece", "8"))
        events = [
            {"choices": [{"index": 0, "delta": {"content": said[i : i + piece]}, "finish_reason": None}]}
            for i in range(0, len(said), piece)
        ]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
        body = b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"
        kind = "text/event-stream"
    else:
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps({"object": "chat.completion", "model": "echo", "choices": [choice], "usage": usage}).encode()
        kind = "application/json"
    extra = {}
    if encoding := request.get("x-test-encoding"):
        body = ENCODERS[encoding](body)
        extra["content-encoding"] = encoding
    cut = int(request.get("x-test-cut", "0"))
    if not cut:
        writer.write(head(200, kind, {**extra, "content-length": str(len(body))}) + body)
        await writer.drain()
        return
    writer.write(head(200, kind, {**extra, "transfer-encoding": "chunked"}))
    for start in range(0, len(body), cut):
        part = body[start : start + cut]
        writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        await writer.drain()
        await asyncio.sleep(0)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def text_of(message: dict[str, object]) -> str:
    """The text of a message, whose content may be parts."""
    content = message["content"]
    if isinstance(content, str):
        return content
    assert isinstance(content, list)
    return "".join(part.get("text", "") for part in content)


def head(status: int, kind: str, headers: dict[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} OK", f"content-type: {kind}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def echo_upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Switch protocols and send every byte back."""
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
