"""The headers of calls: put together from their frames, and decoded (HPACK, RFC 7541)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hpack import Decoder, HPACKError

from extproc.http2.frames import END_HEADERS, PADDED, WITH_PRIORITY, Code, ConnectionFaultError, unpadded

if TYPE_CHECKING:
    from collections.abc import Sequence

    Metadata = Sequence[tuple[str, str]]

LARGEST_BLOCK = 1 << 16
"""Bytes of the headers of a call, in all their frames."""
MOST_PIECES = 64
KNOWN_BLOCKS = 64


class Headers(NamedTuple):
    """What a HEADERS frame and those that go on with it say."""

    stream: int
    flags: int
    """Of the HEADERS frame: it is the one that may end the stream."""
    metadata: Metadata
    fault: str
    """What is wrong with them as those of a request (RFC 9113, 8); empty: nothing is."""


_PSEUDO = (":method", ":scheme", ":path", ":authority")
_NEEDED = frozenset((":method", ":scheme", ":path"))
_OF_CONNECTIONS = frozenset(("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"))
_NAME = re.compile(r":?[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(r"[^\x00\n\r]*")


def fault_of(metadata: Metadata) -> str:
    """What is wrong with the headers of a request (RFC 9113, 8.2 and 8.3); empty: nothing is."""
    seen: set[str] = set()
    regular = False
    for name, value in metadata:
        if _NAME.fullmatch(name) is None:
            return "a name that none may have"  # 8.2.1, upper case among it
        if _VALUE.fullmatch(value) is None or value != value.strip(" \t"):
            return "a value that none may have"
        if not name.startswith(":"):
            regular = True
            if name in _OF_CONNECTIONS or (name == "te" and value != "trailers"):
                return "a header of a connection"  # 8.2.2
            continue
        if regular or name not in _PSEUDO or name in seen:
            return "pseudo-headers that no request has"  # 8.3
        seen.add(name)
        if not value and name != ":authority":
            return "an empty pseudo-header"  # 8.3.1
    return "" if seen >= _NEEDED else "a pseudo-header is missing"


def dependency(payload: bytes) -> int:
    """The stream that a priority depends on."""
    return int.from_bytes(payload[:4], "big") & 0x7FFFFFFF


class HeaderReader:
    """Of one connection: what its headers mean depends on those before."""

    def __init__(self) -> None:
        self.is_amid = False
        """Headers were begun, and nothing else may come before they end."""
        self._stream = self._flags = 0
        self._pieces: list[bytes] = []
        self._decoder = Decoder(max_header_list_size=LARGEST_BLOCK)
        self._known: dict[bytes, tuple[Metadata, str]] = {}
        """Blocks that leave the decoder's table as it is, and what they say until another one changes it. An Envoy begins every
        call with the same one."""

    def begin(self, stream: int, flags: int, payload: bytes) -> Headers | None:
        """A HEADERS frame; None: they go on. Raises ConnectionFaultError."""
        block = unpadded(payload, flags)
        if flags & WITH_PRIORITY and dependency(payload[1 if flags & PADDED else 0 :]) == stream:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a stream that depends on itself")
        if flags & END_HEADERS:
            return Headers(stream, flags, *self._decoded(block))
        self.is_amid = True
        self._stream, self._flags, self._pieces = stream, flags, [block]
        return None

    def go_on(self, stream: int, flags: int, payload: bytes) -> Headers | None:
        """A CONTINUATION frame; None: they go on. Raises ConnectionFaultError."""
        if not self.is_amid or stream != self._stream:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "there are no headers to go on with")
        self._pieces.append(payload)
        if len(self._pieces) > MOST_PIECES or sum(map(len, self._pieces)) > LARGEST_BLOCK:
            raise ConnectionFaultError(Code.ENHANCE_YOUR_CALM, "the headers are too large")
        if not flags & END_HEADERS:
            return None
        self.is_amid = False
        return Headers(stream, self._flags, *self._decoded(b"".join(self._pieces)))

    def _decoded(self, block: bytes) -> tuple[Metadata, str]:
        known = self._known.get(block)
        if known is not None:
            return known
        table = self._decoder.header_table
        size, count, first = table.maxsize, len(table.dynamic_entries), next(iter(table.dynamic_entries), None)
        try:
            fields = [(str(name), str(value)) for name, value in self._decoder.decode(block)]
        except (HPACKError, UnicodeDecodeError):
            raise ConnectionFaultError(Code.COMPRESSION_ERROR, "the headers cannot be read") from None
        decoded = fields, fault_of(fields)
        entries = table.dynamic_entries  # what is added comes first, as an object of its own
        changed = table.maxsize != size or len(entries) != count or next(iter(entries), None) is not first
        if changed or len(self._known) == KNOWN_BLOCKS:
            self._known.clear()
        else:
            self._known[block] = decoded
        return decoded
