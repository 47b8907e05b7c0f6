"""Data within a URL: `data:image/png;base64,...`, and of what kind data is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from extproc.payload.translate.conversation import Media


def media_of(url: str, otherwise: str) -> tuple[str, str, str]:
    """Media type, data in base64, and the URL where it is not data; one of the last two is empty, both where it is no URL."""
    if not url.startswith("data:"):
        return "", "", url
    head, comma, data = url[5:].partition(",")
    if not comma:
        return "", "", ""
    if not head.endswith(";base64"):
        return head.partition(";")[0] or "text/plain", base64.b64encode(unquote_to_bytes(data)).decode(), ""
    return head[: -len(";base64")].partition(";")[0] or otherwise, data, ""


def url_of(media: Media) -> str:
    """The URL of something whose data is known, or lies elsewhere."""
    return media.url or f"data:{media.media_type};base64,{media.data}"


_TEXTS: Final = {
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "html": "text/html",
    "htm": "text/html",
    "xml": "application/xml",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
"""How the names of text files end. Others are of the kind that every API takes, or say themselves of which they are."""


def media_type_of(name: str) -> str | None:
    """The media type of a text file of this name; None: it is none that is known."""
    return _TEXTS.get(name.rpartition(".")[2].lower())


def text_of(media: Media) -> str | None:
    """The text that a file is; None: it is none."""
    if not media.media_type.startswith("text/") and media.media_type not in _TEXTS.values():
        return None
    try:
        text = base64.b64decode(media.data, validate=True).decode()
    except ValueError:
        return None
    return None if "\0" in text else text.removeprefix("\ufeff")
