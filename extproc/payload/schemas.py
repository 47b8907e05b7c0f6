"""Where the texts are in the bodies of the well-known APIs.

All is a text except what is known not to be: a field that a vendor adds tomorrow is masked, not leaked.
"""

from __future__ import annotations

from extproc.payload.tree import EVERY, SKIP, Node, Use

_NEVER = (
    *("id", "type", "object", "name", "role", "status", "format", "detail", "index"),
    *("call_id", "tool_call_id", "tool_use_id", "item_id", "file_id", "response_id", "previous_response_id"),
    *("image_url", "image", "input_audio", "audio", "file_data", "media_type", "mime_type", "embedding", "embeddings"),
    *("signature", "encrypted_content", "cache_control"),
)
"""Fields of messages and their parts that are no text, at any depth."""
_SETTINGS = (
    *("tools", "functions", "tool_choice", "function_call", "response_format", "logit_bias", "stream_options"),
    *("service_tier", "truncation", "include", "modalities", "encoding_format", "reasoning", "reasoning_effort"),
    *("thinking", "grammar", "json_schema", "mcp_servers", "container", "verbosity", "prompt_cache_retention", "text"),
)
"""Fields of a request that steer the model. `text` is the Responses API's output format."""
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
_parts = Node(Use.TEXT)
_parts.with_keys(dict.fromkeys(_NEVER, SKIP))
# arguments are JSON in a string, or (some servers) an object; a tool's input is an object whose every string is a text
_parts.with_keys({"arguments": _nested, "input": EVERY, "metadata": EVERY, "variables": EVERY})
_message = Node(Use.TEXT).with_keys(_parts.keys_by_name() | {"role": Node(Use.ROLE)}, _parts)
_messages = Node(Use.TEXT).with_keys(_parts.keys_by_name(), _parts)
_messages.items = _message

LLM = Node(Use.TEXT).with_keys(
    dict.fromkeys(_SETTINGS, SKIP)
    | {
        "model": Node(Use.MODEL),
        "stream": Node(Use.STREAM),
        "messages": _messages,
        "input": _messages,
        "metadata": EVERY,
    },
    _parts,
)
"""OpenAI's chat, completions, responses and embeddings, and Anthropic's messages: their fields do not collide."""

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
