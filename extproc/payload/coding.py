"""Content-encodings, both ways and in pieces, with memory that a small bomb cannot blow up."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

import brotli
import zstandard

from extproc.errors import BodyTooLargeError, UnreadableAnswerError, UnreadableBodyError
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE = 256 * 1024
"""Bytes that a decoder makes at once: what becomes too much is seen before it is made."""
_MOST_DECODED = 8 * 2**20
_MOST_PER_BYTE = 128
"""An answer may decompress to 8 MiB whatever it weighs, and beyond to so many bytes for each: text rarely gives 20."""
_ZSTD_SLICE = 32
"""Bytes given to zstd at a time: four of them may be a block of 128 KiB, and it knows no limit on output."""
_ZSTD_WINDOW = 8 * 2**20
"""What RFC 9659 allows for the content-encoding zstd."""
_GZIP_WBITS = 31
"""For zlib: a window of 2^15, and the head and end of gzip."""
_DEFLATE = 8


class _Decoder(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decode to, in pieces of bounded size."""

    @property
    def done(self) -> bool:
        """Whether the encoded data is complete."""


class _Encoder(Protocol):
    def add(self, data: bytes) -> bytes:
        """Encode more; what can leave already."""

    def flush(self, *, end: bool) -> bytes:
        """The rest of what was added, so that the other side can read all of it."""


class _ZlibDecoder:
    """gzip (of any number of members) and deflate (as zlib, which is right, and raw, which some send)."""

    def __init__(self, name: str) -> None:
        self._gzip = name == "gzip"
        self._begun = b""
        self.rest = b""
        """What follows the encoded data, and belongs to nothing."""
        self._inner = zlib.decompressobj(_GZIP_WBITS) if self._gzip else None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            data = self._begun + data
            if len(data) < 2:
                self._begun = data
                return
            wrapped = data[0] & 0x0F == _DEFLATE and (data[0] << 8 | data[1]) % 31 == 0
            self._inner = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        while data:
            yield self._inner.decompress(data, _PIECE)
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                data = self._inner.unused_data
                if not self._gzip or not data.strip(b"\0"):
                    self.rest += data
                    return
                self._inner = zlib.decompressobj(_GZIP_WBITS)

    @property
    def done(self) -> bool:
        return self._inner is not None and self._inner.eof


class _BrotliDecoder:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield self._inner.process(data, output_buffer_limit=_PIECE)
        while not self._inner.can_accept_more_data():
            yield self._inner.process(b"", output_buffer_limit=_PIECE)

    @property
    def done(self) -> bool:
        return bool(self._inner.is_finished())


class _ZstdDecoder:
    def __init__(self) -> None:
        self._inner = self._new()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            if self._inner.eof:
                self._inner = self._new()
            piece = data[at : at + _ZSTD_SLICE]
            yield self._inner.decompress(piece)
            at += len(piece) - len(self._inner.unused_data)

    @staticmethod
    def _new() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    @property
    def done(self) -> bool:
        return self._inner.eof


class _ZlibEncoder:
    def __init__(self, name: str) -> None:
        self._inner = zlib.compressobj(wbits=_GZIP_WBITS if name == "gzip" else zlib.MAX_WBITS)

    def add(self, data: bytes) -> bytes:
        return self._inner.compress(data)

    def flush(self, *, end: bool) -> bytes:
        return self._inner.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)


class _BrotliEncoder:
    def __init__(self) -> None:
        self._inner = brotli.Compressor(quality=4)

    def add(self, data: bytes) -> bytes:
        encoded: bytes = self._inner.process(data) if data else b""
        return encoded

    def flush(self, *, end: bool) -> bytes:
        encoded: bytes = self._inner.finish() if end else self._inner.flush()
        return encoded


class _ZstdEncoder:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdCompressor().compressobj()

    def add(self, data: bytes) -> bytes:
        return self._inner.compress(data)

    def flush(self, *, end: bool) -> bytes:
        return self._inner.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH if end else zstandard.COMPRESSOBJ_FLUSH_BLOCK)


_CODINGS: dict[str, tuple[Callable[[], _Decoder], Callable[[], _Encoder]]] = {
    "gzip": (lambda: _ZlibDecoder("gzip"), lambda: _ZlibEncoder("gzip")),
    "x-gzip": (lambda: _ZlibDecoder("gzip"), lambda: _ZlibEncoder("gzip")),
    "deflate": (lambda: _ZlibDecoder("deflate"), lambda: _ZlibEncoder("deflate")),
    "br": (_BrotliDecoder, _BrotliEncoder),
    "zstd": (_ZstdDecoder, _ZstdEncoder),
}
MOST_CODINGS = 2
"""Each may multiply the size; nobody in earnest encodes three times."""
_MAGIC = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_BEGINNINGS = tuple(begin for begin, _ in _MAGIC)
_NO_CODING = frozenset(("", "identity", "none", "utf-8", "utf8", "us-ascii", "iso-8859-1", "binary", "8bit", "7bit"))
"""Names that say that nothing is encoded; some of them are a charset's, or of mail, and are sent all the same."""
_ERRORS = (zlib.error, brotli.error, zstandard.ZstdError)


def codings(content_encoding: str) -> list[str]:
    """Names of the codings in the order in which they were applied. Raises UnreadableBodyError for one we do not have."""
    if not content_encoding:
        return []
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in _NO_CODING]
    if any(name not in _CODINGS for name in names):
        raise UnreadableBodyError("the content-encoding is not one of gzip, deflate, br, zstd")
    if len(names) > MOST_CODINGS:
        raise UnreadableBodyError("the body is encoded more than twice")
    return names


def magic(body: bytes) -> list[str]:
    """The coding in which a body is that does not say so."""
    if not body.startswith(_BEGINNINGS):
        return []
    return [name for begin, name in _MAGIC if body.startswith(begin)]


def decode(body: bytes, names: list[str], max_bytes: int) -> bytes:
    """The body that was encoded. Raises BodyTooLargeError as soon as it exceeds `max_bytes`, UnreadableBodyError."""
    for name in reversed(names):
        decoder = _CODINGS[name][0]()
        pieces = []
        size = 0
        try:
            for piece in decoder.pieces(body):
                checkpoint()
                size += len(piece)
                if size > max_bytes:
                    raise BodyTooLargeError(f"the body is larger than {max_bytes} bytes when decompressed")
                pieces.append(piece)
        except _ERRORS:
            raise UnreadableBodyError(f"the body is not {name}, which its content-encoding says") from None
        if not decoder.done:
            raise UnreadableBodyError(f"the body's {name} data ends too early")
        if getattr(decoder, "rest", b"").strip(b"\0"):
            raise UnreadableBodyError(f"the body goes on after its {name} data")
        body = b"".join(pieces)
    return body


def encode(body: bytes, names: list[str]) -> bytes:
    """Encode a whole body."""
    encoder = StreamEncoder(names)
    return b"".join([encoder.add(body[at : at + _PIECE]) for at in range(0, len(body), _PIECE)]) + encoder.flush(
        end=True
    )


class StreamDecoder:
    """Decodes an answer as it arrives, in pieces of bounded size, and no more of it than an answer may be."""

    def __init__(self, names: list[str]) -> None:
        self._decoders = [_CODINGS[name][0]() for name in reversed(names)]
        self._left = _MOST_DECODED

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk decodes to. Raises UnreadableAnswerError."""
        self._left += _MOST_PER_BYTE * len(chunk)
        try:
            for piece in self._through(0, chunk):
                checkpoint()
                yield piece
        except _ERRORS:
            raise UnreadableAnswerError("the answer is not what its content-encoding says") from None

    def _through(self, first: int, data: bytes) -> Iterator[bytes]:
        if first == len(self._decoders):
            yield data
            return
        for piece in self._decoders[first].pieces(data):
            self._left -= len(piece)
            if self._left < 0:
                raise UnreadableAnswerError("the answer decompresses to far more than any text does")
            yield from self._through(first + 1, piece)


class StreamEncoder:
    """Encodes an answer as it leaves."""

    def __init__(self, names: list[str]) -> None:
        self._encoders = [_CODINGS[name][1]() for name in names]

    def add(self, data: bytes) -> bytes:
        """Encode more; what can leave already."""
        for encoder in self._encoders:
            checkpoint()
            data = encoder.add(data)
        return data

    def flush(self, *, end: bool) -> bytes:
        """The rest, so that the client can read all of it at once."""
        data = b""
        for encoder in self._encoders:
            data = (encoder.add(data) if data else b"") + encoder.flush(end=end)
        return data
