"""Data within a URL: `data:image/png;base64,...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extproc.payload.translate.conversation import Media


def media_of(url: str, otherwise: str) -> tuple[str, str, str]:
    """Media type, data in base64, and the URL where it is not data; one of the last two is empty."""
    if not url.startswith("data:"):
        return "", "", url
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return "", "", url
    return head[: -len(";base64")].partition(";")[0] or otherwise, data, ""


def url_of(media: Media) -> str:
    """The URL of something whose data is known, or lies elsewhere."""
    return media.url or f"data:{media.media_type};base64,{media.data}"
