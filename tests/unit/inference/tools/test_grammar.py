"""What an answer is held to, and that it is what the family's parser reads."""

import json
import random
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from llguidance import LLMatcher, LLTokenizer

from inference.constraint.grammar import from_schema
from inference.errors import InvalidRequestError
from inference.said import read_whole
from inference.tools.families import family_of
from inference.tools.grammar import answer_grammar
from inference.tools.lark import Rules
from inference.tools.offer import NOTHING, read_offer
from inference.tools.parser import AnswerParser

FOLDER = Path(__file__).parents[3] / "chat_templates"
TEMPLATES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.jinja"))}
BYTES = LLTokenizer("byte")
CLOSED = {"type": "object", "additionalProperties": False}
DAYS = {"type": "integer", "minimum": 0, "maximum": 99}
PLACE = {"city": {"type": "string", "enum": ['Pa"ris', "Ro\nme"]}, "days": DAYS}
CITY = {**CLOSED, "properties": PLACE, "required": ["city", "days"]}
FLAG = {**CLOSED, "properties": {"flag": {"enum": [True, None, "x"]}}, "required": ["flag"]}


def tool(name, parameters, **function):
    """A function in OpenAI's shape."""
    return {"type": "function", "function": {"name": name, "parameters": parameters, **function}}


TOOLS = [tool("get_weather", CITY), tool("set_flag", FLAG)]


def grammar_of(name, choice, *, tools=TOOLS, thinking=None, answer=None, parallel=None):
    """The grammar, and what the parser is told."""
    source = TEMPLATES[name]
    offer = read_offer(tools, choice, parallel=parallel)
    return answer_grammar(family_of(source), Rules(source, {}), offer, thinking, answer, 400), offer


def follow(grammar, text):
    """Whether a text may be an answer, and be the whole of it."""
    matcher = LLMatcher(BYTES, grammar.text, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


def an_answer(grammar, seed):
    """A text that the grammar allows, chosen at random."""
    dice = random.Random(seed)
    matcher = LLMatcher(BYTES, grammar.text, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    mask = np.zeros((BYTES.vocab_size + 31) // 32, np.int32)
    data = []
    while not matcher.is_stopped() and len(data) < 2000:
        matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        allowed = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little", count=BYTES.vocab_size))
        if BYTES.eos_token in allowed and dice.random() < 0.5:
            break
        token = int(dice.choice([token for token in allowed if token != BYTES.eos_token]))
        data.append(token)
        matcher.consume_token(token)
    return bytes(data).decode()


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "set_flag"}}])
def test_a_required_call_is_what_the_parser_reads(name, choice):
    """Whatever the model would rather say, it is a call of an offered function, with arguments that its schema allows."""
    grammar, offer = grammar_of(name, choice, parallel=choice == "required")
    for seed in range(6):
        text = an_answer(grammar, seed)
        said = read_whole(AnswerParser(family_of(TEMPLATES[name]), offer.schemas, calls=True), text)
        assert said.calls, text
        assert not said.content.strip()
        for call in said.calls:
            jsonschema.validate(json.loads(call.arguments), offer.schemas[call.name])
        if choice != "required":
            assert [call.name for call in said.calls] == ["set_flag"]


def test_thought_before_a_required_call():
    """Where the prompt has begun thought it ends first, and leaves room; elsewhere the model comes to the matter at once."""
    call = '<tool_call>\n{"name": "set_flag", "arguments": {"flag": true}}\n</tool_call>'
    free, _ = grammar_of("hermes", "required")
    assert follow(free, call)
    assert not follow(free, f"<think>\nwhy\n</think>\n\n{call}")
    assert not follow(free, f"Well. {call}")
    begun, _ = grammar_of("hermes", "required", thinking="<think>")
    assert follow(begun, f"why <tool> \n</think>\n\n{call}")
    assert not follow(begun, call)
    assert not follow(begun, f"{'why ' * 100}</think>{call}")


def test_one_call_or_several():
    """`parallel_tool_calls` is held; a call that must be made is one, unless several are asked for."""
    call = '<tool_call>\n{"name": "set_flag", "arguments": {"flag": true}}\n</tool_call>'
    assert follow(grammar_of("hermes", "required", parallel=True)[0], f"{call}\n{call}")
    for parallel in (None, False):
        assert not follow(grammar_of("hermes", "required", parallel=parallel)[0], f"{call}\n{call}")
    assert not follow(
        grammar_of("hermes", {"type": "function", "function": {"name": "set_flag"}})[0], f"{call}\n{call}"
    )


ANSWER = from_schema({**CLOSED, "properties": {"n": {"type": "integer"}}}, "response_format")


def test_an_answer_of_a_form_beside_calls():
    """With tools and a response_format the model answers in that form, or calls."""
    grammar, _ = grammar_of("hermes", None, answer=ANSWER)
    assert follow(grammar, '{"n": 1}')
    assert follow(grammar, '<tool_call>\n{"name": "set_flag", "arguments": {"flag": null}}\n</tool_call>')
    assert not follow(grammar, "no")


def test_an_answer_of_a_form_after_thought():
    """Thought that the prompt has begun is free; what follows it is held. gpt-oss answers in its channel."""
    family = family_of(TEMPLATES["glm"])
    grammar = answer_grammar(family, Rules(TEMPLATES["glm"], {}), NOTHING, "<think>", ANSWER, 400)
    assert follow(grammar, 'so {"n"... </think>\n{"n": 1}')
    assert not follow(grammar, '{"n": 1}')
    source = TEMPLATES["harmony"]
    grammar = answer_grammar(family_of(source), Rules(source, {}), NOTHING, None, ANSWER, 400)
    assert follow(grammar, '<|channel|>final<|message|>{"n": 1}')
    assert (
        answer_grammar(family_of(TEMPLATES["phi"]), Rules(TEMPLATES["phi"], {}), NOTHING, None, ANSWER, 400) is ANSWER
    )


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "harmony"])
def test_a_strict_function_is_held_where_it_may_be_called(name):
    """`strict` is a promise about arguments: text is free, a call is not."""
    grammar, offer = grammar_of(name, None, tools=[tool("set_flag", FLAG, strict=True)])
    family = family_of(TEMPLATES[name])
    assert follow(grammar, "Any text\nat all")
    assert follow(grammar, "")
    written = an_answer(grammar_of(name, "required", tools=[tool("set_flag", FLAG)])[0], 3)
    assert follow(grammar, written)
    assert follow(grammar, f"Well < a. {written}") or family.bare
    wrong = family.write([("set_flag", {"flag": 5})])
    assert not follow(grammar, wrong)
    assert offer.strict


def test_a_strict_function_lets_a_model_think_and_answer():
    """gpt-oss keeps its channels; tags that are tokens may open the answer."""
    grammar, _ = grammar_of("harmony", None, tools=[tool("set_flag", FLAG, strict=True)])
    assert follow(grammar, "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>yes")
    head = "<|channel|>commentary to=functions.set_flag <|constrain|>json<|message|>"
    assert follow(grammar, head + '{"flag": true}')
    assert not follow(grammar, head + '{"flag": 5}')
    rules = Rules(TEMPLATES["hermes"], {"<think>": 70, "</think>": 71, "<tool_call>": 72})
    offer = read_offer([tool("set_flag", FLAG, strict=True)], None, parallel=None)
    held = answer_grammar(family_of(TEMPLATES["hermes"]), rules, offer, None, None, 400)
    assert "start: (<[70]> any <[71]>)? any calls?" in json.loads(held.text)["grammars"][0]["lark_grammar"]


def test_without_a_need_nothing_is_held():
    """Tools that may be called cost nothing."""
    assert grammar_of("hermes", None)[0] is None
    assert grammar_of("hermes", "none")[0] is None


def test_markers_that_are_tokens_stand_as_tokens():
    """No text makes a control token: the grammar names it."""
    source = TEMPLATES["mistral-named"]
    offer = read_offer(TOOLS, "required", parallel=None)
    grammar = answer_grammar(
        family_of(source), Rules(source, {"[TOOL_CALLS]": 77, "[ARGS]": 78}), offer, None, None, 400
    )
    lark = json.loads(grammar.text)["grammars"][0]["lark_grammar"]
    assert "<[77]>" in lark
    assert "<[78]>" in lark
    assert "[TOOL_CALLS]" not in lark


@pytest.mark.parametrize(
    ("tools", "choice", "param", "message"),
    [
        ([5], None, "tools.0", "a tool is an object"),
        ([{"type": "web_search"}], None, "tools.0.type", "only tools of the type function"),
        ([{"type": "function"}], None, "tools.0.function", "a tool has a function"),
        ([tool("a b", {})], None, "tools.0.function.name", "a name of 1 to 128"),
        ([tool("", {})], None, "tools.0.function.name", "a name of 1 to 128"),
        ([tool("f", {}, description=5)], None, "tools.0.function.description", "a description is a text"),
        ([tool("f", [])], None, "tools.0.function.parameters", "a JSON schema"),
        ([tool("f", {"type": "array"})], None, "tools.0.function.parameters.type", "arguments are an object"),
        ([tool("f", {}), tool("f", {})], None, "tools", "two tools have one name"),
        ([tool("f", {})] * 600, None, "tools", "of at most 512"),
        ([], "required", "tool_choice", "there are no tools"),
        (None, {"type": "function", "function": {"name": "f"}}, "tool_choice", "there are no tools"),
        (TOOLS, {"type": "function", "function": {"name": "f"}}, "tool_choice", "not among the tools"),
        (TOOLS, {"type": "function"}, "tool_choice", 'tool_choice is "auto"'),
        (TOOLS, "any", "tool_choice", 'tool_choice is "auto"'),
        (TOOLS, 5, "tool_choice", 'tool_choice is "auto"'),
        (
            TOOLS,
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
            "tool_choice",
            "tool_choice is",
        ),
    ],
)
def test_mistakes_in_an_offer_name_their_place(tools, choice, param, message):
    """Each is a 400 that says what would be right."""
    with pytest.raises(InvalidRequestError, match=message) as caught:
        read_offer(tools, choice, parallel=None)
    assert caught.value.param == param


def test_some_of_the_tools():
    """`allowed_tools` offers a few of them; `none` offers nothing."""
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "set_flag"}}]}
    offer = read_offer(TOOLS, {"type": "allowed_tools", "allowed_tools": allowed}, parallel=None)
    assert (list(offer.schemas), offer.choice) == (["set_flag"], "required")
    assert read_offer(TOOLS, "none", parallel=None) is NOTHING
