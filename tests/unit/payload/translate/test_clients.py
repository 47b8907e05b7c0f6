"""Every pair of APIs: the official client of the one reads what an upstream of the other answers."""

import importlib
import json
import random

import pytest

from extproc.errors import UnreadableAnswerError
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import PAIRS, Mesh, validate

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def ask(mesh, caller, *, stream, **more):
    """A question with a tool: the client's own account of the answer, as a dictionary of what all APIs have."""
    if caller == "openai":
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
        asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools, **more}
        chat = mesh.openai().chat.completions
        if stream:
            with chat.stream(**asked, stream_options={"include_usage": True}) as events:
                said = events.get_final_completion()
        else:
            said = chat.create(**asked)
        return of_chat(said)
    if caller == "openai-responses":
        tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
        asked = {"model": "m", "input": "hi", "tools": tools, **more}
        if stream:
            *_, last = mesh.openai().responses.create(**asked, stream=True)
            assert last.type == f"response.{last.response.status}"
            said = last.response
        else:
            said = mesh.openai().responses.create(**asked)
        return of_response(said)
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    asked = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], "tools": tools, **more}
    if stream:
        with mesh.anthropic().messages.stream(**asked) as events:
            said = events.get_final_message()
    else:
        said = mesh.anthropic().messages.create(**asked)
    return of_message(said)


def of_chat(said):
    """What a chat completion says."""
    message = said.choices[0].message
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
    usage = said.usage
    return {
        "text": message.content or message.refusal,
        "calls": calls,
        "finish": {"length": "cut", "content_filter": "filtered"}.get(said.choices[0].finish_reason),
        "usage": (usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens),
        "thought": getattr(message, "reasoning_content", None),
        "seals": [block["signature"] for block in getattr(message, "thinking_blocks", None) or []],
    }


def of_response(said):
    """What a response says."""
    parts = [part for item in said.output if item.type == "message" for part in item.content]
    thoughts = [item for item in said.output if item.type == "reasoning"]
    reason = said.incomplete_details and said.incomplete_details.reason
    usage = said.usage
    return {
        "text": "".join(part.refusal if part.type == "refusal" else part.text for part in parts) or None,
        "calls": [(item.name, json.loads(item.arguments)) for item in said.output if item.type == "function_call"],
        "finish": {"max_output_tokens": "cut", "content_filter": "filtered"}.get(reason),
        "usage": (usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens),
        "thought": "".join(part.text for item in thoughts for part in item.summary) or None,
        "seals": [item.encrypted_content for item in thoughts if item.encrypted_content],
    }


def of_message(said):
    """What a message says."""
    usage = said.usage
    given = usage.input_tokens + usage.cache_read_input_tokens
    return {
        "text": "".join(block.text for block in said.content if block.type == "text") or None,
        "calls": [(block.name, block.input) for block in said.content if block.type == "tool_use"],
        "finish": {"max_tokens": "cut", "refusal": "filtered"}.get(said.stop_reason),
        "usage": (given, usage.output_tokens, usage.cache_read_input_tokens),
        "thought": "".join(block.thinking for block in said.content if block.type == "thinking") or None,
        "seals": [block.signature for block in said.content if block.type == "thinking" and block.signature],
    }


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("situation", ["chat", "call", "thought", "cut", "filtered", "refused"])
@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_the_client_reads_what_the_upstream_said(caller, upstream, situation, stream):
    """Text, calls, thought and its seal, why it ended, what it took: whatever the pair."""
    mesh = Mesh(upstream, situation=situation)
    filtered = situation == "filtered" or (situation == "refused" and upstream in ("anthropic", "gemini"))
    if (situation == "cut" or filtered) and caller == "openai" and stream:
        # the package's own helper raises for these; the chunks are read as they come
        chunks = list(
            mesh.openai().chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": "hi"}],
                stream=True,
            )
        )
        found = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        assert found[-1] == ("content_filter" if filtered else "length")
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == ("I cannot" if situation == "refused" else upstreams.SAID)
        return
    said = ask(mesh, caller, stream=stream)
    ((target, body),) = mesh.got
    validate(upstream, body)
    assert "upstream-model" in (target if upstream == "gemini" else body["model"])
    assert said["calls"] == ([("get_weather", {"city": "Paris"})] if situation == "call" else [])
    assert said["text"] == {"call": None, "refused": "I cannot"}.get(situation, upstreams.SAID)
    assert said["usage"] == (17, 5, 4)
    if situation == "thought":
        assert said["thought"] == "".join(upstreams.THOUGHTS)
        seals = {"openai": [], "gemini": [], "anthropic": [upstreams.SEAL]}
        assert said["seals"] == seals.get(upstream, [f"openai:rs_1:{upstreams.SEAL}"])
    elif upstream == "gemini" and situation == "call":
        assert said["seals"] == [f"gemini:{upstreams.SEAL}"]
    if situation in ("cut", "filtered"):
        assert said["finish"] == situation or (caller, situation) == ("openai-responses", "filtered")


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_a_call_and_its_result_go_back_as_they_came(caller, upstream):
    """The second turn brings the model's own words, seals too, and what came of its call."""
    mesh = Mesh(upstream, situation="call")
    client = mesh.openai() if caller.startswith("openai") else mesh.anthropic()
    if caller == "openai":
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
        asked = [{"role": "user", "content": "hi"}]
        said = client.chat.completions.create(model="m", messages=asked, tools=tools).choices[0].message
        result = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "23 degrees"}
        client.chat.completions.create(model="m", messages=[*asked, said, result], tools=tools)
    elif caller == "openai-responses":
        tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
        asked = [{"role": "user", "content": "hi"}]
        said = client.responses.create(model="m", input=asked, tools=tools).output
        (call,) = [item for item in said if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "23 degrees"}
        client.responses.create(model="m", input=[*asked, *said, result], tools=tools)
    else:
        tools = [{"name": "get_weather", "input_schema": SCHEMA}]
        asked = [{"role": "user", "content": "hi"}]
        said = client.messages.create(model="m", max_tokens=9, messages=asked, tools=tools).content
        (call,) = [block for block in said if block.type == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "23 degrees"}
        history = [*asked, {"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        client.messages.create(model="m", max_tokens=9, messages=history, tools=tools)
    _, body = mesh.got[1]
    validate(upstream, body)
    sent = json.dumps(body)
    assert "23 degrees" in sent
    assert sent.count("get_weather") >= 2
    assert sent.count(upstreams.SEAL) == (1 if upstream == "gemini" else 0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_errors_are_what_each_client_knows(caller, upstream, stream):
    """By status and by kind, with the upstream's own words; whatever the shape in which they come."""
    error = json.dumps(upstreams.ERRORS[upstream]).encode()
    package = importlib.import_module("anthropic" if caller == "anthropic" else "openai")
    with pytest.raises(package.RateLimitError, match="slow down"):
        ask(Mesh(upstream, error=(429, "application/json", error)), caller, stream=stream)
    with pytest.raises(package.InternalServerError, match="answered 503"):
        ask(Mesh(upstream, error=(503, "text/plain", b"upstream connect error")), caller, stream=stream)
    with pytest.raises(package.APIStatusError):
        ask(Mesh(upstream, error=(404, "text/html", b"")), caller, stream=stream)


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_an_error_within_a_stream_ends_it(caller, upstream):
    """What came before has come; then the client is told, and nothing follows."""
    whole = upstreams.ANSWERS[upstream]("chat", stream=True)
    cut = whole.index(b"\n\n", whole.index(b"lo ")) + 2
    error = upstreams.ERRORS[upstream]
    broken = whole[:cut] + upstreams.sse(error) + whole[cut:]
    package = importlib.import_module("anthropic" if caller == "anthropic" else "openai")
    with pytest.raises(package.APIError, match="slow down"):
        ask(Mesh(upstream, error=(200, "text/event-stream", broken)), caller, stream=True)


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_an_upstream_that_does_not_stream(caller, upstream):
    """Its whole answer is told as a stream, and is the same to the client."""
    for situation in ("chat", "call", "thought"):
        whole = upstreams.ANSWERS[upstream](situation, stream=False)
        told = ask(Mesh(upstream, error=(200, "application/json", whole)), caller, stream=True)
        assert told == ask(Mesh(upstream, situation=situation), caller, stream=False)


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_events_in_any_order_make_no_client_fail(caller, upstream):
    """Doubled, shuffled, left out, of kinds that nobody knows, of another API: an answer, or an error of the client's package."""
    chance = random.Random(f"{caller} {upstream}")
    package = importlib.import_module("anthropic" if caller == "anthropic" else "openai")
    known = package.AnthropicError if caller == "anthropic" else package.OpenAIError
    for _ in range(12):
        situation = chance.choice(["chat", "thought", "cut", "filtered", "refused"])
        events = upstreams.ANSWERS[upstream](situation, stream=True).split(b"\n\n")
        other = upstreams.ANSWERS[chance.choice(list(upstreams.ANSWERS))]("chat", stream=True).split(b"\n\n")
        events += chance.choice([[], events, other, [b'data: {"type": "new.kind", "delta": "x", "index": 7}'] * 3])
        chance.shuffle(events)
        data = b"\n\n".join(events[: chance.randint(1, len(events))]) + b"\n\n"
        try:
            ask(Mesh(upstream, error=(200, "text/event-stream", data)), caller, stream=True)
        except (known, UnreadableAnswerError):
            continue


@pytest.mark.parametrize("upstream", ["openai-responses", "gemini"])
def test_tokens_are_counted_by_the_upstream(upstream):
    """Anthropic's count, by what each API has for it."""
    mesh = Mesh(upstream)
    counted = mesh.anthropic().messages.count_tokens(
        model="m", system="be kind", messages=[{"role": "user", "content": "hi"}]
    )
    assert counted.input_tokens == 42
    ((target, _),) = mesh.got
    assert (
        target
        == {
            "openai-responses": "/v1/responses/input_tokens",
            "gemini": "/v1beta/models/upstream-model:countTokens",
        }[upstream]
    )
