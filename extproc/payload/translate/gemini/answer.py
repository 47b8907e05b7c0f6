"""Answers of generateContent."""

from __future__ import annotations

from typing import Any

from extproc.payload.translate import seals
from extproc.payload.translate.answers import FINISH_OF_GEMINI, count, new_id, objects, part, text
from extproc.payload.translate.conversation import Answer, Block, Call, Finish, Text, Thought, Usage
from extproc.payload.translate.fields import compact


def read(body: dict[str, Any]) -> Answer | None:
    """What an answer says; None: it is none of this API."""
    candidates = objects(body.get("candidates"))
    if not candidates and not part(body, "promptFeedback"):
        return None
    candidate = candidates[0] if candidates else {}
    blocks: list[Block] = []
    for piece in objects(part(candidate, "content").get("parts")):
        seal = text(piece.get("thoughtSignature"))
        content = text(piece.get("text"))
        if piece.get("thought") is True:
            _append(blocks, Thought(content, signature=seals.GEMINI + seal if seal else ""))
            continue
        if seal:
            blocks.append(Thought(signature=seals.GEMINI + seal))
        if call := part(piece, "functionCall"):
            identifier = text(call.get("id")) or new_id("call_")
            blocks.append(Call(identifier, text(call.get("name")), compact(call.get("args") or {})))
        elif content:
            _append(blocks, Text(content))
    finish = finish_of(body, candidate, called=any(isinstance(block, Call) for block in blocks)) or "stop"
    identifier = text(body.get("responseId")) or new_id("gen-")
    return Answer(
        identifier, text(body.get("modelVersion")), blocks, finish, usage=read_usage(body.get("usageMetadata"))
    )


def _append(blocks: list[Block], block: Text | Thought) -> None:
    """A text in several parts is one."""
    last = blocks[-1] if blocks else None
    if isinstance(block, Text) and isinstance(last, Text):
        last.text += block.text
    elif isinstance(block, Thought) and isinstance(last, Thought) and last.text and not last.signature:
        last.text += block.text
        last.signature = block.signature
    else:
        blocks.append(block)


def finish_of(body: dict[str, Any], candidate: dict[str, Any], *, called: bool) -> Finish | None:
    """Why an answer ended; None: it has not. This API says of calls that the model has stopped."""
    reason = text(candidate.get("finishReason"))
    if not reason:
        return "filter" if text(part(body, "promptFeedback").get("blockReason")) else None
    finish = FINISH_OF_GEMINI.get(reason, "filter" if reason.startswith("IMAGE_") else "stop")
    return "calls" if finish == "stop" and called else finish


def read_usage(usage: Any) -> Usage:
    """Tokens as this API counts them: thought stands beside the output."""
    fields = part(usage)
    reasoning = count(fields.get("thoughtsTokenCount"))
    return Usage(
        count(fields.get("promptTokenCount")) + count(fields.get("toolUsePromptTokenCount")),
        count(fields.get("candidatesTokenCount")) + reasoning,
        count(fields.get("cachedContentTokenCount")),
        0,
        reasoning,
    )


def read_count(body: dict[str, Any]) -> int | None:
    """How many tokens a request has."""
    return count(body["totalTokens"]) if isinstance(body.get("totalTokens"), int) else None
