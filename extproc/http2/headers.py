"""The headers of calls: put together from their frames, and decoded (HPACK, RFC 7541)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hpack import Decoder, HPACKError

from extproc.http2.frames import END_HEADERS, Code, ConnectionFaultError, unpadded

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


class HeaderReader:
    """Of one connection: what its headers mean depends on those before."""

    def __init__(self) -> None:
        self.is_amid = False
        """Headers were begun, and nothing else may come before they end."""
        self._stream = self._flags = 0
        self._pieces: list[bytes] = []
        self._decoder = Decoder(max_header_list_size=LARGEST_BLOCK)
        self._known: dict[bytes, Metadata] = {}
        """Blocks that leave the decoder's table as it is, and what they say until another one changes it. An Envoy begins every
        call with the same one."""

    def begin(self, stream: int, flags: int, payload: bytes) -> Headers | None:
        """A HEADERS frame; None: they go on. Raises ConnectionFaultError."""
        block = unpadded(payload, flags)
        if flags & END_HEADERS:
            return Headers(stream, flags, self._decoded(block))
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
        return Headers(stream, self._flags, self._decoded(b"".join(self._pieces)))

    def _decoded(self, block: bytes) -> Metadata:
        known = self._known.get(block)
        if known is not None:
            return known
        table = self._decoder.header_table
        size, count, first = table.maxsize, len(table.dynamic_entries), next(iter(table.dynamic_entries), None)
        try:
            found = [(str(name), str(value)) for name, value in self._decoder.decode(block)]
        except (HPACKError, UnicodeDecodeError):
            raise ConnectionFaultError(Code.COMPRESSION_ERROR, "the headers cannot be read") from None
        entries = table.dynamic_entries  # what is added comes first, as an object of its own
        changed = table.maxsize != size or len(entries) != count or next(iter(entries), None) is not first
        if changed or len(self._known) == KNOWN_BLOCKS:
            self._known.clear()
        else:
            self._known[block] = found
        return found
