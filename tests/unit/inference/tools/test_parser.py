"""What a model writes, read piece by piece: calls of every family, thought, and text that only looks like either."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inference.said import read_whole
from inference.tools.deltas import Arguments, Call, Content, Reasoning
from inference.tools.families import FAMILIES, family_of
from inference.tools.parser import AnswerParser

FOLDER = Path(__file__).parents[3] / "chat_templates"
FAMILY = {family.name: family for family in reversed(FAMILIES)}
CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
SCHEMAS = {"get_weather": CITY, "get_time": {"type": "object"}}
PARIS, ROME = ("get_weather", {"city": 'Pa"r}is</x>', "days": 3}), ("get_time", {})
DEEPSEEK = "<｜tool▁calls▁begin｜>{}<｜tool▁calls▁end｜>"


def j(value):
    """JSON."""
    return json.dumps(value)


A = j(PARIS[1])
GLM = """<tool_call>get_weather
<arg_key>city</arg_key>
<arg_value>Pa"r}is</x></arg_value>
<arg_key>days</arg_key>
<arg_value>3</arg_value>
</tool_call>
<tool_call>get_time
</tool_call>"""
QWEN = """<tool_call>
<function=get_weather>
<parameter=city>
Pa"r}is</x>
</parameter>
<parameter=days>
3
</parameter>
</function>
</tool_call>
<tool_call>
<function=get_time>
</function>
</tool_call>"""
PREAMBLE = (
    "<|channel|>commentary<|message|>Let me see.<|end|><|start|>assistant"
    "<|channel|>commentary to=functions.get_time <|constrain|>json<|message|>{}"
)
DSML = """<|function_calls>
<|invoke name="get_weather">
<|parameter name="city" string="true">Pa"r}is</x></|parameter>
<|parameter name="days" string="false">3</|parameter>
</|invoke>
<|invoke name="get_time">
</|invoke>
</|function_calls>"""
MINIMAX = """<minimax:tool_call>
<invoke name="get_weather">
<parameter name="city">Pa"r}is</x></parameter>
<parameter name="days">3</parameter>
</invoke>
<invoke name="get_time">
</invoke>
</minimax:tool_call>"""
WRITTEN = [
    ("hermes", f'<tool_call>\n{{"name": "get_weather", "arguments": {A}}}\n</tool_call>', "", [PARIS]),
    ("hermes", f'Let me see.\n<tool_call>\n{{"arguments": {A}, "name": "get_weather"}}\n</tool_call>', "Let me see.", [PARIS]),
    (
        "hermes",
        f'<tool_call>{{"name": "get_weather", "arguments": {A}}}</tool_call>\n<tool_call>\n{{"name": "get_time"}}\n</tool_call>',
        "",
        [PARIS, ROME],
    ),
    ("hermes", f'<tool_call>[{{"name": "get_weather", "arguments": {A}}}, {{"name": "get_time", "arguments": null}}]', "",
     [PARIS, ROME]),
    ("hermes", f'<tool_call>{{"name": "get_weather", "arguments": {j(A)}}}</tool_call>', "", [PARIS]),
    ("glm", GLM, "", [PARIS, ROME]),
    ("qwen-coder", QWEN, "", [PARIS, ROME]),
    ("qwen-coder", f"<function=get_weather>{A}</function>", "", [PARIS]),
    ("llama", f'{{"name": "get_weather", "parameters": {A}}}', "", [PARIS]),
    ("llama", f'<|python_tag|>{{"name": "get_weather", "parameters": {A}}}; {{"name": "get_time", "parameters": {{}}}}', "",
     [PARIS, ROME]),
    ("llama", '<|python_tag|>get_weather.call(city="Pa\\"r}is</x>", days=3)', "", [PARIS]),
    ("mistral", f'[TOOL_CALLS][{{"name": "get_weather", "arguments": {A}, "id": "abcdefghi"}}, {{"name": "get_time"}}]', "",
     [PARIS, ROME]),
    ("mistral", f"Sure.[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{A}[TOOL_CALLS]get_time[ARGS]{{}}", "Sure.", [PARIS, ROME]),
    ("mistral", f"[TOOL_CALLS]get_weather{A}", "", [PARIS]),
    ("phi", f'<|tool_call|>[{{"name": "get_weather", "arguments": {A}}}, {{"name": "get_time"}}]<|/tool_call|>', "",
     [PARIS, ROME]),
    ("phi", f'functools[{{"name": "get_weather", "arguments": {A}}}]', "", [PARIS]),
    ("dsml", "Well." + DSML.replace("|", "｜DSML｜"), "Well.", [PARIS, ROME]),
    ("minimax", MINIMAX, "", [PARIS, ROME]),
    ("phi", f'<tool_calls>[{{"name": "get_weather", "arguments": {A}}}]</tool_calls>', "", [PARIS]),
    ("deepseek", DEEPSEEK.format(
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{A}\n```<｜tool▁call▁end｜>\n"
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n```json\n{}\n```<｜tool▁call▁end｜>"), "", [PARIS, ROME]),
    ("deepseek", "Well." + DEEPSEEK.format(
        f"<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{A}<｜tool▁call▁end｜>"
        "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁call▁end｜>"), "Well.", [PARIS, ROME]),
    ("harmony", f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{A}<|call|>", "", [PARIS]),
    ("harmony", f" to=functions.get_weather<|channel|>commentary json<|message|>{A}", "", [PARIS]),
    ("harmony", PREAMBLE, "Let me see.", [ROME]),
]  # fmt: skip


def in_pieces(text, cuts):
    """A text cut at these places."""
    places = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


def read(family, pieces, **options):
    """What was said, from deltas: content, thought, calls."""
    parser = AnswerParser(FAMILY[family], SCHEMAS, **{"calls": True, **options})
    content, thought, calls = "", "", []
    deltas = [delta for piece in pieces for delta in parser.feed(piece)] + parser.close()
    for delta in deltas:
        match delta:
            case Content(text):
                content += text
            case Reasoning(text):
                thought += text
            case Call(index, name):
                assert index == len(calls)
                calls.append([name, ""])
            case Arguments(index, text):
                assert index == len(calls) - 1
                calls[-1][1] += text
    return content, thought, calls


def decoded(calls):
    """Names and arguments."""
    return [(name, json.loads(arguments)) for name, arguments in calls]


@pytest.mark.parametrize(("family", "text", "content", "calls"), WRITTEN)
def test_calls_are_read(family, text, content, calls):
    """Each family's own way of writing them, with the text beside them, after thought and without."""
    said, thought, made = read(family, [text])
    assert (said, thought, decoded(made)) == (content, "", calls)
    if family != "harmony":
        said, thought, made = read(family, [f"<think>\nwhy?\n</think>\n\n{text}"])
        assert (said, thought, decoded(made)) == (content, "why?", calls)


@settings(deadline=None)
@given(st.sampled_from(WRITTEN), st.lists(st.integers(0, 400), max_size=40), st.booleans())
def test_any_split_reads_the_same(written, cuts, single):
    """However a model's tokens cut its text."""
    family, text, _, _ = written
    whole = read(family, [text], single=single)
    assert read(family, in_pieces(text, cuts), single=single) == whole
    assert read(family, list(text), single=single) == whole


MARKS = sorted(
    {mark for family in FAMILIES for mark in family.marks} | {"<think>", "</think>", "<function=", "<parameter=x>"}
)
JSON_SCRAPS = ['{"name": "get_weather", ', '"arguments": ', *'{}[]"\\,:', "get_time", "json"]
scraps = st.lists(
    st.sampled_from([*MARKS, *JSON_SCRAPS, "\n", " ", "a", "<", "to=functions.", "é", "👍"]), max_size=24
).map("".join)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(FAMILY)), scraps, st.lists(st.integers(0, 200), max_size=12))
@example("hermes", '<tool_call>{"name": "get_weather", "arguments": {"a"', [3, 12])
@example("llama", ' \n{"name": "get_weather"} ', [1, 2])
@example("mistral", "[TOOL_CALLS]get_weather[CALL", [20])
def test_noise_reads_the_same_in_any_split(family, text, cuts):
    """Broken calls, markers in the wrong place: one reading, whatever the pieces are."""
    whole = read(family, [text])
    assert read(family, in_pieces(text, cuts)) == whole
    assert read(family, list(text)) == whole


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("hermes", "a <tool_call> b"),
        ("hermes", 'a <tool_call>{"name": "get_weather"'),
        ("hermes", "<tool_call>{}</tool_call>"),
        ("hermes", '<tool_call>{"x": 1}</tool_call> and <'),
        ("llama", '{"name": "Ada", "parameters": {"age": 3}}'),
        ("llama", '{"name": "get_weather", "age": 3}'),
        ("llama", '{"city": "Paris"} and more'),
        ("llama", "Hello {"),
        ("mistral", "see [TOOL_CALLS] there"),
        ("phi", "<|tool_call|> []"),
        ("phi", "import functools"),
        ("dsml", "<｜DSML｜tool_calls>\nnothing"),
        ("deepseek", "<｜tool▁calls▁begin｜>nothing"),
        ("harmony", '{"a": 1}'),
        ("glm", "<tool_call>\n\n"),
    ],
)
def test_what_is_no_call_stays_text(family, text):
    """Nothing that a model wrote is lost, to the last character."""
    assert read(family, list(text)) == (text, "", [])


@pytest.mark.parametrize("family", sorted(FAMILY))
def test_plain_text_is_passed_on_at_once(family):
    """A piece is not kept back because a call could come; space at its end waits, for it may stand before one."""
    parser = AnswerParser(FAMILY[family], SCHEMAS, calls=True)
    start = "<|channel|>final<|message|>" if family == "harmony" else ""
    assert parser.feed(start + "The answer") == [Content("The answer")]
    assert parser.feed(" is") == [Content(" is")]
    assert parser.feed(" 42 ") == [Content(" 42")]
    assert parser.close() == [Content(" ")]


def test_arguments_are_passed_on_as_they_come():
    """A long call is not kept back until its end."""
    parser = AnswerParser(FAMILY["hermes"], SCHEMAS, calls=True)
    assert parser.feed('<tool_call>{"name": "get_weather", "arguments": ') == [Call(0, "get_weather")]
    assert parser.feed('{"city": "Pa') == [Arguments(0, '{"city": "Pa')]
    assert parser.feed('ris"}') == [Arguments(0, 'ris"}')]


def test_one_call_at_most():
    """`parallel_tool_calls: false`: the first counts, the others and what stands between them are nobody's."""
    text = '<tool_call>{"name": "get_time"}</tool_call>' * 3
    assert read("hermes", [text], single=True) == ("", "", [["get_time", "{}"]])


@pytest.mark.parametrize(
    ("text", "begun", "content", "thought"),
    [
        ("<think>\nwhy\n</think>\n\nyes", None, "yes", "why"),
        (" \n<think>why</think>yes", None, "yes", "why"),
        ("why\n</think>\n\nyes", "<think>", "yes", "why"),
        ("<think>why</think>yes", "<think>", "yes", "why"),
        ("why", "<think>", "", "why"),
        ("[THINK]why[/THINK]yes", None, "yes", "why"),
        ("a <think>b</think>", None, "a <think>b</think>", ""),
        ("<thin", None, "<thin", ""),
        ("", None, "", ""),
        (" ", None, " ", ""),
    ],
)
def test_thought_is_split_off(text, begun, content, thought):
    """At the beginning of an answer, or where the prompt has begun it; elsewhere the tags are text."""
    for calls in (False, True):
        for pieces in ([text], list(text)):
            assert read("hermes", pieces, calls=calls, thinking=begun) == (content, thought, [])
    assert read("hermes", [text], thinking=begun, split_reasoning=False)[1] == ""


def test_channels_are_told_apart_without_tools_too():
    """gpt-oss always answers in channels."""
    text = "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>yes"
    assert read("harmony", list(text), calls=False) == ("yes", "why", [])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jinja")), ids=lambda path: path.stem)
def test_a_family_is_known_by_its_template(path):
    """Each template of the tests bears the name of its family, and those without tools get the form known best."""
    name = path.stem.removesuffix("-list").removesuffix("-named").removesuffix("-fenced").removesuffix("-system")
    assert family_of(path.read_text()).name == {"gemma": "hermes", "needs-tools": "hermes"}.get(name, name)


WRITES = sorted(set(FAMILY) - {"glm", "qwen-coder", "harmony", "minimax"})
"""The others write as Hermes does, and the last one's template always has calls."""


@pytest.mark.parametrize("family", WRITES)
def test_what_is_written_for_a_template_without_calls_is_read_again(family):
    """The form that a model is told of is the one that its answer is read by."""
    said = read_whole(AnswerParser(FAMILY[family], SCHEMAS, calls=True), FAMILY[family].write([PARIS, ROME]))
    assert [(call.name, json.loads(call.arguments)) for call in said.calls] == [PARIS, ROME]


def test_reading_is_linear():
    """Twenty thousand characters in small pieces, markers half begun all over: each is looked at a few times."""
    text = (
        '<tool_call>{"name": "get_weather", "arguments": {"city": "'
        + "x<\\\\" * 4_000
        + '"}}</tool_call>'
        + " <tool_" * 4_000
    )
    content, _, calls = read("hermes", [text[at : at + 3] for at in range(0, len(text), 3)])
    assert len(calls[0][1]) > 16_000
    assert content.count("<tool_") == 4_000
