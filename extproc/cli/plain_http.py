"""One plain HTTP request, as to a server on loopback: no proxy of the environment, no redirect followed."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any


def ask(
    host: str, port: int, path: str, *, body: Any = None, timeout_s: float = 2.0, headers: Any = None
) -> tuple[int, bytes]:
    """Status and body of a GET, or of a POST where there is a body to send as JSON. Raises OSError, also for what is no HTTP."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        sent = None if body is None else json.dumps(body)
        all_headers = {**({} if sent is None else {"content-type": "application/json"}), **(headers or {})}
        connection.request("GET" if sent is None else "POST", path, body=sent, headers=all_headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"what answers is no HTTP ({type(error).__name__})") from error
    finally:
        connection.close()


async def asked(
    host: str, port: int, path: str, *, body: Any = None, timeout_s: float = 2.0
) -> tuple[int, bytes] | None:
    """The same from a coroutine; None where nothing answers."""
    try:
        return await asyncio.to_thread(ask, host, port, path, body=body, timeout_s=timeout_s)
    except OSError:
        return None
