"""Upstreams of each API, played: what each answers in the same situations, whole and as a stream, in its own shape."""

import json

WORDS = ["Hel", "lo ", "you"]
SAID = "".join(WORDS)
THOUGHTS = ["Let me ", "see."]
ARGUMENTS = ['{"city"', ': "Pa', 'ris"}']
SEAL = "c2VhbA=="


def sse(*events, named=False):
    """Events as bytes; `named`: each says its type again."""
    out = b""
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        out += (
            f"event: {event['type']}\n".encode() if named and isinstance(event, dict) else b""
        ) + f"data: {data}\n\n".encode()
    return out


def chat(situation, *, stream, words=WORDS, arguments=ARGUMENTS, thoughts=THOUGHTS):
    """OpenAI's chat completions."""
    base = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt"}
    usage = {
        "prompt_tokens": 17,
        "completion_tokens": 5,
        "total_tokens": 22,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    finish = {"call": "tool_calls", "cut": "length", "filtered": "content_filter"}.get(situation, "stop")
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "".join(arguments)}}
    if not stream:
        message = {
            "role": "assistant",
            "content": None if situation in ("call", "refused") else "".join(words),
            "refusal": None,
        }
        if situation == "call":
            message["tool_calls"] = [call]
        if situation == "refused":
            message["refusal"] = "I cannot"
        if situation == "thought":
            message["reasoning_content"] = "".join(thoughts)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return json.dumps({**base, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    deltas = [{"role": "assistant", "content": ""}]
    if situation == "thought":
        deltas += [{"reasoning_content": piece} for piece in thoughts]
    if situation == "call":
        begun = {**call, "function": {"name": "get_weather", "arguments": ""}}
        deltas += [{"tool_calls": [{"index": 0, **begun}]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments]
    elif situation == "refused":
        deltas += [{"refusal": piece} for piece in ("I can", "not")]
    else:
        deltas += [{"content": piece} for piece in words]
    base["object"] = "chat.completion.chunk"
    chunks = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append({**base, "choices": [], "usage": usage})
    return sse(*chunks, "[DONE]")


def messages(situation, *, stream, words=WORDS, arguments=ARGUMENTS, thoughts=THOUGHTS):
    """Anthropic's messages."""
    usage = {"input_tokens": 13, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 5}
    finish = {"call": "tool_use", "cut": "max_tokens", "filtered": "refusal", "refused": "refusal"}.get(
        situation, "end_turn"
    )
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather"}
    blocks = []
    if situation == "thought":
        blocks.append({"type": "thinking", "thinking": "".join(thoughts), "signature": SEAL})
    if situation == "call":
        blocks.append({**call, "input": json.loads("".join(arguments))})
    else:
        blocks.append({"type": "text", "text": "I cannot" if situation == "refused" else "".join(words)})
    if not stream:
        answer = {**base, "content": blocks, "stop_reason": finish, "stop_sequence": None, "usage": usage}
        return json.dumps(answer).encode()
    start = {**base, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    events = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for i, block in enumerate(blocks):
        kind = block["type"]
        empty, deltas = {
            "thinking": (
                {"type": "thinking", "thinking": "", "signature": ""},
                [
                    *({"type": "thinking_delta", "thinking": piece} for piece in thoughts),
                    {"type": "signature_delta", "signature": SEAL},
                ],
            ),
            "tool_use": (
                {**call, "input": {}},
                [{"type": "input_json_delta", "partial_json": piece} for piece in arguments],
            ),
            "text": (
                {"type": "text", "text": ""},
                [
                    {"type": "text_delta", "text": piece}
                    for piece in (("I can", "not") if situation == "refused" else words)
                ],
            ),
        }[kind]
        events.append({"type": "content_block_start", "index": i, "content_block": empty})
        events += [{"type": "content_block_delta", "index": i, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": i})
    delta = {"stop_reason": finish, "stop_sequence": None}
    events += [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]
    return sse(*events, named=True)


def gemini(situation, *, stream, words=WORDS, arguments=ARGUMENTS, thoughts=THOUGHTS):
    """Gemini's generateContent."""
    base = {"responseId": "gen1", "modelVersion": "gemini-3"}
    finish = {"cut": "MAX_TOKENS", "filtered": "SAFETY", "refused": "SAFETY"}.get(situation, "STOP")
    usage = {
        "promptTokenCount": 17,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 22,
    }
    call = {"functionCall": {"id": "f1", "name": "get_weather", "args": json.loads("".join(arguments))}}
    thoughts = [{"text": piece, "thought": True} for piece in thoughts] if situation == "thought" else []
    said = [{"text": piece} for piece in words]
    if situation == "call":
        said = [{**call, "thoughtSignature": SEAL}]
    if situation == "refused":
        said = [{"text": "I cannot"}]
    parts = thoughts + said

    def piece(parts, **more):
        return {
            **base,
            "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, **more}],
            "usageMetadata": usage,
        }

    if not stream:
        return json.dumps(piece(parts, finishReason=finish)).encode()
    return sse(*[piece([part]) for part in parts[:-1]], piece([parts[-1]], finishReason=finish))


def responses(situation, *, stream, words=WORDS, arguments=ARGUMENTS, thoughts=THOUGHTS):
    """OpenAI's responses."""
    usage = {
        "input_tokens": 17,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 22,
    }
    status, reason = {
        "cut": ("incomplete", "max_output_tokens"),
        "filtered": ("incomplete", "content_filter"),
    }.get(situation, ("completed", None))
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "status": "completed"}
    items = []
    if situation == "thought":
        summary = [{"type": "summary_text", "text": "".join(thoughts)}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SEAL})
    if situation == "call":
        items.append({**call, "arguments": "".join(arguments)})
    else:
        part = {"type": "output_text", "text": "".join(words), "annotations": [], "logprobs": []}
        if situation == "refused":
            part = {"type": "refusal", "refusal": "I cannot"}
        items.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
    base = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt", "error": None}
    whole = {
        **base,
        "status": status,
        "incomplete_details": reason and {"reason": reason},
        "output": items,
        "usage": usage,
    }
    if not stream:
        return json.dumps(whole).encode()
    events = [{"type": "response.created", "response": {**base, "status": "in_progress", "output": []}}]
    for i, item in enumerate(items):
        at = {"item_id": item["id"], "output_index": i}
        events.append({"type": "response.output_item.added", "output_index": i, "item": {**item, "content": []}})
        if item["type"] == "reasoning":
            kind = "response.reasoning_summary_text.delta"
            events += [{"type": kind, **at, "summary_index": 0, "delta": piece} for piece in thoughts]
        elif item["type"] == "function_call":
            kind = "response.function_call_arguments.delta"
            events += [{"type": kind, **at, "delta": piece} for piece in arguments]
            events.append(
                {
                    "type": "response.function_call_arguments.done",
                    **at,
                    "name": item["name"],
                    "arguments": item["arguments"],
                }
            )
        elif situation == "refused":
            empty = {"type": "refusal", "refusal": ""}
            events.append({"type": "response.content_part.added", **at, "content_index": 0, "part": empty})
            kind = "response.refusal.delta"
            events += [{"type": kind, **at, "content_index": 0, "delta": piece} for piece in ("I can", "not")]
        else:
            empty = {**item["content"][0], "text": ""}
            events.append({"type": "response.content_part.added", **at, "content_index": 0, "part": empty})
            kind = "response.output_text.delta"
            events += [{"type": kind, **at, "content_index": 0, "delta": piece, "logprobs": []} for piece in words]
            whole_part = item["content"][0]
            done = {"text": whole_part["text"], "logprobs": []}
            events.append({"type": "response.output_text.done", **at, "content_index": 0, **done})
            events.append({"type": "response.content_part.done", **at, "content_index": 0, "part": whole_part})
        events.append({"type": "response.output_item.done", "output_index": i, "item": item})
    events.append({"type": f"response.{status}", "response": whole})
    return sse(*({**event, "sequence_number": i} for i, event in enumerate(events)), named=True)


ANSWERS = {"openai": chat, "anthropic": messages, "gemini": gemini, "openai-responses": responses}
"""API -> what an upstream of it answers."""
ERRORS = {
    "openai": {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
    "openai-responses": {
        "error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    },
    "anthropic": {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
    "gemini": {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}},
}
"""API -> how it says that there were too many requests."""
COUNTS = {"anthropic": {"input_tokens": 42}, "openai-responses": {"input_tokens": 42}, "gemini": {"totalTokens": 42}}
