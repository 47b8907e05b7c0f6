"""Where the texts are in the answers of the well-known APIs.

All is a text except what is known not to be: a field that a vendor adds tomorrow is restored and redacted too.
"""

from __future__ import annotations

from extproc.payload.tree import EVERY, Node, Use

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
    "logprobs",
    "obfuscation",
    "tools",
    "finish_reason",
    "stop_reason",
    "usage",
)

_nested = Node(Use.NESTED).with_keys({}, EVERY)
_nested.items = EVERY
_setting = Node(Use.SETTING)
_any = Node(Use.TEXT)
_any.with_keys({"arguments": _nested, "partial_json": _nested})
ANY_ANSWER = _any
"""An answer of which nothing is known: every string is a text, and arguments are JSON in a string."""

_answer = Node(Use.TEXT)
_answer.with_keys(dict.fromkeys((*_NEVER, *_ANSWER_SETTINGS), _setting))
_answer.with_keys({"arguments": _nested, "partial_json": _nested, "input": EVERY, "metadata": EVERY})
_answer.with_keys({"audio": Node(Use.TEXT).with_keys({"data": _setting})})
LLM_ANSWER = _answer
"""Answers and events of the well-known APIs."""
