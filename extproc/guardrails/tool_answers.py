"""Calls of tools in answers, judged before the client can run them.

What a model says passes as it comes; from the first event on that is part of a call, the events of a stream are held to its end.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from extproc.decision import Verdict
from extproc.errors import UnreadableBodyError
from extproc.guardrails.tools import UNREADABLE, Call, Tools, calls_in, calls_of, may_hold_calls, parsed
from extproc.payload.answer import Recoded, Untouched
from extproc.payload.coding import codings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.guardrails import ToolsGuard
    from extproc.identity import Caller
    from extproc.payload import ResponseEditor

NAME: Final = "guardrails"
MOST_BYTES: Final = 2**24
"""Of an answer, or of the events of its calls, that are held; more is taken for a call that is denied."""
_BLOCK: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_LONGEST_BREAK: Final = 4
_DATA: Final = re.compile(rb"^data: ?(.*)$", re.MULTILINE)
_KEYS: Final = frozenset({"tool_calls", "function_call", "functionCall", "toolUse"})
_TYPES: Final = ("tool_use", "function_call", "mcp_call", "custom_tool_call", "input_json")
_PIECES: Final = frozenset({"response.output_item.added", "content_block_start", "content_block_delta"})
"""Events that hold a call in part."""


@dataclass(slots=True)
class ToolAnswers:
    """The link of the answer's chain for one guardrail. See AnswerEdit."""

    rule: str
    guard: ToolsGuard
    tools: Tools
    caller: Caller
    enforced: bool
    fired: bool = False
    name: str = NAME
    masked: bool = False
    """It sees the answer as the client gets it: so are arguments run."""

    def editor(self, _content_type: str, content_encoding: str) -> ResponseEditor:
        """See AnswerEdit."""
        try:
            names = codings(content_encoding)
        except UnreadableBodyError:
            return Untouched()
        editor = _Editor(self)
        return Recoded(editor, names) if names else editor

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said of the answer."""
        if not self.fired:
            return ()
        return (Verdict(NAME, self.guard.action, f"{self.rule}:answer", score=1.0, enforced=self.enforced),)

    def removes(self, calls: Iterator[Call]) -> bool:
        """Whether these calls must not reach the client."""
        if any(self.tools.fault(call, self.caller) for call in calls):
            self.fired = True
            return self.enforced and self.guard.action == "block"
        return False

    @property
    def notice(self) -> str:
        """What the client gets in their place."""
        return f"[a call of a tool was removed by the guardrail {self.rule}]"


class _Editor:
    """See ResponseEditor."""

    def __init__(self, link: ToolAnswers) -> None:
        self._link = link
        self._begun = bytearray()
        self._looked = 0
        """How much of it holds no end of an event."""
        self._stream: bool | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._events: list[dict[str, Any]] = []
        self._first: dict[str, Any] = {}
        self._ended = False

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        if self._ended:
            return b""
        self._begun += chunk
        if self._stream is None:
            begun = bytes(self._begun[:64]).lstrip()[:6]
            if not end and len(begun) < 6:
                return b""
            self._stream = begun.startswith((b"data:", b"event:", b"id:", b": ", b":"))
        return self._feed_stream(end=end) if self._stream else self._feed_whole(end=end)

    def _feed_whole(self, *, end: bool) -> bytes:
        if not end and len(self._begun) <= MOST_BYTES:
            return b""
        body, self._begun = bytes(self._begun), bytearray()
        calls = calls_in(body) if end else iter((UNREADABLE,))
        if not self._link.removes(calls):
            return body
        self._ended = True
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = {}
        return json.dumps(_without_calls(value, self._link.notice), ensure_ascii=False).encode()

    def _feed_stream(self, *, end: bool) -> bytes:
        out = []
        at = 0
        for match in list(_BLOCK.finditer(self._begun, self._looked)):
            out.append(self._take(bytes(self._begun[at : match.end()])))
            at = match.end()
        del self._begun[:at]
        self._looked = max(0, len(self._begun) - _LONGEST_BREAK)
        if self._held_bytes + len(self._begun) > MOST_BYTES:
            return b"".join(out) + self._decide(iter((UNREADABLE,)))
        if end:
            out.append(self._take(bytes(self._begun)))
            self._begun.clear()
            if self._held:
                out.append(self._decide(self._calls()))
        return b"".join(out)

    def _take(self, block: bytes) -> bytes:
        event = _event(block) if self._held or not self._first or may_hold_calls(block) else {}
        self._first = self._first or event
        if not self._held and not _has_call(event):
            return block
        self._held.append(block)
        self._held_bytes += len(block)
        self._events.append(event)
        return b""

    def _decide(self, calls: Iterator[Call]) -> bytes:
        held, self._held, self._held_bytes = b"".join(self._held), [], 0
        if not self._link.removes(calls):
            return held
        self._ended = True
        return _ending(self._first, self._events, self._link.notice)

    def _calls(self) -> Iterator[Call]:
        """The calls of the events that are held, put together."""
        parts: dict[Any, list[str]] = {}
        for event in self._events:
            for key, name, arguments in _pieces(event):
                part = parts.setdefault(key, ["", ""])
                part[0] += name
                part[1] += arguments
            if "choices" not in event and event.get("type") not in _PIECES:
                yield from calls_of(event)
        yield from (Call(name.strip(), parsed(arguments)) for name, arguments in parts.values())


def _event(block: bytes) -> dict[str, Any]:
    data = b"\n".join(match[1].rstrip(b"\r") for match in _DATA.finditer(block))
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _has_call(value: Any) -> bool:
    """Whether an event is part of a call: `"tool_calls": null` is none."""
    todo = [value]
    while todo:
        here = todo.pop()
        if isinstance(here, list):
            todo.extend(here)
        elif isinstance(here, dict):
            kind = here.get("type")
            if any(here.get(key) for key in _KEYS) or (isinstance(kind, str) and any(word in kind for word in _TYPES)):
                return True
            todo.extend(inner for inner in here.values() if isinstance(inner, (dict, list)))
    return False


def _pieces(event: dict[str, Any]) -> Iterator[tuple[Any, str, str]]:
    """Which call, and what an event adds to its name and to its arguments."""
    for nth, choice in enumerate(_list(event.get("choices"))):
        delta = _dict(choice).get("delta") or _dict(choice).get("message")
        which = _dict(choice).get("index", nth)
        for at, call in enumerate(_list(_dict(delta).get("tool_calls"))):
            function = _dict(_dict(call).get("function"))
            yield (which, _dict(call).get("index", at)), _text(function.get("name")), _text(function.get("arguments"))
        function = _dict(_dict(delta).get("function_call"))
        if function:
            yield (which, "function_call"), _text(function.get("name")), _text(function.get("arguments"))
    block = _dict(event.get("content_block"))
    if block.get("type") in ("tool_use", "server_tool_use", "mcp_tool_use"):
        given = block.get("input")
        yield ("block", event.get("index")), _text(block.get("name")), json.dumps(given) if given else ""
    delta = _dict(event.get("delta"))
    if delta.get("type") == "input_json_delta":
        yield ("block", event.get("index")), "", _text(delta.get("partial_json"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _without_calls(value: Any, notice: str) -> Any:
    """A whole answer that says so instead of calling."""
    body = dict(_dict(value))
    if isinstance(body.get("choices"), list):
        told = {"role": "assistant", "content": notice}
        body["choices"] = [
            {"index": _dict(choice).get("index", nth), "message": told, "finish_reason": "stop"}
            for nth, choice in enumerate(body["choices"])
        ]
    elif body.get("type") == "message":
        body |= {"content": [{"type": "text", "text": notice}], "stop_reason": "end_turn"}
    elif isinstance(body.get("output"), list):
        part = {"type": "output_text", "text": notice, "annotations": []}
        body["output"] = [{"type": "message", "role": "assistant", "status": "completed", "content": [part]}]
    else:
        body = {"error": {"type": "permission_error", "message": notice}}
    return body


def _ending(first: dict[str, Any], held: list[dict[str, Any]], notice: str) -> bytes:
    """The end of a stream that says so instead of calling."""
    events = [first, *held]
    if any("choices" in event for event in events):
        about: dict[str, Any] = {name: first[name] for name in ("id", "object", "created", "model") if name in first}
        choice = {"index": 0, "delta": {"content": notice}, "finish_reason": "stop"}
        return _written({**about, "choices": [choice]}) + b"data: [DONE]\n\n"
    kinds = [str(event.get("type")) for event in events]
    if any(kind.startswith(("message_", "content_block")) for kind in kinds):
        index = next((event["index"] for event in held if isinstance(event.get("index"), int)), 0)
        return b"".join(
            _written(event, named=True)
            for event in (
                {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": notice}},
                {"type": "content_block_stop", "index": index},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 0}},
                {"type": "message_stop"},
            )
        )
    return _written({"type": "error", "code": "permission_error", "message": notice, "param": None}, named=True)


def _written(event: dict[str, Any], *, named: bool = False) -> bytes:
    head = f"event: {event['type']}\n" if named else ""
    return f"{head}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
