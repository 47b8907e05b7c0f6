"""Bodies that are not UTF-8: the one reading that they have, and the way back.

A body that says UTF-8 of itself, or nothing, may still be UTF-16 or UTF-32: readers of JSON find that out by themselves.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re

from extproc.errors import UnreadableBodyError
from extproc.payload.plain import known_charset

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKED = tuple(mark for mark, _ in _MARKS)
_ASCII = rb"[\t\r\n -~]"
_UNMARKED = tuple(
    (name, re.compile(form.replace(b"A", _ASCII)))
    for name, form in (
        ("utf-32-le", rb"A\0\0\0"),
        ("utf-32-be", rb"\0\0\0A"),
        ("utf-16-le", rb"A\0(?:A\0|\Z|[^\0])"),
        ("utf-16-be", rb"\0A(?:\0A|\Z|[^\0])"),
    )
)
_LIKE_ASCII = "0123456789 {}[]:,.-_@abcdefghijklmnopqrstuvwxyz"


def of(body: bytes, declared: str, *, as_json: bool) -> str | None:  # noqa: PLR0911 - one for each way to be told
    """The charset in which a body is to be read; None: UTF-8, or what `declared` says and a text is read in anyway.

    Raises UnreadableBodyError for a body that two readers take for two different ones.
    """
    if body.startswith(_MARKED):
        return next(name for mark, name in _MARKS if body.startswith(mark))
    if b"\0" in body[:8] and (unmarked := _unmarked(body)) is not None:
        return unmarked
    if not declared or not as_json:
        return None
    try:
        charset = known_charset(declared)
    except UnreadableBodyError:
        return None  # no reader of JSON looks at it
    if charset == "utf-8":
        return None
    if _is_like_ascii(charset):
        return None if _decodes(body, "utf-8") else charset
    if decode(body, charset) != body:
        raise UnreadableBodyError(f"the JSON says that it is {charset}, which readers of JSON do not look at")
    return None


def _unmarked(body: bytes) -> str | None:
    """UTF-16 and UTF-32 by where the zeros of the first characters stand, as RFC 4627 told JSON's encodings apart."""
    head = body[:8]
    if len(body) < 4:
        return None
    for name, pattern in _UNMARKED:
        if pattern.match(head) and _decodes(body, name):
            return name
    return None


def _decodes(body: bytes, charset: str) -> bool:
    try:
        body.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _is_like_ascii(charset: str) -> bool:
    """Whether ASCII reads as itself in a charset."""
    try:
        return _LIKE_ASCII.encode(charset) == _LIKE_ASCII.encode() and b"+AGo-".decode(charset) == "+AGo-"
    except UnicodeError:
        return False


def decode(body: bytes, charset: str) -> bytes:
    """A body in UTF-8. Raises UnreadableBodyError where there would be no way back."""
    try:
        text = body.decode(charset)
        if text.encode(charset) == body:
            return text.encode()
    except UnicodeError:
        pass
    raise UnreadableBodyError(f"the body is not {charset}, or cannot be written back in it")


def encode(body: bytes, charset: str) -> bytes:
    """A body in UTF-8 as it was. Raises UnreadableBodyError."""
    try:
        return body.decode().encode(charset)
    except UnicodeError:
        raise UnreadableBodyError(f"what is masked cannot be written in {charset}") from None


def from_base64(body: bytes) -> bytes:
    """What the base64 of a part of mail says. Raises UnreadableBodyError."""
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableBodyError("what says that it is base64 is not") from None


def to_base64(body: bytes) -> bytes:
    """Base64 in lines of 76."""
    return base64.encodebytes(body).replace(b"\n", b"\r\n").rstrip()
