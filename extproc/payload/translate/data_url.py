"""Data within a URL: `data:image/png;base64,...`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
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
