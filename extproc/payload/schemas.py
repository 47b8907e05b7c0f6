"""Where the texts are in the answers of the well-known APIs.

All is a text except what is known not to be: a field that a vendor adds tomorrow is restored and redacted too.
"""

from __future__ import annotations

from extproc.payload.tree import EVERY, FREE_ANSWER, Node, Use

_NEVER = (
    *("id", "type", "object", "name", "role", "status", "format", "detail", "index"),
    *("call_id", "tool_call_id", "tool_use_id", "item_id", "file_id", "response_id", "previous_response_id"),
    *("image_url", "image", "input_audio", "audio", "file_data", "media_type", "mime_type", "embedding", "embeddings"),
    *("signature", "encrypted_content", "cache_control"),
)
"""Fields of answers in which a model utters nothing, at any depth."""
_ANSWER_SETTINGS = (
    "model",
    "system_fingerprint",
    "obfuscation",
    "tools",
    "finish_reason",
    "stop_reason",
    "usage",
)

_setting = Node(Use.SETTING)
_logprobs = Node(Use.LOGPROBS)
_text_part = Node(Use.TEXT | Use.FREE)
_text_part.with_keys({"text": EVERY})
_any = Node(Use.TEXT | Use.FREE)
_any_content = Node(Use.TEXT | Use.FREE).with_keys({}, _any)
_any_content.items = _text_part
_text_part.items = _text_part.other = _any
_any.with_keys({"content": _any_content})
ANY_ANSWER = _any
"""An answer of which nothing is known: every string is a text, every key may be one. Of parts of a `content`, as MCP has
them, the `text` stays a string."""

_answer = Node(Use.TEXT)
_answer.with_keys(dict.fromkeys((*_NEVER, *_ANSWER_SETTINGS), _setting))
_answer.with_keys(
    {
        "arguments": FREE_ANSWER,
        "input": FREE_ANSWER,
        "metadata": FREE_ANSWER,
        "args": FREE_ANSWER,
        "logprobs": _logprobs,
    }
)
_answer.with_keys({"audio": Node(Use.TEXT).with_keys({"data": _setting})})
LLM_ANSWER = _answer
"""Answers and events of the well-known APIs."""
