"""Which reader a body gets: by the rule, else by path and content type."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from extproc.config.api import vendor_of
from extproc.errors import BodyTooLargeError, UnreadableBodyError
from extproc.payload import charsets, data
from extproc.payload.coding import MOST_CODINGS, codings, decode, encode, magic
from extproc.payload.data import kind_of
from extproc.payload.form import FormDocument, QueryDocument
from extproc.payload.json_body import JsonDocument
from extproc.payload.multipart import MultipartDocument
from extproc.payload.plain import OpaqueDocument, TextDocument
from extproc.payload.recoded import Recoded
from extproc.payload.request_schemas import LLM
from extproc.payload.shapes import LLM_SHAPES
from extproc.payload.tree import paths_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config.intercept import Intercept
    from extproc.payload.document import Document
    from extproc.payload.multipart import Head

_PARAMETER = re.compile(r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LOOKS_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\n\r\v\f]*+[{\[]")
_HAS_FIELD = re.compile(rb"=(?!=*+\s*+\Z)")
"""A field with a value: what ends in the signs that fill up base64 is none."""
_MOST_NESTED = 3
"""Levels of multipart in multipart, as mail has them."""
_MAX_BODY_BYTES = 8 * 2**20
_LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-seq",
    "application/stream+json",
)
_BINARY = ("image/", "audio/", "video/", "font/", "model/", "application/octet-stream", "application/pdf")
_BINARY_APPLICATIONS = (
    "zip",
    "gzip",
    "tar",
    "protobuf",
    "msgpack",
    "cbor",
    "grpc",
    "wasm",
    "x-parquet",
    "vnd.apache.parquet",
)

_paths_tree = lru_cache(maxsize=256)(paths_tree)


def parse(
    rule: Intercept,
    path: str,
    content_type: str,
    content_encoding: str,
    body: bytes,
    *,
    max_body_bytes: int = _MAX_BODY_BYTES,
) -> Document:
    """Find the texts of a request body.

    Raises UnreadableBodyError for a body that is not what it should be, and BodyTooLargeError for one that is, or
    decompresses to, more than `max_body_bytes`.
    """
    if len(body) > max_body_bytes:
        raise BodyTooLargeError(f"the body is larger than {max_body_bytes} bytes")
    if not body:
        return OpaqueDocument(body)
    reader = _Reader(rule, path, content_type, max_body_bytes)
    if content_encoding and (names := codings(content_encoding)):
        return reader.decoded(body, names)
    return reader.read(body)


def parse_query(target: str) -> QueryDocument:
    """Find the texts in the query of a request target (`/search?q=...`): the values. `replace` gives the target's bytes."""
    return QueryDocument(target)


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and its parameters."""
    parameters: dict[str, str] = {}
    if content_type == "application/json":  # as most say it
        return content_type, parameters
    media, semicolon, rest = content_type.partition(";")
    if not rest:
        return media.strip().lower(), parameters
    for match in _PARAMETER.finditer(semicolon + rest):
        value = match[3] if match[2] is None else _QUOTED_PAIR.sub(r"\1", match[2])
        parameters.setdefault(match[1].lower(), value)
    return media.strip().lower(), parameters


def is_json(media: str) -> bool:
    """Whether a media type is JSON."""
    return media.endswith("json") and media not in _LINES


def is_lines(media: str) -> bool:
    """Whether a media type is one JSON value per line."""
    return media in _LINES


def is_binary(media: str) -> bool:
    """Whether a media type is known to hold no text."""
    return media.startswith(_BINARY) or (media.startswith("application/") and media.endswith(_BINARY_APPLICATIONS))


class _Reader:
    """Reads bodies under one rule, for one path and content type."""

    def __init__(self, rule: Intercept, path: str, content_type: str, max_bytes: int) -> None:
        self._rule = rule
        self._max_bytes = max_bytes
        self._media, self._parameters = media_type(content_type)
        self._llm = vendor_of(rule, path) is not None

    def decoded(self, body: bytes, names: list[str]) -> Document:
        """A body that travels compressed."""
        plain = decode(body, names, self._max_bytes)
        return Recoded(self.read(plain), body, plain, lambda new: encode(new, names))

    def read(self, body: bytes, compressed: int = 0) -> Document:
        """A body as whoever gets it may read it, whatever its headers say."""
        if not self._parameters and body.startswith(b'{"'):
            return self._read(
                body, ""
            )  # as most are: no coding begins like that, and no charset but those of ASCII's kind
        names = magic(body)
        if names and compressed < MOST_CODINGS and (self._llm or is_binary(self._media) or not self._media):
            plain = decode(body, names, self._max_bytes)
            return Recoded(self.read(plain, compressed + 1), body, plain, lambda new: encode(new, names))
        charset = charsets.of(body, self._parameters.get("charset", ""), as_json=self._llm or is_json(self._media))
        if charset is not None:
            plain = charsets.decode(body, charset)
            return Recoded(self._read(plain, ""), body, plain, lambda new: charsets.encode(new, charset))
        return self._read(body, self._parameters.get("charset", ""))

    def _read(self, body: bytes, charset: str) -> Document:
        rule, media = self._rule, self._media
        looks_json = _LOOKS_JSON.match(body) is not None
        chosen = bool(rule.texts)
        document: Document
        if media.startswith("multipart/") and not (self._llm and looks_json):
            names = rule.texts if rule.payload == "form" else ()
            document = self._multipart(body, self._parameters.get("boundary", ""), names)
        elif self._llm:  # the upstream may not look at the content type
            kind = kind_of(body) if not looks_json and is_binary(media) else None
            if kind is not None:
                return OpaqueDocument(body, kind)
            document = JsonDocument(body, LLM, shapes=LLM_SHAPES)
            if rule.intent_from is not None:
                document.conversation = JsonDocument(body, _paths_tree((), rule.intent_from)).conversation
        elif rule.payload in ("json", "ndjson"):
            tree = _paths_tree(rule.texts, rule.intent_from)
            document = JsonDocument(body, tree, lines=rule.payload == "ndjson", chosen=chosen)
        elif rule.payload == "form":
            document = FormDocument(body, rule.texts, rule.intent_from)
        elif rule.payload == "text":
            document = TextDocument(body, charset)
        else:
            document = self._guess(media, charset, body, looks_json=looks_json)
        return document

    def _guess(self, media: str, charset: str, body: bytes, *, looks_json: bool, is_file: bool = False) -> Document:
        """Read a body of which only the content type is known, which is often wrong or missing."""
        tree = _paths_tree((), self._rule.intent_from)
        if is_json(media) or is_lines(media):
            return JsonDocument(body, tree, lines=is_lines(media))
        if looks_json:  # curl says x-www-form-urlencoded of all that it posts
            with suppress(UnreadableBodyError):
                return JsonDocument(body, tree)
        if is_binary(media) or is_file:
            kind = kind_of(body) or ("binary" if data.is_binary(body) else None)
            return OpaqueDocument(body, kind) if kind is not None else _any_text(body)
        if media == "application/x-www-form-urlencoded" and _HAS_FIELD.search(body):
            return FormDocument(body, (), self._rule.intent_from)
        return TextDocument(body, charset)

    def _multipart(self, body: bytes, boundary: str, names: Sequence[str] = (), depth: int = 0) -> Document:
        def read(head: Head, raw: bytes) -> Document:
            media, parameters = media_type(head.media)
            if media.startswith("multipart/"):
                if depth == _MOST_NESTED:
                    raise UnreadableBodyError(f"the multipart body is nested deeper than {_MOST_NESTED} levels")
                return self._multipart(raw, parameters.get("boundary", ""), (), depth + 1)
            return self._part(head, media, parameters.get("charset", ""), raw)

        return MultipartDocument(body, boundary, read, names, self._rule.intent_from)

    def _part(self, head: Head, media: str, charset: str, raw: bytes) -> Document:
        if not raw:
            return OpaqueDocument(raw)
        if head.coding == "base64":
            plain = charsets.from_base64(raw)
            inner = self._part(head._replace(coding=""), media, charset, plain)
            return Recoded(inner, raw, plain, charsets.to_base64)
        try:
            wide = charsets.of(raw, charset, as_json=is_json(media))
            if wide is not None:
                plain = charsets.decode(raw, wide)
                inner = self._part(head, media, "", plain)
                return Recoded(inner, raw, plain, lambda new: charsets.encode(new, wide))
            return self._guess(media, charset, raw, looks_json=raw.lstrip()[:1] in (b"{", b"["), is_file=head.is_file)
        except UnreadableBodyError as error:
            raise UnreadableBodyError(f"a part of the multipart body cannot be read: {error}") from None


def _any_text(body: bytes) -> TextDocument:
    """What nothing says anything of, and is no data."""
    try:
        return TextDocument(body)
    except UnreadableBodyError:
        return TextDocument(body, "latin-1")
