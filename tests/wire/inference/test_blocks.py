"""/v1/messages and /v1/responses, as Anthropic's and OpenAI's own packages use them."""

import json
from pathlib import Path

import anthropic
import httpx
import openai
import pytest

from tests.wire.inference.scripted import cue, make_scripted

FOLDER = Path(__file__).parents[2] / "chat_templates"
ASKED = [{"role": "user", "content": "How warm is it in Paris?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris"]}},
    "required": ["city"],
    "additionalProperties": False,
}
CLAUDE = {"name": "get_weather", "description": "The weather", "input_schema": SCHEMA}
OPENAI = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": SCHEMA,
    "strict": False,
}
CALL = ["<think>\nbe", "cause\n</thi", "nk>\n\nLet me", " see.\n", "<tool_", "call>\n", '{"name": "get_', 'weather", ', '"argu',
        'ments": {"ci', 'ty": "Par', 'is"}}\n</tool', "_call>"]  # fmt: skip
SAYS = {"chat": ["Hel", "lo", " you", " all"], "call": CALL, "result": ["It is ", "warm."]}


@pytest.fixture(scope="module")
def scripted(start, tmp_path_factory):
    """A model that thinks, says a word and calls; that greets where there are no tools, and reads results."""
    cues = f"{{{{- '{cue('result')}' if messages[-1].role == 'tool' else ('{cue('call')}' if tools else '{cue('chat')}') }}}}"
    template = (FOLDER / "hermes.jinja").read_text() + cues
    path = make_scripted(tmp_path_factory.mktemp("blocks") / "blocks.gguf", template, SAYS)
    with start("--log-requests", model=path) as server:
        yield server


@pytest.fixture
def claude(scripted):
    """Anthropic's client."""
    with anthropic.Anthropic(base_url=scripted.url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def gpt(scripted):
    """OpenAI's client."""
    with scripted.client as client:
        yield client


def message(client, **more):
    """A whole message."""
    return client.messages.create(**{"model": "any", "max_tokens": 100, "messages": ASKED, **more})


def test_a_message(claude):
    """Text, its reason, its usage."""
    answer = message(claude, system="Be brief.")
    assert [(block.type, block.text) for block in answer.content] == [("text", "Hello you all")]
    assert (answer.stop_reason, answer.role, answer.type, answer.model) == (
        "end_turn",
        "assistant",
        "message",
        "blocks",
    )
    assert answer.usage.output_tokens == 5
    again = message(claude, system="Be brief.")
    assert again.usage.cache_read_input_tokens > 0
    total = again.usage.input_tokens + again.usage.cache_read_input_tokens
    assert total == answer.usage.input_tokens + answer.usage.cache_read_input_tokens


def test_a_message_streamed_is_the_same(claude):
    """The package's own accumulator makes the whole message of the events: thought, text, a call, usage."""
    whole = message(claude, tools=[CLAUDE])
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use"]
    assert (whole.content[0].thinking, whole.content[1].text) == ("because", "Let me see.")
    assert (whole.content[2].name, whole.content[2].input, whole.stop_reason) == (
        "get_weather",
        {"city": "Paris"},
        "tool_use",
    )
    with claude.messages.stream(model="any", max_tokens=100, messages=ASKED, tools=[CLAUDE]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert (final.content[0].thinking, final.content[1].text) == ("because", "Let me see.")
    assert (final.content[2].input, final.stop_reason) == ({"city": "Paris"}, "tool_use")
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert kinds.count("text") == 2
    assert kinds.count("input_json") > 1
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])


def test_a_result_goes_back(claude):
    """What the package returned is sent back as it is, with the result; blocks of text are read too."""
    said = message(claude, tools=[CLAUDE])
    result = {
        "type": "tool_result",
        "tool_use_id": said.content[2].id,
        "content": [{"type": "text", "text": "23 degrees"}],
    }
    history = [*ASKED, {"role": "assistant", "content": said.content}, {"role": "user", "content": [result]}]
    answer = message(claude, messages=history, tools=[CLAUDE], system=[{"type": "text", "text": "Be brief."}])
    assert (answer.content[0].text, answer.stop_reason) == ("It is warm.", "end_turn")


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_message_that_must_call(claude, choice):
    """`any` and one tool are held."""
    answer = message(claude, tools=[CLAUDE], tool_choice={**choice, "disable_parallel_tool_use": True})
    assert [block.input for block in answer.content if block.type == "tool_use"] == [{"city": "Paris"}]


def test_a_message_of_a_form(claude):
    """Structured output, by the package's own helper's field."""
    form = {"type": "json_schema", "schema": {"enum": ["a", "b"]}}
    answer = message(claude, extra_body={"output_config": {"format": form}})
    assert json.loads(answer.content[0].text) in ("a", "b")


def test_why_a_message_ends(claude):
    """Its length, or a stop sequence, which is named."""
    assert message(claude, max_tokens=2).stop_reason == "max_tokens"
    stopped = message(claude, stop_sequences=["you", "never"])
    assert (stopped.stop_reason, stopped.stop_sequence, stopped.content[0].text) == ("stop_sequence", "you", "Hello ")


def test_tokens_are_counted(claude):
    """As the message's own usage tells them."""
    count = claude.messages.count_tokens(model="any", messages=ASKED, tools=[CLAUDE], system="Be brief.").input_tokens
    usage = message(claude, tools=[CLAUDE], system="Be brief.").usage
    assert count == usage.input_tokens + usage.cache_read_input_tokens


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "x", "name": "y"}]}]},
            "messages.0.content.0",
        ),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]}]}, "messages.0.content.0"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.function.name"),
        ({"tool_choice": {"type": "perhaps"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool", "name": "nobody"}, "tools": [CLAUDE]}, "tool_choice"),
        ({"output_config": {"format": {"type": "yaml"}}}, "output_config.format"),
        ({"mcp_servers": [{}]}, "mcp_servers"),
        ({"system": 5}, "system"),
    ],
)
def test_mistakes_in_a_message(scripted, body, place):
    """A 400 in Anthropic's shape that begins with its place."""
    answer = httpx.post(f"{scripted.url}/v1/messages", json={"messages": ASKED, "max_tokens": 5, **body})
    assert (answer.status_code, answer.json()["type"]) == (400, "error")
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"].startswith(place)


def test_other_errors_of_messages(scripted):
    """No JSON, another method, a prompt beyond the context: all in Anthropic's shape."""
    url = f"{scripted.url}/v1/messages"
    assert httpx.post(url, content=b"{").json()["type"] == "error"
    assert httpx.get(url).json()["type"] == "error"
    long = httpx.post(url, json={"max_tokens": 5, "messages": [{"role": "user", "content": "word " * 9000}]})
    assert (long.status_code, long.json()["error"]["type"]) == (400, "invalid_request_error")


def respond(client, **more):
    """A whole response."""
    return client.responses.create(**{"model": "any", "input": ASKED, **more})


def test_a_response(gpt):
    """Text, its status, its usage; a text alone is an input too."""
    answer = respond(gpt, instructions="Be brief.", metadata={"a": "b"})
    assert (answer.output_text, answer.status, answer.model, answer.store) == (
        "Hello you all",
        "completed",
        "blocks",
        False,
    )
    assert (answer.usage.output_tokens, answer.metadata, answer.instructions) == (5, {"a": "b"}, "Be brief.")
    assert answer.usage.total_tokens == answer.usage.input_tokens + 5
    assert respond(gpt, input="Hi", store=False).output_text == "Hello you all"


def test_a_response_streamed_is_the_same(gpt):
    """The package's own accumulator and types: each event numbered, each item begun, grown and ended."""
    whole = respond(gpt, tools=[OPENAI])
    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call"]
    assert whole.output[0].content[0].text == "because"
    assert (whole.output_text, whole.output[2].arguments) == ("Let me see.", '{"city": "Paris"}')
    assert 0 < whole.usage.output_tokens_details.reasoning_tokens < whole.usage.output_tokens
    with gpt.responses.stream(model="any", input=ASKED, tools=[OPENAI]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    numbers = [event.sequence_number for event in events]
    assert (numbers[0], numbers) == (0, sorted(set(numbers)))
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert (final.output_text, final.output[2].arguments) == ("Let me see.", '{"city": "Paris"}')
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds[:2] == ["created", "in_progress"]
    assert kinds[-1] == "completed"
    for kind in ("output_item.added", "output_item.done"):
        assert kinds.count(kind) == 3
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert ("".join(deltas), len(deltas) > 1) == ('{"city": "Paris"}', True)


def test_every_event_of_a_response_is_what_the_package_knows(scripted):
    """Validated strictly, against the package's own model of an event: no field is missing."""
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    known = TypeAdapter(ResponseStreamEvent)
    for tools, limit in (([OPENAI], 100), ([], 100), ([OPENAI], 3)):
        body = {"input": "Hi", "stream": True, "tools": tools, "max_output_tokens": limit}
        text = httpx.post(f"{scripted.url}/v1/responses", json=body).text
        for number, event in enumerate(text.strip().split("\n\n")):
            name, data = event.split("\n")
            value = json.loads(data.removeprefix("data: "))
            assert value["sequence_number"] == number
            known.validate_python(value)
            assert name == f"event: {value['type']}"
    assert (value["type"], value["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "max_output_tokens"},
    )
    assert value["response"]["output"][-1]["status"] == "incomplete"


def test_a_result_goes_back_as_an_item(gpt):
    """What the package returned is sent back as it is, with the result."""
    said = respond(gpt, tools=[OPENAI])
    result = {"type": "function_call_output", "call_id": said.output[2].call_id, "output": "23 degrees"}
    assert respond(gpt, input=[*ASKED, *said.output, result], tools=[OPENAI]).output_text == "It is warm."


def test_a_response_that_must_call(gpt):
    """`required`, one function, and some of the tools."""
    one = {"type": "function", "name": "get_weather"}
    for choice in ("required", one, {"type": "allowed_tools", "mode": "required", "tools": [one]}):
        answer = respond(gpt, tools=[OPENAI], tool_choice=choice, parallel_tool_calls=False)
        assert [json.loads(i.arguments) for i in answer.output if i.type == "function_call"] == [{"city": "Paris"}]


def test_a_response_of_a_form(gpt):
    """Structured output, by the package's own helper."""
    from pydantic import BaseModel

    class Flag(BaseModel):
        flag: bool

    assert gpt.responses.parse(model="any", input="Hi", text_format=Flag).output_parsed.flag in (True, False)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "tools.0.function.name"),
        ({"input": []}, "input"),
        ({"input": [5]}, "input.0"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0.type"),
        ({"input": [{"type": "computer_call"}]}, "input.0.type"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input.0.call_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "messages"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "xml"}}}, "response_format.type"),
        ({"reasoning": {"effort": "high"}}, "reasoning_effort"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_mistakes_in_a_response(gpt, body, param):
    """A 400 each, that names its place."""
    with pytest.raises(openai.BadRequestError) as caught:
        respond(gpt, extra_body=body)
    assert caught.value.param == param


def test_a_template_is_applied(scripted):
    """The prompt as the model reads it."""
    answer = httpx.post(f"{scripted.url}/apply-template", json={"messages": ASKED}).json()
    assert answer == {
        "prompt": f"<|im_start|>user\n{ASKED[0]['content']}<|im_end|>\n<|im_start|>assistant\n{cue('chat')}"
    }
    both = [*ASKED, {"role": "assistant", "content": "It is "}]
    assert httpx.post(f"{scripted.url}/apply-template", json={"messages": both}).json()["prompt"].endswith("\nIt is ")


def test_odd_characters_are_answered(scripted):
    """Half a surrogate pair, repeated in an answer or a prompt, is no character and no error."""
    half = "a\ud800b"
    tool = {**OPENAI, "parameters": {"type": "object", "properties": {half: {"description": half}}}}
    for path, body in (
        ("/v1/responses", {"input": half, "instructions": half, "metadata": {half: half}, "tools": [tool]}),
        ("/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": half}]}),
        ("/apply-template", {"messages": [{"role": "user", "content": half}]}),
    ):
        answer = httpx.post(f"{scripted.url}{path}", content=json.dumps(body).encode())
        assert answer.status_code == 200, answer.text


def test_a_tool_choice_of_another_kind(scripted):
    """What cannot even be compared is a 400 too."""
    body = {"max_tokens": 5, "messages": ASKED, "tools": [CLAUDE], "tool_choice": {"type": []}}
    assert httpx.post(f"{scripted.url}/v1/messages", json=body).status_code == 400


def test_a_stream_that_fails_says_so(start, tiny):
    """Going down in the middle: an error event that each package raises."""
    with start("--grace-s", 0, model=tiny) as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
        stream = client.messages.create(model="any", max_tokens=1500, messages=ASKED, stream=True)
        next(iter(stream))
        import signal

        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(anthropic.APIStatusError):
            list(stream)
