"""Calls through the real server: a model of each family that really writes them, and a grammar where it must."""

import json
from pathlib import Path

import httpx
import openai
import pytest

from inference.prompt.template import CHATML
from tests.wire.inference.scripted import cue, make_scripted

FOLDER = Path(__file__).parents[2] / "chat_templates"
ASKED = [{"role": "user", "content": "How warm is it in Paris?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": SCHEMA}}
HERMES = [
    "<tool_",
    "call>\n",
    '{"name": "get_',
    'weather", ',
    '"argu',
    'ments": {"ci',
    'ty": "Par',
    'is"}}\n</tool',
    "_call>",
]
CALLS = {
    "hermes": HERMES,
    "chatml": HERMES,
    "gemma": HERMES,
    "qwen-coder": ["<tool_", "call>\n<func", "tion=get_wea", "ther>\n<parameter=", "city>\nPa", "ris\n</para",
                   "meter>\n</function>"],
    "glm": ["<tool_", "call>get_wea", "ther\n<arg_key>ci", "ty</arg_key>\n<arg_val", "ue>Par",
            "is</arg_value>\n</tool_call>"],
    "llama": ["<|python_tag|>", '{"name": "get_', 'weather", "par', 'ameters": {"city"', ': "Paris"', "}}"],
    "mistral-list": ["[TOOL_CALLS]", '[{"name": "get_', 'weather", "argu', 'ments": {"city": "Pa', 'ris"}',
                     ', "id": "abcdefghi"}]'],
    "mistral-named": ["[TOOL_CALLS]", "get_", "weather", "[ARGS]", '{"city": "Pa', 'ris"}'],
    "phi": ["<|tool_call|>", '[{"name": "get_', 'weather", "arguments"', ': {"city": "Paris"', "}}]", "<|/tool_call|>"],
    "deepseek": ["<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "get_", "weather", "<｜tool▁sep｜>", '{"city": "Pa', 'ris"}',
                 "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"],
    "harmony": ["<|channel|>", "commentary to=func", "tions.get_weather ", "<|constrain|>", "json", "<|message|>", '{"city": "Pa',
                'ris"}'],
}  # fmt: skip
"""What a model of each family writes, in its tokens; those in angle or square brackets are control tokens, but not tags."""
TAGS = ("<tool_", "</think>\n")
WITHOUT_TOOLS = {"chatml", "gemma"}
RESULT = {"harmony": ["<|channel|> final<|message|>", "It is ", "warm."]}


def scripted(folder, name):
    """The model of a family: it calls if it is told of tools, says a word if not, and knows what to make of a result."""
    template = CHATML if name == "chatml" else (FOLDER / f"{name}.jinja").read_text()
    offered = "'get_weather' in messages[0].content" if name in WITHOUT_TOOLS else "tools"
    result = "messages[-1].role == 'tool' or '<tool_response>' in messages[-1].content"
    cues = f"{{{{- '{cue('result')}' if {result} else ('{cue('call')}' if {offered} else '{cue('chat')}') }}}}"
    says = {
        "call": CALLS[name],
        "result": RESULT.get(name, ["It is ", "warm."]),
        "chat": ["Hel", "lo", " you!"],
    }
    controls = tuple(piece for piece in CALLS[name] if piece[0] in "<[" and piece[-1] in ">]" and len(piece) > 4)
    controls = tuple(piece for piece in controls if " " not in piece and "\n" not in piece)
    return make_scripted(folder / f"{name}.gguf", template + cues, says, controls)


@pytest.fixture(scope="module")
def hermes(start, tmp_path_factory):
    """A server with the model that calls as Hermes does."""
    with start(model=scripted(tmp_path_factory.mktemp("scripted"), "hermes")) as server:
        yield server


def ask(client, **more):
    """A whole answer's first choice."""
    return client.chat.completions.create(**{"model": "any", "messages": ASKED, "tools": [WEATHER], **more}).choices[0]


def made(message):
    """Names and arguments of a message's calls."""
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


PARIS = [("get_weather", {"city": "Paris"})]


@pytest.mark.parametrize("name", CALLS)
def test_a_family_calls_is_answered_and_goes_on(start, tmp_path, name):
    """Whole and streamed, then with the result; without tools the same model talks. `required` holds the family's form."""
    with start("--threads", 1, model=scripted(tmp_path, name)) as server, server.client as client:
        choice = ask(client)
        assert (made(choice.message), choice.finish_reason, choice.message.content) == (PARIS, "tool_calls", None)
        with client.chat.completions.stream(model="any", messages=ASKED, tools=[WEATHER]) as stream:
            final = stream.get_final_completion().choices[0]
        assert (made(final.message), final.finish_reason, final.message.content) == (PARIS, "tool_calls", None)
        call = choice.message.tool_calls[0]
        history = [*ASKED, choice.message, {"role": "tool", "tool_call_id": call.id, "content": "23 degrees"}]
        answer = ask(client, messages=history)
        assert (answer.message.content, answer.message.tool_calls, answer.finish_reason) == (
            "It is warm.",
            None,
            "stop",
        )
        for wanted in ("required", {"type": "function", "function": {"name": "get_weather"}}):
            choice = ask(client, tool_choice=wanted, parallel_tool_calls=False, temperature=1.5, max_tokens=300)
            assert [name for name, _ in made(choice.message)] == ["get_weather"]
            assert made(choice.message)[0][1]["city"] in ("Paris", "Rome")
            assert choice.finish_reason == "tool_calls"
        if name not in ("glm", "harmony"):
            assert ask(client, tools=None).message.content == "Hello you!"
            assert ask(client, tool_choice="none").message.content == "Hello you!"


def test_deltas_of_a_call(hermes):
    """The first names it, the rest are its arguments, under one index; then the reason, then the usage."""
    with hermes.client as client:
        chunks = list(
            client.chat.completions.create(
                model="any", messages=ASKED, tools=[WEATHER], stream=True, stream_options={"include_usage": True}
            )
        )
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    first, *others = calls
    assert (first.index, first.type, first.function.name) == (0, "function", "get_weather")
    assert first.id.startswith("call_")
    assert all((call.index, call.id, call.function.name) == (0, None, None) for call in others)
    assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "Paris"}
    assert len(others) > 1
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["tool_calls"]
    assert chunks[-1].usage.completion_tokens == len(HERMES) + 1


def test_several_choices_call_each_for_itself(hermes):
    """Each choice has calls and ids of its own, streamed too."""
    with hermes.client as client:
        choices = client.chat.completions.create(model="any", messages=ASKED, tools=[WEATHER], n=2).choices
        assert [made(choice.message) for choice in choices] == [PARIS, PARIS]
        assert len({choice.message.tool_calls[0].id for choice in choices}) == 2


def test_an_answer_of_a_form_or_a_call(hermes):
    """With tools and a schema the answer is one or the other, whatever the model would say."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["a", "b"]}}}
    with hermes.client as client:
        choice = ask(client, response_format=form, max_tokens=200)
        if choice.message.tool_calls:
            assert made(choice.message)[0][0] == "get_weather"
        else:
            assert json.loads(choice.message.content) in ("a", "b")


def test_a_model_that_writes_noise_calls_where_it_must(start, tiny):
    """`required`, one function, strict arguments: held for a model of random weights, at any seed."""
    schema = {**SCHEMA, "properties": {"city": {"const": True}}}
    both = [WEATHER, {"type": "function", "function": {"name": "set_flag", "parameters": schema}}]
    one = {"type": "function", "function": {"name": "set_flag"}}
    with start(model=tiny) as server, server.client as client:
        for seed in range(4):
            choice = ask(
                client, tools=both, tool_choice="required", parallel_tool_calls=False, seed=seed, max_tokens=200
            )
            ((name, arguments),) = made(choice.message)
            assert arguments["city"] in {"get_weather": ("Paris", "Rome"), "set_flag": (True,)}[name]
            choice = ask(client, tools=both, tool_choice=one, seed=seed)
            assert made(choice.message) == [("set_flag", {"city": True})]


def test_thought_is_split_off(start, tmp_path):
    """`reasoning_content`, whole and streamed; `reasoning_format: none` leaves it in the text."""
    template = CHATML + cue("think")
    path = make_scripted(
        tmp_path / "m.gguf", template, {"think": ["<thi", "nk>\nbe", "cause\n</th", "ink>\n\nY", "es"]}
    )
    with start(model=path) as server, server.client as client:
        message = ask(client, tools=None).message
        assert (message.content, message.reasoning_content) == ("Yes", "because")
        chunks = client.chat.completions.create(model="any", messages=ASKED, stream=True)
        deltas = [chunk.choices[0].delta for chunk in chunks]
        assert "".join(delta.content or "" for delta in deltas) == "Yes"
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "because"
        raw = ask(client, tools=None, extra_body={"reasoning_format": "none"}).message
        assert raw.content == "<think>\nbecause\n</think>\n\nYes"
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["a", "b"]}}}
        held = ask(client, tools=None, response_format=form).message
        assert json.loads(held.content) in ("a", "b")


def test_thought_that_the_prompt_begins(start, tmp_path):
    """The answer starts within it; its end is a control token, which is seen; a form holds only what comes after."""
    says = {"think": ["<think>", "becau", "se it is", "</think>", "Yes, ", "indeed"]}
    path = make_scripted(tmp_path / "m.gguf", CHATML + "<think>", says, ("<think>", "</think>"))
    with start(model=path) as server, server.client as client:
        message = ask(client, tools=None).message
        assert (message.content, message.reasoning_content) == ("Yes, indeed", "because it is")
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["a", "b"]}}}
        held = ask(client, tools=None, response_format=form).message
        assert (json.loads(held.content) in ("a", "b"), held.reasoning_content) == (True, "because it is")


def test_an_answer_is_continued(start, tmp_path):
    """The assistant's last message is where the model goes on, unless a new answer is asked for."""
    template = CHATML + "{{ '" + cue("chat") + "' if add_generation_prompt else '' }}"
    path = make_scripted(tmp_path / "m.gguf", template, {"chat": ["A new", " answer"]})
    begun = [*ASKED, {"role": "assistant", "content": "It is "}]
    with start(model=path) as server:
        url = f"{server.url}/v1/chat/completions"

        def post(**more):
            return httpx.post(url, json={"messages": begun, "max_tokens": 5, **more}).json()

        assert post(continue_final_message=False)["choices"][0]["message"]["content"] == "A new answer"
        assert post(add_generation_prompt=True)["choices"][0]["message"]["content"] == "A new answer"
        assert post()["usage"]["prompt_tokens"] < post(continue_final_message=False)["usage"]["prompt_tokens"]
        error = post(messages=ASKED, continue_final_message=True)["error"]
        assert (error["param"], "can be continued" in error["message"]) == ("continue_final_message", True)


def test_control_tokens_in_tools_are_text(server, client):
    """In descriptions, keys and arguments of the past they take several tokens, and end nobody's turn."""

    def prompt_tokens(text):
        schema = {"type": "object", "properties": {f"key{text}": {"type": "string", "description": text}}}
        tool = {"type": "function", "function": {"name": "f", "description": text, "parameters": schema}}
        past = {"id": text, "type": "function", "function": {"name": "f", "arguments": json.dumps({text: text})}}
        messages = [
            *ASKED,
            {"role": "assistant", "tool_calls": [past]},
            {"role": "tool", "tool_call_id": text, "content": text},
        ]
        answer = client.chat.completions.create(model="any", messages=messages, tools=[tool], max_tokens=1)
        return answer.usage.prompt_tokens

    assert prompt_tokens("<|im_end|>") >= prompt_tokens("") + 6 * 5


def test_a_turn_that_was_added_by_hand_is_text_too(start, tmp_path):
    """gpt-oss's `<|start|>` is no control token for llama.cpp, which reads it in any text; a client's stays text."""
    template = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}{% endfor %}" + cue("chat")
    path = make_scripted(tmp_path / "m.gguf", template, {"chat": ["Hel", "lo"]}, added=("<|start|>", "<|message|>"))
    with start(model=path) as server, server.client as client:

        def prompt_tokens(text):
            messages = [{"role": "user", "content": text}]
            return client.chat.completions.create(model="any", messages=messages).usage.prompt_tokens

        assert prompt_tokens("a<|start|>b") >= prompt_tokens("ab") + 6
        assert prompt_tokens("") == len("user") + 3


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "nobody"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "required", "grammar": 'root ::= "x"'}, "grammar"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages"),
        ({"chat_template_kwargs": {"messages": []}}, "chat_template_kwargs"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
    ],
)
def test_mistakes_name_their_place(server, client, body, param):
    """A 400 each."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="any", messages=ASKED, extra_body=body)
    assert caught.value.param == param
