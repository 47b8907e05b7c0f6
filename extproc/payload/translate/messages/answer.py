"""Answers of messages."""

from __future__ import annotations

from typing import Any

from extproc.payload.translate.answers import (
    FINISH_OF_MESSAGES,
    MESSAGES_OF_FINISH,
    arguments_of,
    count,
    new_id,
    objects,
    part,
    text,
)
from extproc.payload.translate.conversation import (
    Answer,
    Block,
    Call,
    Failure,
    Refusal,
    Text,
    Thought,
    Usage,
)
from extproc.payload.translate.fields import compact


def read(body: dict[str, Any]) -> Answer | None:
    """What an answer says; None: it is none of this API."""
    if body.get("type") != "message":
        return None
    blocks: list[Block] = []
    for block in objects(body.get("content")):
        kind = block.get("type")
        if kind == "text":
            blocks.append(Text(text(block.get("text"))))
        elif kind == "thinking":
            blocks.append(Thought(text(block.get("thinking")), text(block.get("signature"))))
        elif kind == "redacted_thinking":
            blocks.append(Thought(redacted=text(block.get("data"))))
        elif kind == "tool_use":
            blocks.append(Call(text(block.get("id")), text(block.get("name")), compact(block.get("input") or {})))
    finish = FINISH_OF_MESSAGES.get(text(body.get("stop_reason")), "stop")
    sequence = text(body.get("stop_sequence")) or None
    usage = read_usage(body.get("usage"))
    return Answer(text(body.get("id")), text(body.get("model")), blocks, finish, sequence, usage)


def read_usage(usage: Any) -> Usage:
    """Tokens as this API counts them: those of the cache stand beside the input."""
    fields = part(usage)
    cached, cache_writes = (
        count(fields.get("cache_read_input_tokens")),
        count(fields.get("cache_creation_input_tokens")),
    )
    input_tokens = count(fields.get("input_tokens")) + cached + cache_writes
    reasoning = count(part(fields, "output_tokens_details").get("thinking_tokens"))
    return Usage(input_tokens, count(fields.get("output_tokens")), cached, cache_writes, reasoning)


def write_usage(usage: Usage) -> dict[str, Any]:
    """The same, told."""
    return {
        "input_tokens": max(0, usage.input - usage.cached - usage.cache_written),
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }


def write(answer: Answer) -> dict[str, Any]:
    """An answer of this API."""
    return {
        "id": message_id(answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [_block(block) for block in answer.blocks],
        "stop_reason": stop_reason(answer.finish, refused=any(isinstance(b, Refusal) for b in answer.blocks)),
        "stop_sequence": answer.sequence,
        "usage": write_usage(answer.usage),
    }


def stop_reason(finish: Any, *, refused: bool) -> str:
    """This API's word. A refusal in words is one whatever else the answer says of its end."""
    return "refusal" if refused else MESSAGES_OF_FINISH[finish]


def message_id(known: str) -> str:
    """Ids of messages are told by how they begin."""
    return known if known.startswith("msg_") else f"msg_{known}" if known else new_id("msg_")


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Call():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": arguments_of(block.arguments)}
        case Thought(redacted=redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case Thought():
            return {"type": "thinking", "thinking": block.text, "signature": block.signature}
        case Text(text=said) | Refusal(text=said):
            return {"type": "text", "text": said, "citations": None}
    raise AssertionError("no answer has other blocks")


def write_failure(failure: Failure) -> dict[str, Any]:
    """An error in Anthropic's shape."""
    return {"type": "error", "error": {"type": failure.kind, "message": failure.message}}
