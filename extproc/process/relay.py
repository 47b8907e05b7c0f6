"""What Envoy tells the new processor of exchanges that the old one has begun, passed on to the old one.

Envoy's access log goes to whoever listens under the socket's name, and an exchange waits for its end where it was decided. So one
that is replaced listens under the token of its keys until it waits for nothing more, and who hears of a key that is not its own
asks there. One that was killed listens no longer, and nobody waits.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from extproc.exchange.record import Ending, Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGAIN_S = 0.01
MOST_UNSENT = 20_000
"""More than wait for their end anywhere."""
_KEY = re.compile(r"\d{1,4}:([0-9a-f]{10})-")
_ENDING = {field.name for field in dataclasses.fields(Ending)}
_USAGE = {field.name for field in dataclasses.fields(Usage)}


class Relay:
    """Between the processors that share a folder for their sockets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket: socket.socket | None = None
        self._unsent: deque[tuple[str, bytes]] = deque()
        """What found the other's queue full: the kernel keeps ten datagrams, and one message of the log tells of many ends."""
        self._listening: asyncio.DatagramTransport | None = None
        self._path: Path | None = None

    def pass_on(self, ending: Ending) -> bool:
        """Tell it to whoever waits for it; whether there is somebody."""
        if (key := _KEY.match(ending.key)) is None:
            return False
        path, data = str(self._path_of(key[1])), json.dumps(dataclasses.asdict(ending)).encode()
        try:
            self._send(path, data)
        except BlockingIOError:
            if not self._unsent:
                asyncio.get_running_loop().call_later(AGAIN_S, self._send_again)
            if len(self._unsent) < MOST_UNSENT:
                self._unsent.append((path, data))
        except OSError:
            return False
        return True

    def _send(self, path: str, data: bytes) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.sendto(data, path)

    def _send_again(self) -> None:
        while self._unsent:
            try:
                self._send(*self._unsent[0])
            except BlockingIOError:
                asyncio.get_running_loop().call_later(AGAIN_S, self._send_again)
                return
            except OSError:
                pass  # it has ended meanwhile
            self._unsent.popleft()

    async def listen(self, token: str, tell: Callable[[Ending], None]) -> None:
        """Hear what others are told of keys with this token."""
        self._path = self._path_of(token)

        class Heard(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: Any) -> None:
                if (ending := _read(data)) is not None:
                    tell(ending)

        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            heard.bind(str(self._path))
        except OSError:  # who would be told is not there, and what waits is given up in its time
            heard.close()
            return
        self._listening, _ = await asyncio.get_running_loop().create_datagram_endpoint(Heard, sock=heard)

    def close(self) -> None:
        """Hear and tell no more."""
        if self._listening is not None:
            self._listening.close()
        self._unsent.clear()
        if self._socket is not None:
            self._socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _path_of(self, token: str) -> Path:
        return self._folder / f".{token}"


def _read(data: bytes) -> Ending | None:
    """None: another version's, that this one cannot read."""
    try:
        message = json.loads(data)
        usage = message.pop("usage")
        counts = Usage(**{name: value for name, value in usage.items() if name in _USAGE}) if usage else None
        return Ending(**{name: value for name, value in message.items() if name in _ENDING}, usage=counts)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
