"""Request bodies in gzip, deflate, brotli and zstd, unpacked to a limit: a small body may hold gigabytes. No I/O."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import brotli
import zstandard

from inference.errors import BodyTooLargeError, InvalidRequestError, UnsupportedEncodingError

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_CODINGS = 3
_LARGEST_WINDOW = 1 << 27
"""What the zstd format asks every reader to take is 8 MiB; its own tools write more with --long."""


def decoded(body: bytes, encodings: str, limit: int) -> bytes:
    """Undo a `content-encoding`; raises what the client is to be answered."""
    names = [name.strip().lower() for name in encodings.split(",") if name.strip()]
    if len(names) > _MOST_CODINGS:
        raise UnsupportedEncodingError(f"the body is encoded {len(names)} times, of at most {_MOST_CODINGS}")
    for name in reversed(names):
        if name == "identity":
            continue
        if name not in _DECODERS:
            raise UnsupportedEncodingError(f"content-encoding: one of {', '.join(SUPPORTED)}, or none")
        try:
            body = _DECODERS[name](body, limit + 1)
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError):
            raise InvalidRequestError(f"the body is not whole {name}, as its content-encoding says") from None
        if len(body) > limit:
            raise BodyTooLargeError(f"the body, unpacked, is larger than {limit} bytes (--max-body-bytes)")
    return body


def _inflate(body: bytes, limit: int, bits: int) -> bytes:
    found, rest = bytearray(), body
    while rest:  # gzip may have several members
        decoder = zlib.decompressobj(bits)
        found += decoder.decompress(rest, limit - len(found))
        if len(found) >= limit:
            break
        if not decoder.eof:
            raise EOFError
        rest = decoder.unused_data
    return bytes(found)


def _gzip(body: bytes, limit: int) -> bytes:
    return _inflate(body, limit, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, limit: int) -> bytes:
    """Either with zlib's header, as the standard has it, or raw, as some send it."""
    try:
        return _inflate(body, limit, zlib.MAX_WBITS)
    except zlib.error:
        return _inflate(body, limit, -zlib.MAX_WBITS)


def _brotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    found = bytearray(decoder.process(body, output_buffer_limit=limit))
    while not decoder.is_finished() and len(found) < limit:
        more = decoder.process(b"", output_buffer_limit=limit - len(found))
        if not more:
            raise EOFError
        found += more
    return bytes(found)


def _zstd(body: bytes, limit: int) -> bytes:
    decoder = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    with decoder.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        found = reader.read(limit)
    if len(found) < limit and not _ends_whole(body, limit):
        raise EOFError
    return found


def _ends_whole(body: bytes, limit: int) -> bool:
    """Whether the last frame is complete: a reader of streams does not say so."""
    rest, room = body, limit
    while rest:
        one = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()
        room -= len(one.decompress(rest))
        if not one.eof:
            return False
        rest = one.unused_data
    return True


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
SUPPORTED = ("gzip", "deflate", "br", "zstd")
