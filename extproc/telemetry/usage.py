"""Token usage, read out of an answer as it passes by: JSON or server-sent events, OpenAI's or Anthropic's names.

A stream whose caller did not ask for `usage` has none in OpenAI's API. llama.cpp's servers (its own, and ours) tell the same
counts in the last event all the same, as `timings`, and those are taken; where neither is told, the output is estimated.

Only the beginning and the end of an answer are kept, for `usage` stands in one of the two. Inside a JSON string a quote
is escaped, so an answer that *talks* about `"usage":` is not mistaken for one that reports it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeGuard

from extproc.exchange.record import Usage
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES = 4096
TAIL_BYTES = 8192

_USAGE = re.compile(rb'"usage(?:Metadata)?"\s*:\s*(?=\{)')
_TIMINGS = re.compile(rb'"timings"\s*:\s*(?=\{)')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')
_FINISH = re.compile(rb'_reason"\s*:\s*"(\w{1,40})"')
"""Each begins with what is searched for fast; a match that a backslash precedes is text inside a string."""


class UsageReader:
    """Sees one answer, chunk by chunk, as the upstream sent it (not compressed)."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._head = b""
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._bytes = 0
        self._events = 0

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        if self._bytes < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - self._bytes]
        self._bytes += len(chunk)
        if self._streamed:
            self._events += chunk.count(b"data:")
        self._tail.append(chunk)
        self._tail_bytes += len(chunk)
        if self._tail_bytes > 4 * TAIL_BYTES:
            self._tail = [b"".join(self._tail)[-TAIL_BYTES:]]
            self._tail_bytes = TAIL_BYTES

    def close(self) -> Usage | None:
        """What the answer reported; where it reported nothing, an estimate that says so. None for an empty answer."""
        if not self._bytes:
            return None
        found: dict[str, int] = {}
        tail = b"".join(self._tail)
        for part in (tail,) if len(tail) == self._bytes else (self._head, tail):
            for match in _told(_USAGE, part):
                found |= _counts(part, match.end())
        if "output" not in found:
            for match in _told(_TIMINGS, tail):
                found |= _timed(tail, match.end())
        model = next(_told(_MODEL, self._head), None)
        finish = [match[1] for match in _told(_FINISH, tail)]
        estimated = "output" not in found
        if estimated:
            content = self._events - tail.count(b"[DONE]") if self._streamed else estimated_tokens(self._bytes)
            found["output"] = max(0, content)
        return Usage(
            input_tokens=found.get("input"),
            output_tokens=found["output"],
            finish_reason=finish[-1].decode() if finish else None,
            response_model=model[1].decode("utf-8", "replace") if model else None,
            estimated=estimated,
            by=("events" if self._streamed else "bytes") if estimated else "",
            chunks=self._events,
        )


def _told(pattern: re.Pattern[bytes], part: bytes) -> Iterator[re.Match[bytes]]:
    """Where the answer itself says something, and not a text in it."""
    return (match for match in pattern.finditer(part) if part[match.start() - 1 : match.start()] != b"\\")


def _counts(part: bytes, start: int) -> dict[str, int]:
    usage = _object(part, start)
    counts = {}
    for ours, names in (
        ("input", ("prompt_tokens", "input_tokens", "promptTokenCount")),
        ("output", ("completion_tokens", "output_tokens", "candidatesTokenCount")),
    ):
        for name in names:
            if _is_count(value := usage.get(name)):
                counts[ours] = value
    if _is_count(thought := usage.get("thoughtsTokenCount")):  # Gemini counts thought beside the output
        counts["output"] = counts.get("output", 0) + thought
    return counts


def _timed(part: bytes, start: int) -> dict[str, int]:
    """llama.cpp's counts: tokens of the prompt that came from its cache, those that did not, and those made."""
    timings = _object(part, start)
    cached, read, made = timings.get("cache_n", 0), timings.get("prompt_n"), timings.get("predicted_n")
    if _is_count(cached) and _is_count(read) and _is_count(made):
        return {"input": cached + read, "output": made}
    return {}


def _object(part: bytes, start: int) -> dict[str, Any]:
    """The JSON object that begins there; an empty one where the edge of what is kept cuts it."""
    try:
        found, _ = json.JSONDecoder().raw_decode(part[start:].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
