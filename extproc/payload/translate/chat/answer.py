"""Answers of chat completions."""

from __future__ import annotations

import time
from typing import Any

from extproc.payload.translate.answers import (
    CHAT_OF_FINISH,
    FINISH_OF_CHAT,
    count,
    new_id,
    objects,
    part,
    text,
)
from extproc.payload.translate.conversation import Answer, Block, Call, Failure, Refusal, Text, Thought, Usage


def read(body: dict[str, Any]) -> Answer | None:
    """What an answer says; None: it is none of this API."""
    choices = objects(body.get("choices"))
    if not choices:
        return None
    message = part(choices[0], "message")
    blocks: list[Block] = []
    if reasoning := text(message.get("reasoning_content")) or text(message.get("reasoning")):
        blocks.append(Thought(reasoning))
    if content := text(message.get("content")):
        blocks.append(Text(content))
    if refusal := text(message.get("refusal")):
        blocks.append(Refusal(refusal))
    for call in objects(message.get("tool_calls")):
        function = part(call, "function")
        blocks.append(
            Call(text(call.get("id")) or new_id("call_"), text(function.get("name")), text(function.get("arguments")))
        )
    finish = FINISH_OF_CHAT.get(text(choices[0].get("finish_reason")), "stop")
    if finish == "stop" and any(isinstance(block, Call) for block in blocks):
        finish = "calls"
    identifier = text(body.get("id")) or new_id("chatcmpl-")
    return Answer(identifier, text(body.get("model")), blocks, finish, usage=read_usage(body.get("usage")))


def read_usage(usage: Any) -> Usage:
    """Tokens as this API counts them."""
    fields = part(usage)
    prompt = part(fields, "prompt_tokens_details")
    return Usage(
        count(fields.get("prompt_tokens")),
        count(fields.get("completion_tokens")),
        count(prompt.get("cached_tokens")),
        count(prompt.get("cache_write_tokens")),
        count(part(fields, "completion_tokens_details").get("reasoning_tokens")),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The same, told."""
    usage_fields: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.thought},
    }
    if usage.cache_written:
        usage_fields["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_written
    return usage_fields


def write(answer: Answer) -> dict[str, Any]:
    """An answer of this API."""
    texts = [block.text for block in answer.blocks if isinstance(block, Text)]
    refused = [block.text for block in answer.blocks if isinstance(block, Refusal)]
    thoughts = [block for block in answer.blocks if isinstance(block, Thought)]
    calls = [block for block in answer.blocks if isinstance(block, Call)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None}
    message["refusal"] = "".join(refused) if refused else None
    if reasoning := "".join(thought.text for thought in thoughts):
        message["reasoning_content"] = reasoning
    if sealed := [thinking_block(thought) for thought in thoughts if thought.signature or thought.redacted]:
        message["thinking_blocks"] = sealed
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in calls
        ]
    elif not texts and not refused:
        message["content"] = ""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": CHAT_OF_FINISH[answer.finish]}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created or int(time.time()),
        "model": answer.model,
        "choices": [choice],
        "usage": write_usage(answer.usage),
    }


def thinking_block(thought: Thought) -> dict[str, Any]:
    """A thought with its seal, as a later request may bring it back."""
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.redacted}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


_WORDS = {
    "rate_limit_error": ("rate_limit_exceeded", "rate_limit_exceeded"),
    "overloaded_error": ("server_error", "overloaded"),
    "timeout_error": ("server_error", "timeout"),
    "api_error": ("server_error", None),
    "authentication_error": ("authentication_error", "invalid_api_key"),
    "not_found_error": ("invalid_request_error", "model_not_found"),
    "request_too_large": ("invalid_request_error", "request_too_large"),
}


def write_failure(failure: Failure) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind, code = _WORDS.get(failure.kind, (failure.kind, None))
    error = {"message": failure.message, "type": kind, "param": failure.param, "code": failure.code or code}
    return {"error": error}
