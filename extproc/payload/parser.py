"""Which reader a body gets: by the rule, else by path and content type."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from extproc.errors import BodyTooLargeError, UnreadableBodyError
from extproc.payload.coding import codings, decode, encode
from extproc.payload.form import FormDocument, MultipartDocument, QueryDocument
from extproc.payload.json_body import JsonDocument
from extproc.payload.plain import OpaqueDocument, TextDocument
from extproc.payload.schemas import LLM
from extproc.payload.tree import paths_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config.intercept import Intercept
    from extproc.payload.document import Change, Document, Segment

_MAX_BODY_BYTES = 8 * 2**20
_LLM_PATHS = (
    *(
        "/completions",
        "/responses",
        "/embeddings",
        "/messages",
        "/count_tokens",
        "/complete",
        "/rerank",
        "/moderations",
    ),
    *("/images/generations", "/audio/speech", "/completion", "/infill", "/api/chat", "/api/generate", "/api/embed"),
)
"""How the paths of the well-known APIs end: OpenAI, Anthropic, llama.cpp, Ollama."""
_LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-seq",
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
    names = codings(content_encoding)
    if not names:
        return _read(rule, path, content_type, body)
    plain = decode(body, names, max_body_bytes)
    return _Encoded(_read(rule, path, content_type, plain), body, plain, names)


def parse_query(target: str) -> QueryDocument:
    """Find the texts in the query of a request target (`/search?q=...`): the values. `replace` gives the target's bytes."""
    return QueryDocument(target)


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and its parameters."""
    media, *rest = content_type.split(";")
    parameters = {}
    for item in rest:
        name, _, value = item.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
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


def is_llm(rule: Intercept, path: str) -> bool:
    """Whether a path is one of the well-known APIs."""
    return rule.payload in ("openai", "anthropic") or (
        rule.payload == "auto" and path.partition("?")[0].rstrip("/").endswith(_LLM_PATHS)
    )


def _read(rule: Intercept, path: str, content_type: str, body: bytes) -> Document:
    media, parameters = media_type(content_type)
    charset = parameters.get("charset", "")
    looks_json = body.lstrip()[:1] in (b"{", b"[")
    document: Document
    if media == "multipart/form-data":
        names = rule.texts if rule.payload == "form" else ()
        document = MultipartDocument(body, parameters.get("boundary", ""), names, rule.intent_from)
    elif is_llm(rule, path) and (looks_json or not is_binary(media)):  # the upstream may not look at the content type
        document = JsonDocument(body, LLM)
        if rule.intent_from is not None:
            document.intent_text = JsonDocument(body, _paths_tree((), rule.intent_from)).intent_text
    elif rule.payload == "json":
        document = JsonDocument(body, _paths_tree(rule.texts, rule.intent_from))
    elif rule.payload == "ndjson":
        document = JsonDocument(body, _paths_tree(rule.texts, rule.intent_from), lines=True)
    elif rule.payload == "form":
        document = FormDocument(body, rule.texts, rule.intent_from)
    elif rule.payload == "text":
        document = TextDocument(body, charset)
    else:
        document = _guess(rule, media, charset, body, looks_json=looks_json)
    return document


def _guess(rule: Intercept, media: str, charset: str, body: bytes, *, looks_json: bool) -> Document:
    """Read a body of which only the content type is known, which is often wrong or missing."""
    tree = _paths_tree((), rule.intent_from)
    if is_json(media) or is_lines(media):
        return JsonDocument(body, tree, lines=is_lines(media))
    if looks_json:  # curl says x-www-form-urlencoded of all that it posts
        with suppress(UnreadableBodyError):
            return JsonDocument(body, tree)
    if is_binary(media):
        return OpaqueDocument(body)
    if media == "application/x-www-form-urlencoded" and b"=" in body:
        return FormDocument(body, (), rule.intent_from)
    return TextDocument(body, charset)


class _Encoded:
    """A document whose body travels compressed."""

    def __init__(self, document: Document, body: bytes, plain: bytes, names: list[str]) -> None:
        self._document = document
        self._body = body
        self._plain = plain
        self._names = names

    @property
    def body(self) -> bytes:
        return self._plain

    @property
    def segments(self) -> Sequence[Segment]:
        return self._document.segments

    @property
    def intent_text(self) -> str:
        return self._document.intent_text

    @property
    def model(self) -> str | None:
        return self._document.model

    @property
    def stream(self) -> bool:
        return self._document.stream

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        plain = self._document.replace(changes, model)
        return self._body if plain is self._plain else encode(plain, self._names)
