"""A client of a few lines: 200,000 requests are too many for a comfortable one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

TIMEOUT_S = 15.0
"""Longer than every timeout of the set-up: who waits so long would wait for ever."""


@dataclass
class Answer:
    """What came back."""

    status: int
    kind: str
    body: bytes

    @property
    def said(self) -> str:
        """What the model said, in one piece."""
        if self.kind.startswith("text/event-stream"):
            events = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
            return "".join(json.loads(e)["choices"][0]["delta"].get("content", "") for e in events if e != "[DONE]")
        said: str = json.loads(self.body)["choices"][0]["message"]["content"]
        return said


class Asker:
    """One connection, opened again when it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pipe: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: bytes, headers: dict[str, str]) -> Answer:
        """POST a chat. Raises TimeoutError for a hung one, OSError and EOFError for a broken one."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if self._pipe is None:
                    self._pipe = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
                return await self._exchange(*self._pipe, body, headers)
        except BaseException:
            self.close()
            raise

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, headers: dict[str, str]
    ) -> Answer:
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{extra}"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        if told.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await reader.readline(), 16):
                parts.append((await reader.readexactly(size + 2))[:-2])
            await reader.readline()
            data = b"".join(parts)
        else:
            data = await reader.readexactly(int(told.get("content-length", "0")))
        if told.get("connection") == "close":
            self.close()
        return Answer(int(first.split(" ")[1]), told.get("content-type", ""), data)

    def close(self) -> None:
        """Hang up."""
        if self._pipe is not None:
            self._pipe[1].close()
            self._pipe = None
