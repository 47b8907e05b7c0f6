"""A walk over JSON bytes that finds the strings at known places without building anything from the rest.

The grammar is RFC 8259 to the letter: what passes here is JSON to every parser. One regular expression reads a whole
member of an object, and one a whole run of numbers, so an array of embeddings costs a single call. Nothing recurses.
"""

from __future__ import annotations

import codecs
import json
import re
from functools import cache
from typing import TYPE_CHECKING

from extproc.errors import BodyTooLargeError, UnreadableBodyError
from extproc.payload.tree import Use
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from extproc.payload.document import Way
    from extproc.payload.tree import Node

MAX_DEPTH = 10_000
"""Deeper bodies are refused: every level costs memory, and no API nests like that."""
MAX_TEXTS = 200_000
"""Bodies with more texts are refused, as too large: each one costs the recognizers a call."""

Found = tuple[int, int, int, "Way"]
"""Start and end of a string's inside (of a scalar: all after its key), what it is for, and the way to it."""

_SPACE = rb"[ \t\r\n]*+"
INSIDE = rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_WORD = rb"(?:%%b|true|false|null|\{%b\}|\[%b\])" % (_SPACE, _SPACE)
_SCALAR = _WORD % _NUMBER
"""Numbers, words and empty containers: what never holds a text."""


def _value(close: bytes) -> bytes:
    """A value and what follows it in its container: a string, a scalar, or the start of a container."""
    return rb'(?:"(%b)"%b([,%b])|%b%b([,%b])|([{\[]))' % (INSIDE, _SPACE, close, _SCALAR, _SPACE, close)


_MEMBER = re.compile(rb'%b"(%b)"%b:%b' % (_SPACE, INSIDE, _SPACE, _SPACE) + _value(b"}"))


@cache
def _item(number: bytes) -> re.Pattern[bytes]:
    """Any number of scalars, of numbers only such, and an item after them."""
    return re.compile(rb"%b(?:%b%b,%b)*+()" % (_SPACE, _WORD % number, _SPACE, _SPACE) + _value(rb"\]"))


_ITEM = _item(_NUMBER)
_AFTER = (re.compile(_SPACE + rb"([,\]])"), re.compile(_SPACE + rb"([,}])"))
_ROOT = re.compile(_SPACE + rb'(?:"(%b)"|(%b)|([{\[]))' % (INSIDE, _SCALAR))
_KEY, _STRING, _STRING_END, _SCALAR_END, _OPEN = 1, 2, 3, 4, 5
_SLICE = 0x7FF
"""Members, a microsecond each, after which it is asked whether anybody still waits."""
_LOOKED_AT_TWICE = 65536
_COMMA, _BRACE = 0x2C, 0x7B
_BLANKS = re.compile(_SPACE)


class NotJsonError(UnreadableBodyError):
    """JSON ends here, or goes on as none. The message takes its time, so it is made when somebody reads it."""

    def __init__(self, body: bytes, at: int) -> None:
        super().__init__()
        self._body, self._at = body, at

    def __str__(self) -> str:
        return _where(self._body, self._at)


def walk(body: bytes, at: int, root: Node, way: Way = None) -> tuple[list[Found], int]:  # noqa: C901, PLR0912, PLR0915 - hot
    """Strings of use in the JSON value that begins at `at`, and the offset where it ends. `way` leads to that value."""
    first = _ROOT.match(body, at)
    if first is None:
        raise NotJsonError(body, at)
    if first[1] is not None:
        return ([(*first.span(1), root.use, way)] if root.use else []), first.end()
    at = first.end()
    if first[3] is None:
        span = root.numbers.look(body, first.start(2), at) if root.numbers is not None else None
        return ([(*span, Use.NUMBER | root.use & Use.TYPED, way)] if span is not None else []), at
    found: list[Found] = []
    stack: list[tuple[bool, Node, Way, int]] = []
    in_object, node, index = body[at - 1] == _BRACE, root, 0
    here: Way
    members = 0
    while True:
        members += 1
        if not members & _SLICE:
            checkpoint()
        if in_object:
            match = _MEMBER.match(body, at)
            if match is None:
                raise NotJsonError(body, at)
            key = match[_KEY]
            child = node.keys.get(key if b"\\" not in key else unescape_key(key))
            here = (way, key)
            if child is None:
                child = node.other
                if node.names:
                    found.append((*match.span(_KEY), Use.KEY, here))
        else:
            child = node.items
            match = (_ITEM if child.numbers is None else _item(child.numbers.small)).match(body, at)
            if match is None:
                raise NotJsonError(body, at)
            index += body.count(b",", at, match.end(_KEY))
            here = (way, index)
            index += 1
        at = match.end()
        kind = match.lastindex
        if kind == _OPEN:
            stack.append((in_object, node, way, index))
            if len(stack) > MAX_DEPTH:
                raise UnreadableBodyError(f"the JSON is nested deeper than {MAX_DEPTH} levels (byte {at})")
            in_object, node, way, index = body[at - 1] == _BRACE, child, here, 0
            continue
        if kind == _STRING_END:
            if child.use and (child.words is None or match[_STRING] not in child.words):
                found.append((*match.span(_STRING), child.use, here))
        else:
            if child.numbers is not None:
                span = child.numbers.look(body, match.end(_KEY), at)
                if span is not None:
                    found.append((*span, Use.NUMBER | child.use & Use.TYPED, here))
            if child.use & Use.STREAM:
                found.append((match.end(_KEY), at, child.use, here))
        if len(found) > MAX_TEXTS:
            raise BodyTooLargeError(f"the body holds more than {MAX_TEXTS} texts")
        while body[at - 1] != _COMMA:
            if not stack:
                return found, at
            in_object, node, way, index = stack.pop()
            match = _AFTER[in_object].match(body, at)
            if match is None:
                raise NotJsonError(body, at)
            at = match.end()


def unescape_key(key: bytes) -> bytes:
    r"""A key as it reads: `m\u006fdel` is `model`."""
    return json.loads(b'"%b"' % key).encode(errors="replace")  # type: ignore[no-any-return]


def check_utf8(body: bytes) -> None:
    """Raise unless the body is UTF-8, without ever holding all of it decoded."""
    if body.isascii():
        return
    at, size = 0, len(body)
    with memoryview(body) as view:
        while at < size:
            piece = view[at : at + 65536]
            try:
                _, used = codecs.utf_8_decode(piece, "strict", at + len(piece) == size)
            except UnicodeDecodeError as error:
                raise UnreadableBodyError(f"the body is not UTF-8 (byte {at + error.start})") from None
            at += used


def end_of_space(body: bytes, at: int) -> int:
    """Where the white space ends that begins here."""
    match = _BLANKS.match(body, at)
    return at if match is None else match.end()


def _where(body: bytes, at: int) -> str:
    """The place where JSON should go on and does not. Says where, never what stands there."""
    at = end_of_space(body, at)
    if len(body) <= _LOOKED_AT_TWICE:  # the walk knows the member; json knows the byte
        try:
            text = body.decode()
            json.loads(text)
        except json.JSONDecodeError as error:
            at = max(at, len(text[: error.pos].encode()))
        except (ValueError, RecursionError):
            pass
    what = "ends before the JSON does" if at >= len(body) else f"is not JSON from byte {at} on"
    return f"the body {what}"
