"""Which texts of which events continue those of earlier events: only these are put together.

A closed table, by API. Any other event is a record: a text in it begins and ends there, whatever stands in the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from extproc.payload.tree import SKIP, Node, Use

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_TEXT: Final = (
    *("id", "type", "object", "role", "name", "index", "status", "signature", "citation", "data", "format"),
    *("call_id", "tool_call_id", "item_id", "encrypted_content", "mime_type", "media_type", "finish_reason"),
)
"""Of a delta, what comes whole."""
_DELTA: Final = Node(Use.TEXT)
_DELTA.with_keys(dict.fromkeys(_NO_TEXT, SKIP))


class Deltas(NamedTuple):
    """Events of one kind whose texts go on."""

    kind: str
    tree: Node
    """Selects those texts."""


def _tree(*ways: str) -> Node:
    """A tree for ways such as `choices.*.delta`: all that is below them, `*` being any item."""
    root = Node()
    root.with_keys({}, SKIP)
    root.items = SKIP
    for way in ways:
        node = root
        *steps, last = way.split(".")
        for step in steps:
            if step == "*":
                if node.items is SKIP:
                    node.items = Node()
                    node.items.with_keys({}, SKIP)
                    node.items.items = SKIP
                node = node.items
                continue
            if step.encode() not in node.keys:
                inner = Node()
                inner.with_keys({}, SKIP)
                inner.items = SKIP
                node.keys[step.encode()] = inner
            node = node.keys[step.encode()]
        node.keys[last.encode()] = _DELTA
    return root


_FIELD: Final = _tree("delta")
_BY_TYPE: Final = {
    # Anthropic: messages, and the completions before them
    "content_block_delta": _FIELD,
    "completion": _tree("completion"),
    # OpenAI: responses, and transcriptions
    "response.output_text.delta": _FIELD,
    "response.text.delta": _FIELD,
    "response.refusal.delta": _FIELD,
    "response.reasoning.delta": _FIELD,
    "response.reasoning_text.delta": _FIELD,
    "response.reasoning_summary.delta": _FIELD,
    "response.reasoning_summary_text.delta": _FIELD,
    "response.function_call_arguments.delta": _FIELD,
    "response.mcp_call_arguments.delta": _FIELD,
    "response.mcp_call.arguments.delta": _FIELD,
    "response.mcp_call.arguments_delta": _FIELD,
    "response.custom_tool_call_input.delta": _FIELD,
    "response.code_interpreter_call_code.delta": _FIELD,
    "response.code_interpreter_call.code.delta": _FIELD,
    "response.audio.transcript.delta": _FIELD,
    "response.audio_transcript.delta": _FIELD,
    "response.output_audio_transcript.delta": _FIELD,
    "transcript.text.delta": _FIELD,
    # Cohere
    "content-delta": _FIELD,
    "tool-plan-delta": _FIELD,
    "tool-call-delta": _FIELD,
    # Vercel's AI SDK
    "text-delta": _tree("delta", "text"),
    "reasoning-delta": _tree("delta", "text"),
    "tool-input-delta": _tree("inputTextDelta", "delta"),
    # AG-UI
    "TEXT_MESSAGE_CONTENT": _FIELD,
    "THINKING_TEXT_MESSAGE_CONTENT": _FIELD,
    "REASONING_MESSAGE_CONTENT": _FIELD,
    "TOOL_CALL_ARGS": _FIELD,
}
_BY_OBJECT: Final = {
    # OpenAI: assistants
    "thread.message.delta": _FIELD,
    "thread.run.step.delta": _FIELD,
}
_Has: TypeAlias = "Callable[[dict[str, Any]], bool]"
_BY_FIELDS: Final[tuple[tuple[_Has, Deltas], ...]] = (
    # OpenAI: chat completions, and completions; all who speak like it
    (lambda e: isinstance(e.get("choices"), list), Deltas("choices", _tree("choices.*.delta", "choices.*.text"))),
    # Gemini
    (
        lambda e: isinstance(e.get("candidates"), list),
        Deltas("candidates", _tree("candidates.*.content.parts.*.text")),
    ),
    # llama.cpp
    (
        lambda e: isinstance(e.get("content"), str) and isinstance(e.get("stop"), bool) and "index" in e,
        Deltas("llama.cpp", _tree("content")),
    ),
    # Hugging Face's text-generation-inference
    (lambda e: isinstance(e.get("token"), dict) and "generated_text" in e, Deltas("tgi", _tree("token.text"))),
)
_BY_FIELDS_OF_LINES: Final[tuple[tuple[_Has, Deltas], ...]] = (
    # Ollama
    (
        lambda e: isinstance(e.get("done"), bool) and isinstance(e.get("model"), str),
        Deltas("ollama", _tree("message.content", "message.thinking", "response", "thinking")),
    ),
    # Cohere, before its second version
    (
        lambda e: e.get("event_type") == "text-generation" and isinstance(e.get("is_finished"), bool),
        Deltas("cohere", _tree("text")),
    ),
)
_IDS: Final = ("index", "output_index", "content_index", "summary_index", "item_id", "messageId", "toolCallId", "id")
"""Which text an event of a known type is about."""
_ALL_END: Final = frozenset(
    (
        *("message_delta", "message_stop", "error", "message-end", "finish", "RUN_FINISHED", "RUN_ERROR"),
        *("response.completed", "response.incomplete", "response.failed", "response.cancelled"),
        *("thread.message.completed", "thread.message.incomplete", "thread.run.completed", "thread.run.failed"),
        *("thread.run.step.completed", "thread.run.step.failed"),
    )
)
"""After these no text goes on."""
_ONE_ENDS: Final = (".done", "_stop", "-end", "_END", "-available")
_FINISHED: Final = ("stop", "done", "is_finished")

Ids = tuple[Any, ...]


def deltas(event: Any, *, lines: bool) -> Deltas | None:
    """What of an event continues earlier ones; None: it is a record. `lines`: it came as a line, not as an event."""
    if not isinstance(event, dict):
        return None
    kind = event.get("type")
    if not lines:
        if isinstance(kind, str):
            tree = _BY_TYPE.get(kind)
            if tree is not None or "choices" not in event:
                return Deltas(kind, tree) if tree is not None else None
        kind = event.get("object")
        if isinstance(kind, str) and (tree := _BY_OBJECT.get(kind)) is not None:
            return Deltas(kind, tree)
    for has, known_kind in _BY_FIELDS_OF_LINES if lines else _BY_FIELDS:
        if has(event):
            return known_kind
    return None


def ids(event: Any) -> Ids:
    """What tells the texts of one kind of event apart."""
    return tuple(event.get(name) for name in _IDS) if isinstance(event.get("type"), str) else ()


def ended(event: Any) -> Callable[[tuple[Any, ...]], bool] | None:
    """Which texts, by kind, ids and place, are at their end with an event; None: none is."""
    if not isinstance(event, dict):
        return None
    kind = event.get("type", event.get("object"))
    if isinstance(kind, str):
        if kind in _ALL_END:
            return _every
        if kind.endswith(_ONE_ENDS):
            own = ids(event)
            return lambda key: all(a is None or b is None or a == b for a, b in zip(key[1], own, strict=False))
    elif any(event.get(mark) is True for mark in _FINISHED):
        return _every
    choices = event.get("choices", event.get("candidates"))
    if not isinstance(choices, list):
        return None
    finished = {
        choice.get("index", i)
        for i, choice in enumerate(choices)
        if isinstance(choice, dict) and (choice.get("finish_reason") or choice.get("finishReason")) is not None
    }
    return (lambda key: key[2][1:2] and key[2][1] in finished) if finished else None


def choices_with(event: Any, name: str) -> list[Any]:
    """Which choices of an event have something under a name."""
    choices = event.get("choices")
    return [
        choice.get("index", i)
        for i, choice in enumerate(choices if isinstance(choices, list) else ())
        if isinstance(choice, dict) and isinstance(choice.get(name), (dict, list))
    ]


def _every(_key: tuple[Any, ...]) -> bool:
    return True


def scope(key: tuple[Any, ...]) -> Any:
    """What a text shares with those beside which it is written: one choice of several."""
    return key[2][1] if key[0] in ("choices", "candidates") else key[0].partition("_")[0]


def place_of(event: Any, way: tuple[str | int, ...]) -> tuple[Any, ...] | None:
    """A place with each item's own `index`, where it has one, for its position. None: not a place of this event.

    That is so where a key stands twice: the walk sees both, a dictionary only the later.
    """
    place: list[Any] = []
    for step in way:
        try:
            event = event[step]
        except (KeyError, IndexError, TypeError):
            return None
        own = event.get("index") if isinstance(step, int) and isinstance(event, dict) else None
        place.append(step if not isinstance(own, (int, str)) else own)
        if isinstance(event, dict) and event.get("thought") is True:
            place.append("thought")
    return tuple(place)
