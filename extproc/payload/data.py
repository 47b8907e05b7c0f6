"""What is proved to be data and no text: pictures, sound, films and documents by how they begin, and base64 of bytes.

Whatever cannot be proved is a text. Base64 is read as what it decodes to: data that is left alone, or a text that is searched.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STEP: Final = 128
"""Every so many characters one look tells whether base64 stands there: half of LONG, so that none is stepped over."""
LONG: Final = 2 * _STEP
"""Characters of base64 without a break from which on they are looked at: no key, number or address is as long."""
_HEAD: Final = 4096
"""Characters that are decoded to see how data begins; a multiple of 4."""
_MAGIC: Final = (
    *((b"\x89PNG\r\n\x1a\n", "image"), (b"\xff\xd8\xff", "image"), (b"GIF87a", "image"), (b"GIF89a", "image")),
    *((b"BM", "image"), (b"II*\0", "image"), (b"MM\0*", "image"), (b"\0\0\1\0", "image"), (b"\xff\x0a", "image")),
    *((b"ID3", "audio"), (b"OggS", "audio"), (b"fLaC", "audio"), (b"FORM", "audio"), (b"#!AMR", "audio")),
    *((b"\x1aE\xdf\xa3", "video"), (b"\0\0\1\xba", "video"), (b"\0\0\1\xb3", "video"), (b"FLV\1", "video")),
    *((b"%PDF-", "document"), (b"PK\3\4", "document"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document")),
)
_RIFF: Final = {b"WEBP": "image", b"WAVE": "audio", b"AVI ": "video"}
_IMAGE_BRANDS: Final = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_AUDIO_BRANDS: Final = (b"M4A ", b"M4B ", b"F4A ")
_MPEG_AUDIO: Final = re.compile(rb"\xff[\xe2-\xe7\xf2-\xfd\xff][\x00-\xef]")
_TEXT_MAGIC: Final = (b"BM", b"FORM", b"ID3")
"""Beginnings that are words too: what follows must not be text."""
_MARK: Final = ";base64,"
"""In a data URL, before the data."""
_AHEAD: Final = re.compile(r"[A-Za-z0-9+/_-]{64}")
_RUN: Final = re.compile(r"(?:[A-Za-z0-9+/]++|[A-Za-z0-9_-]++)={0,2}+")
_LINES: Final = re.compile(
    r"(?:(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n)++(?:[A-Za-z0-9+/]{1,75}(?![A-Za-z0-9+/]))?+={0,2}+"
)
_WORDLIKE: Final = re.compile(r"(?=[^a-z]*+[a-z])(?=[^A-Z]*+[A-Z])[A-Za-z0-9+/_-]{16,}+={0,2}")
"""What a short base64 of a text looks like: letters of both cases."""
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 12, 13, 27})
_DIGITS: Final = re.compile(r"[0-9]{12}")
"""No longer run of digits stands, by chance, in a million characters of base64 of anything."""
_LARGE: Final = bytes(range(ord("A"), ord("Z") + 1))


class Run(NamedTuple):
    """Base64 within a text."""

    start: int
    end: int
    reason: str | None
    """What it was proved to be; None: a text."""
    text: str = ""


def kind_of(head: bytes) -> str | None:
    """What bytes are that begin so: image, audio, video, document; None: not known."""
    for magic, kind in _MAGIC:
        if head.startswith(magic) and (magic not in _TEXT_MAGIC or is_binary(head[:64])):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "image" if brand in _IMAGE_BRANDS else "audio" if brand in _AUDIO_BRANDS else "video"
    return "audio" if _MPEG_AUDIO.match(head) and is_binary(head) else None


def is_binary(data: bytes) -> bool:
    """Whether bytes are no text in any charset of ASCII's family: one in fifty is a control character."""
    return len(data) - len(data.translate(None, _CONTROLS)) > len(data) // 50


def readable(data: bytes) -> tuple[str, str] | None:
    """Bytes as a text of people, and its charset; None: they are none."""
    charset = _charset(data)
    if charset is None:
        return None
    text = data.decode(charset)
    return (text, charset) if text[:_HEAD].translate(_SPACE).isprintable() else None


def _charset(data: bytes) -> str | None:
    head = data[:4]
    wide = "utf-16-le" if head[1:2] == b"\0" or head.startswith(b"\xff\xfe") else "utf-16-be"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(data) >= _WIDE and _UNMARKED.match(head)):
        return wide if _decodes(data, wide) else None
    if not data or is_binary(data[:_HEAD]) or is_binary(data):
        return None
    if _decodes(data, "utf-8"):
        return "utf-8"
    letters = len(data) - len(data.translate(None, _LETTERS))
    return "latin-1" if len(data) >= _WIDE and letters > 0.8 * len(data) and not data.translate(None, _SHOWN) else None


def _decodes(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


_WIDE: Final = 64
"""Bytes of a text in another charset: fewer are by chance one in any."""
_UNMARKED: Final = re.compile(rb"[ -~]\0[ -~]\0|\0[ -~]\0[ -~]")
_LETTERS: Final = bytes({*range(32, 127), 9, 10, 13})
_SHOWN: Final = bytes({*range(32, 127), 9, 10, 13, *range(160, 256)})
_SPACE: Final = str.maketrans("\t\n\r\f\x1b\ufeff", "      ")


def runs(text: str) -> Sequence[Run]:
    """The base64 in a text that was proved to be data or a text, in order and apart. Costs next to nothing in prose."""
    if _MARK in text:
        return [*_declared(text)]
    if len(text) < LONG:
        if " " in text or _WORDLIKE.fullmatch(text) is None:
            return ()
        run = _run(text, 0, len(text))
        return () if run is None or run.reason else (run,)
    if (lines := _LINES.match(text)) is not None and not text[lines.end() : lines.end() + LONG].strip():
        return [*_wrapped(text, 0, lines.end())]
    return [*_long(text, 0, len(text))]


def _declared(text: str) -> Iterator[Run]:
    """Data URLs, and what stands between them."""
    at = 0
    mark = text.find(_MARK)
    while mark >= 0:
        yield from _long(text, at, mark)
        at = mark + len(_MARK)
        lines = _LINES.match(text, at)
        match = lines or _RUN.match(text, at)
        if match is not None:
            runs = [*_wrapped(text, *match.span())] if lines else [_run(text, *match.span(), declared=True)]
            yield from filter(None, runs)
            at = match.end()
        mark = text.find(_MARK, at)
    yield from _long(text, at, len(text))


def _long(text: str, start: int, end: int) -> Iterator[Run]:
    """Long runs that nothing announces."""
    at = start
    while at < end:
        if _AHEAD.match(text, at, end) is None:
            at += _STEP
            continue
        first = at
        while first > start and first > at - _STEP and _is_base64(text[first - 1]):
            first -= 1
        match = _RUN.match(text, first, end)
        stop = match.end() if match is not None else at
        if stop - first >= LONG and (run := _run(text, first, stop)) is not None:
            yield run
            start = stop
        at = max(at, stop - _STEP) + _STEP


def _is_base64(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "+/_-")


def _wrapped(text: str, start: int, end: int) -> Iterator[Run]:
    """Base64 in lines of 64 or 76, as mail has it: data if it begins as data does, or a text."""
    whole = _decoded("".join(text[start:end].split()))
    if whole is None:
        return
    kind = kind_of(whole)
    decoded = readable(whole) if kind is None else None
    if kind is not None or decoded is not None:
        yield Run(start, end, kind, decoded[0] if decoded is not None else "")


def _run(text: str, start: int, end: int, *, declared: bool = False) -> Run | None:  # noqa: PLR0911 - proof by proof
    """What one run is; None: not proved. `declared`: a data URL says that it is base64."""
    head = _decoded(text[start : min(end, start + _HEAD)])
    if head is None:
        return None
    kind = kind_of(head)
    if kind is not None:
        return Run(start, end, kind)
    whole = _decoded(text[start:end])
    if whole is None:
        return None
    decoded = readable(whole)
    if decoded is not None:
        return Run(start, end, None, decoded[0]) if declared or any(map(str.isalpha, decoded[0])) else None
    if end - start < LONG or not is_binary(whole):
        return None
    run = text[start:end]
    if run.isdigit() or not (declared or (_is_mixed(run) and not _DIGITS.search(run))):
        return None
    return Run(start, end, "binary")


def _is_mixed(run: str) -> bool:
    """Whether large and small letters and digits come as often as in base64 of anything."""
    few = len(run) // 40
    spelled = run.encode()
    digits = len(spelled) - len(spelled.translate(None, b"0123456789"))
    large = len(spelled) - len(spelled.translate(None, _LARGE))
    return digits > few and large > few and len(run) - large - digits > few


def _decoded(run: str) -> bytes | None:
    """Base64, as it is spelled in MIME and in URLs, padded or not."""
    run = run.rstrip("=")
    if len(run) % 4 == 1:
        return None
    spelled = run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4)
    try:
        return base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError):
        return None


def text_of(run: str) -> str:
    """The text that base64 spells."""
    decoded = readable(_decoded("".join(run.split())) or b"")
    return decoded[0] if decoded is not None else ""


def spelled_as(run: str, text: str) -> str:
    """Base64 of another text, spelled as this one is: its charset, its alphabet, its padding, its lines."""
    decoded = readable(_decoded("".join(run.split())) or b"")
    charset = decoded[1] if decoded is not None else "utf-8"
    encoded = base64.b64encode(text.encode(charset, "replace" if charset == "latin-1" else "surrogatepass")).decode()
    if "-" in run or "_" in run:
        encoded = encoded.replace("+", "-").replace("/", "_")
    if not (run.rstrip().endswith("=") or len("".join(run.split())) % 4 == 0):
        encoded = encoded.rstrip("=")
    line = run.find("\n")
    if line < 0:
        return encoded
    eol = "\r\n" if run[line - 1] == "\r" else "\n"
    size = line + 1 - len(eol)
    return eol.join(encoded[at : at + size] for at in range(0, len(encoded), size))
