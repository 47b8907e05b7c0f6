"""An upstream of any provider's API, which says the placeholder again that it was told, in pieces."""

from __future__ import annotations

import asyncio
import base64
import json
import re

from tests.unit.payload.translate import upstreams
from tests.wire.upstream import head

PATHS = {"openai": "/v1/chat/completions", "openai-responses": "/v1/responses", "anthropic": "/v1/messages"}
PLACEHOLDER = re.compile(r"\[EMAIL_ADDRESS_\w+\]")
BEGUN = {"openai": 3, "openai-responses": 5, "anthropic": 5, "gemini": 2}
"""So many events say the first two words of an answer, which are the placeholder."""
_CODED = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


def read(body):
    """All that can be read of a body, within base64 too."""
    coded = [base64.b64decode(run) for run in _CODED.findall(body) if len(run) % 4 == 0]
    return b"\n".join([body, *coded]).decode(errors="replace")


def dialect_of(request):
    """The API that a request is of."""
    if ":" in request.target:
        return "gemini"
    return next(name for name, path in PATHS.items() if request.target.startswith(path))


class Provider:
    """An upstream: how it answers is said before it is asked."""

    def __init__(self):
        self.situation, self.shape = "chat", "text"
        self.error = self.words = self.spoil = None
        self.streams = True
        self.gone = asyncio.Event()

    def events(self, request):
        """What it says to this, and whether in pieces."""
        dialect, streamed = dialect_of(request), b'"stream":true' in request.body.replace(b": ", b":")
        streamed = self.streams and (streamed or "streamGenerateContent" in request.target)
        if "countTokens" in request.target or "tokens" in request.target.rpartition("/")[2]:
            return [json.dumps(upstreams.COUNTS[dialect]).encode()], False
        told = PLACEHOLDER.search(read(request.body))
        said = told[0] if told else "nobody"
        first, second = said[: len(said) // 2], said[len(said) // 2 :]
        words = self.words(said) if self.words else [first, second, " you"]
        if self.shape == "json":
            words = ['{"to": "', first, second, '"}']
        made = upstreams.ANSWERS[dialect](
            self.situation,
            stream=streamed,
            words=words,
            arguments=['{"to"', f': "{first}', f'{second}"}}'],
            thoughts=["hm ", first, second],
        )
        return [event + b"\n\n" for event in made.split(b"\n\n")] if streamed else [made], streamed

    async def answer(self, request, writer):
        """See Upstream."""
        if self.error is not None:
            status, body = self.error(dialect_of(request), read(request.body))
            writer.write(head(status, "application/json", {"content-length": str(len(body))}) + body)
            await writer.drain()
            return True
        events, streamed = self.events(request)
        kind = "text/event-stream" if streamed else "application/json"
        writer.write(head(200, kind, {"transfer-encoding": "chunked"}))
        try:
            async for part in self.spoil(dialect_of(request), events) if self.spoil else each(events):
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            self.gone.set()
            return False
        except CutOffError:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


class CutOffError(Exception):
    """The upstream goes away in the middle."""


async def each(events):
    """One after the other."""
    for event in events:
        yield event


async def cut_off(dialect, events):
    """As an upstream that dies, some time after it has begun."""
    for event in events[: BEGUN[dialect]]:
        yield event
    await asyncio.sleep(0.2)
    raise CutOffError


async def without_end(dialect, events):
    """As an upstream that says one word again and again, for as long as somebody listens."""
    for event in events[: BEGUN[dialect]]:
        yield event
    while True:
        yield events[BEGUN[dialect] - 1]
        await asyncio.sleep(0.002)
