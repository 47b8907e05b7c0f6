"""Answers of responses."""

from __future__ import annotations

import time
from typing import Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.answers import count, new_id, objects, part, text
from extproc.payload.translate.conversation import Answer, Block, Call, Finish, Refusal, Text, Thought, Usage

_REPEATED: Final[dict[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""What a response says again of its request, and what it says where that is silent."""
_INCOMPLETE: Final[dict[Finish, str]] = {
    "length": "max_output_tokens",
    "context": "max_output_tokens",
    "filter": "content_filter",
}


def read(body: dict[str, Any]) -> Answer | None:
    """What an answer says; None: it is none of this API."""
    if body.get("object") != "response":
        return None
    blocks = [block for item in objects(body.get("output")) for block in _blocks(item)]
    finish = finish_of(body, called=any(isinstance(block, Call) for block in blocks))
    usage = read_usage(body.get("usage"))
    return Answer(text(body.get("id")), text(body.get("model")), blocks, finish, usage=usage)


def _blocks(item: dict[str, Any]) -> list[Block]:
    kind = item.get("type")
    if kind == "function_call":
        return [Call(text(item.get("call_id")), text(item.get("name")), text(item.get("arguments")))]
    if kind == "reasoning":
        texts = [text(p.get("text")) for p in (*objects(item.get("summary")), *objects(item.get("content")))]
        reasoning = Thought("".join(texts), seal_of(item))
        return [reasoning] if reasoning.text or reasoning.signature else []
    blocks: list[Block] = []
    for content in objects(item.get("content")) if kind == "message" else ():
        if content.get("type") == "refusal":
            blocks.append(Refusal(text(content.get("refusal"))))
        else:
            blocks.append(Text(text(content.get("text"))))
    return blocks


def seal_of(item: dict[str, Any]) -> str:
    """The seal of a reasoning item, with the id that it goes with."""
    sealed = text(item.get("encrypted_content"))
    return f"{seals.OPENAI}{text(item.get('id'))}:{sealed}" if sealed else ""


def finish_of(response: dict[str, Any], *, called: bool) -> Finish:
    """Why a response ended."""
    if response.get("status") == "incomplete":
        reason = text(part(response, "incomplete_details").get("reason"))
        return "filter" if reason == "content_filter" else "length"
    return "calls" if called else "stop"


def read_usage(usage: Any) -> Usage:
    """Tokens as this API counts them."""
    fields = part(usage)
    details = part(fields, "input_tokens_details")
    return Usage(
        count(fields.get("input_tokens")),
        count(fields.get("output_tokens")),
        count(details.get("cached_tokens")),
        count(details.get("cache_write_tokens")),
        count(part(fields, "output_tokens_details").get("reasoning_tokens")),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The same, told."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_written},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.thought},
        "total_tokens": usage.input + usage.output,
    }


def response(known: str, model: str, created: int, asked: dict[str, Any]) -> dict[str, Any]:
    """A response of which nothing is known yet but what was asked."""
    repeated = {name: asked.get(name) if asked.get(name) is not None else usual for name, usual in _REPEATED.items()}
    return {
        "id": response_id(known),
        "object": "response",
        "created_at": created or int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "store": False,
        "usage": None,
        **repeated,
    }


def response_id(known: str) -> str:
    """Ids of responses are told by how they begin."""
    return known if known.startswith("resp_") else f"resp_{known}" if known else new_id("resp_")


def ended(finish: Finish) -> tuple[str, dict[str, Any] | None]:
    """Status of a response that ended for this reason, and what is said beside an incomplete one."""
    reason = _INCOMPLETE.get(finish)
    return ("incomplete", {"reason": reason}) if reason else ("completed", None)


def write(answer: Answer, asked: dict[str, Any]) -> dict[str, Any]:
    """An answer of this API."""
    made = response(answer.id, answer.model, answer.created, asked)
    made["status"], made["incomplete_details"] = ended(answer.finish)
    made["usage"] = write_usage(answer.usage)
    for block in answer.blocks:
        if isinstance(block, Text | Refusal):
            if not made["output"] or made["output"][-1]["type"] != "message":
                made["output"].append(message(new_id("msg_"), made["status"]))
            made["output"][-1]["content"].append(content(block))
        elif isinstance(block, Call):
            made["output"].append(call(new_id("fc_"), block.id, block.name, block.arguments or "{}", "completed"))
        elif isinstance(block, Thought):
            item = reasoning(new_id("rs_"))
            if block.text:
                item["summary"].append({"type": "summary_text", "text": block.text})
            item["encrypted_content"] = seals.REDACTED + block.redacted if block.redacted else block.signature or None
            made["output"].append(item)
    return made


def message(known: str, status: str) -> dict[str, Any]:
    """An item in which the model says something."""
    return {"id": known, "type": "message", "role": "assistant", "status": status, "content": []}


def content(block: Text | Refusal) -> dict[str, Any]:
    """A part of such an item."""
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    return {"type": "output_text", "text": block.text, "annotations": [], "logprobs": []}


def call(known: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    """An item in which it wants a tool called."""
    return {
        "id": known,
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def reasoning(known: str) -> dict[str, Any]:
    """An item in which it thinks."""
    return {"id": known, "type": "reasoning", "summary": [], "encrypted_content": None}
