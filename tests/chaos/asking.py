"""A client of a few lines, and what it asks: 200,000 requests are too many for a comfortable one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 15.0
"""Longer than every timeout of the set-up: who hears nothing for so long would wait for ever."""
CHAT = "/v1/chat/completions"
JSON = "application/json"


@dataclass
class Question:
    """One request, and what is to come of it."""

    body: bytes
    secret: str
    said: str | None = None
    """What a 200 must say; None: it need only hold nobody else's secret."""
    comes_back: bool = False
    """A 200 must hold the secret."""
    headers: Mapping[str, str] = field(default_factory=dict)
    refused_with: int | None = None
    """The status of the refusal that it deserves; None: it deserves an answer."""
    may_be_refused: bool = False
    """With any status: what it asks for can be more than there is time or room for."""
    path: str = CHAT
    content_type: str = JSON


@dataclass
class Answer:
    """What came back."""

    status: int
    kind: str
    body: bytes

    @property
    def said(self) -> str:
        """What the model said, in one piece. Raises what is raised for an answer that is no chat's."""
        if self.kind.startswith("text/event-stream"):
            events = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
            return "".join(json.loads(e)["choices"][0]["delta"].get("content", "") for e in events if e != "[DONE]")
        said: str = json.loads(self.body)["choices"][0]["message"]["content"]
        return said

    @property
    def is_well_formed_error(self) -> bool:
        """Our refusals are OpenAI's errors; Envoy's own are short texts with the status that such trouble has."""
        if self.kind != "application/json":
            return len(self.body) < 200 and self.status in (413, 500, 502, 503, 504)
        error = json.loads(self.body)["error"]
        return set(error) == {"message", "type", "param", "code"} and bool(error["message"] and error["type"])

    @property
    def name(self) -> str:
        """Status, and the code of an error of ours."""
        if self.kind != "application/json" or self.status == 200:
            return str(self.status)
        return f"{self.status} {json.loads(self.body)['error']['code']}"


class Asker:
    """One connection, opened again when it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pipe: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, question: Question) -> Answer:
        """POST it. Raises TimeoutError for a hung one, OSError and EOFError for a broken one."""
        try:
            async with asyncio.timeout(TIMEOUT_S) as patience:
                if self._pipe is None:
                    self._pipe = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
                return await self._exchange(*self._pipe, question, patience)
        except BaseException:
            self.close()
            raise

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        question: Question,
        patience: asyncio.Timeout,
    ) -> Answer:
        extra = "".join(f"{name}: {value}\r\n" for name, value in question.headers.items())
        head = f"POST {question.path} HTTP/1.1\r\nhost: x\r\ncontent-type: {question.content_type}\r\n{extra}"
        writer.write(f"{head}content-length: {len(question.body)}\r\n\r\n".encode() + question.body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        if told.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await reader.readuntil(b"\n"), 16):
                patience.reschedule(asyncio.get_running_loop().time() + TIMEOUT_S)
                parts.append((await reader.readexactly(size + 2))[:-2])
            await reader.readuntil(b"\n")
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
