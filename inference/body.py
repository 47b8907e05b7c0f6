"""The body of an HTTP request as JSON, within the limit, whatever it is packed in."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from inference.encoding import decoded
from inference.errors import BodyTooLargeError, InvalidRequestError

if TYPE_CHECKING:
    from starlette.requests import Request


async def read_json(request: Request, limit: int) -> object:
    """Read it; raises what the client is to be answered."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLargeError(f"the body is larger than {limit} bytes (--max-body-bytes)")
    if encodings := request.headers.get("content-encoding", ""):
        # on a thread: a few bytes may unpack to as many as are allowed, and others are answered meanwhile
        return _parse(await asyncio.to_thread(decoded, bytes(body), encodings, limit))
    return _parse(body)


def _parse(body: bytes | bytearray) -> object:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise InvalidRequestError(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError) as error:  # not UTF-8; a number of thousands of digits; nested too deeply
        raise InvalidRequestError(f"the body is not JSON ({type(error).__name__})") from None
