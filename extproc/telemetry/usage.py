"""Token usage, read out of an answer as it passes by: JSON or server-sent events, OpenAI's or Anthropic's names.

A stream whose caller did not ask for `usage` has none in OpenAI's API. llama.cpp's servers (its own, and ours) tell the same
counts in the last event all the same, as `timings`, and those are taken, as are Ollama's, which stand beside the text; where
none is told, the output is estimated.

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
_COUNTED_BY_OLLAMA = re.compile(rb'"(prompt_)?eval_count"\s*:\s*(\d{1,15})(?=\s*[,}])')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')
_FINISH = re.compile(rb'_reason"\s*:\s*"(\w{1,40})"')
"""Each begins with what is searched for fast; a match that a backslash precedes is text inside a string."""
_BEGUN = re.compile(rb'(?:^|\n)event: *message_start|(?<!\\)"message_start"')
_COUNTED = re.compile(rb'(?<!\\)"message_delta"')
"""The events of Anthropic's streams that tell usage: the input at the beginning, the output at the end."""


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
        counts: dict[str, int] = {}
        tail = b"".join(self._tail)
        for part in (tail,) if len(tail) == self._bytes else (self._head, tail):
            for match in _told(_USAGE, part):
                counts |= _counts(_object(part, match.end()))
        if "output" not in counts:
            for match in _told(_TIMINGS, tail):
                counts |= _timed(tail, match.end())
            for match in _told(_COUNTED_BY_OLLAMA, tail):
                counts["input" if match[1] else "output"] = int(match[2])
        model = next(_told(_MODEL, self._head), None)
        finish = [match[1] for match in _told(_FINISH, tail)]
        # what begins by telling its input counts the output at its end: cut off, it has not told it
        cut = self._streamed and bool(_BEGUN.search(self._head)) and not _COUNTED.search(tail)
        estimated = "output" not in counts or cut
        if estimated:
            content = self._events - tail.count(b"[DONE]") if self._streamed else estimated_tokens(self._bytes)
            counts["output"] = max(0, content, counts.get("output", 0))
        return Usage(
            input_tokens=_input(counts),
            output_tokens=counts["output"],
            cache_read_tokens=counts.get("cached", 0) + counts.get("read_beside", 0),
            cache_write_tokens=counts.get("written_beside", 0),
            reasoning_tokens=min(counts.get("reasoning", 0), counts["output"]),
            finish_reason=finish[-1].decode() if finish else None,
            response_model=model[1].decode("utf-8", "replace") if model else None,
            estimated=estimated,
            by=("events" if self._streamed else "bytes") if estimated else "",
            chunks=self._events,
        )


def _told(pattern: re.Pattern[bytes], part: bytes) -> Iterator[re.Match[bytes]]:
    """Where the answer itself says something, and not a text in it."""
    return (match for match in pattern.finditer(part) if part[match.start() - 1 : match.start()] != b"\\")


_COUNTS = (
    (("prompt_tokens",), "input"),
    (("input_tokens",), "input"),
    (("promptTokenCount",), "input"),
    (("inputTokens",), "input"),
    (("completion_tokens",), "output"),
    (("output_tokens",), "output"),
    (("candidatesTokenCount",), "output"),
    (("outputTokens",), "output"),
    (("prompt_tokens_details", "cached_tokens"), "cached"),
    (("input_tokens_details", "cached_tokens"), "cached"),
    (("cachedContentTokenCount",), "cached"),
    (("completion_tokens_details", "reasoning_tokens"), "reasoning"),
    (("output_tokens_details", "reasoning_tokens"), "reasoning"),
    (("output_tokens_details", "thinking_tokens"), "reasoning"),
    (("cache_read_input_tokens",), "read_beside"),
    (("cache_creation_input_tokens",), "written_beside"),
)
"""How APIs call what they count. OpenAI's input holds what came from the cache; Anthropic's stands beside it."""


def _counts(usage: dict[str, Any]) -> dict[str, int]:
    counts = {}
    for way, ours in _COUNTS:
        value: Any = usage
        for name in way:
            value = value.get(name) if isinstance(value, dict) else None
        if _is_count(value):
            counts[ours] = value
    if _is_count(thought := usage.get("thoughtsTokenCount")):  # Gemini counts thought beside the output
        counts["output"] = counts.get("output", 0) + thought
        counts["reasoning"] = thought
    return counts


def _input(counts: dict[str, int]) -> int | None:
    if "input" not in counts:
        return None
    return counts["input"] + counts.get("read_beside", 0) + counts.get("written_beside", 0)


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
        value, _ = json.JSONDecoder().raw_decode(part[start:].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
