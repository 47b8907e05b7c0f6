"""What a request asks of a model beyond answering text with text: told by the fields of the known APIs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.config.api import api_at
from extproc.payload.tools import offered_tools

if TYPE_CHECKING:
    from extproc.config.models import Capability
    from extproc.payload.document import Document

_IMAGE: Final = re.compile(rb'"type"\s*:\s*"(?:image|image_url|input_image)"')
_SCHEMA: Final = re.compile(rb'"(?:type"\s*:\s*"json_schema|json_schema"\s*:\s*\{|output_format"\s*:\s*\{)')
_REASONING: Final = re.compile(
    rb'"reasoning_effort"\s*:\s*"(?!none)|"reasoning"\s*:\s*\{\s*"|"thinking"\s*:\s*\{(?![^{}]*"disabled")'
)
"""Within a text of JSON each quote has a backslash before it: what only speaks of these fields has none of them."""


def used(document: Document, path: str) -> frozenset[Capability]:
    """The capabilities that a model needs for it."""
    body = document.body
    capabilities: set[Capability] = set()
    if offered_tools(document):
        capabilities.add("tools")
    if _has(_IMAGE, body):
        capabilities.add("vision")
    if _has(_SCHEMA, body):
        capabilities.add("json_schema")
    if _has(_REASONING, body):
        capabilities.add("reasoning")
    api = api_at(path)
    if api is not None and api.operation == "embeddings":
        capabilities.add("embeddings")
    return frozenset(capabilities)


def _has(pattern: re.Pattern[bytes], body: bytes) -> bool:
    return any(body[match.start() - 1 : match.start()] != b"\\" for match in pattern.finditer(body))
