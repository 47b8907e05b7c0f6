"""Paths as the parts of a service may read them: one upstream decodes, the next folds case, drops parameters or dots.

A rule holds for a request whose path is the rule's in any of these readings.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

_PLAIN: Final = re.compile(r"(?:/[a-z0-9_~-]++(?:\.[a-z0-9_~-]++)*+)*+/?")
"""Read the same way by everybody, case aside."""
_ENCODED_TWICE: Final = 3
"""Percent-encoding of percent-encoding is decoded so many times at most."""
_LEGACY: Final = re.compile(rb"%u([0-9a-fA-F]{4})")
_OVERLONG: Final = ((b"\xc0\xaf", b"/"), (b"\xc0\xae", b"."), (b"\xc1\x9c", b"/"), (b"\xe0\x80\xaf", b"/"))
"""Spellings of `/` and `.` that old decoders of UTF-8 accept."""


def readings(path: str) -> tuple[str, ...]:
    """A path (without its query) in lower case, as it may be read: as it stands; without its disguises."""
    lower = path.lower()
    if _PLAIN.fullmatch(lower):
        return (lower,)
    return lower, plain_path(path), plain_path(path, climbs=False)


def plain_path(path: str, *, climbs: bool = True) -> str:
    """A path without its disguises: encodings, parameters, empty segments, dots, case. `climbs`: `..` goes up."""
    if _PLAIN.fullmatch(path):
        return path
    decoded = _decoded(path).replace("\\", "/").lower()
    segments: list[str] = []
    for raw in decoded.split("/"):
        segment = raw.partition(";")[0].strip("\t\n\r\0 ")
        if segment == "..":
            if climbs:
                del segments[-1:]
            continue
        segment = segment.rstrip(". ")
        if segment:
            segments.append(segment)
    is_folder = segments and decoded.partition(";")[0].endswith(("/", "/.", "/.."))
    return "/" + "/".join(segments) + ("/" if is_folder else "")


def _decoded(path: str) -> str:
    data = path.encode(errors="replace")
    for _ in range(_ENCODED_TWICE):
        if b"%" not in data:
            break
        data = unquote_to_bytes(_LEGACY.sub(lambda match: chr(int(match[1], 16)).encode(errors="replace"), data))
    for spelled, meant in _OVERLONG:
        data = data.replace(spelled, meant)
    return data.decode(errors="replace")
