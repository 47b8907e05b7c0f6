"""Conditions: what is a mistake is told before anything runs, and nothing that anybody writes is more than a mistake."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.expressions import ExpressionError, Language, language

NAMES = {
    "caller.team": "string",
    "caller.id": "string",
    "caller.claims": "claims",
    "request.headers": "headers",
    "request.tools": "strings",
    "request.tokens": "int",
    "request.time": "time",
    "entities.CREDIT_CARD": "int",
    "intent": "string",
    "score": "double",
}


@pytest.fixture(scope="module")
def cel() -> Language:
    """A language with some names."""
    return language(NAMES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('caller.tem == "x"', "there is no fact `caller.tem`; did you mean `caller.team`?"),
        ("entities.CREDIT_CRAD > 0", "did you mean `entities.CREDIT_CARD`?"),
        ('intnt == "a"', "did you mean `intent`?"),
        ("caller", "`caller` is no fact by itself; there are `caller.claims`, `caller.id`, `caller.team`"),
        ('intent.startWith("a")', "there is no function `startWith`; did you mean `startsWith`?"),
        ('request.tokens > "a"', "`>` does not take int and string; a number stands without quotes"),
        ('intent = "a"', "it compares with `==`"),
        ('intent == "a" and score > 0.5', "joins conditions with `&&`"),
        ('intent == "not a = b" &&', "at character 25"),
        ("score > 1", "`>` does not take double and int; write both alike: `3.0` is a double"),
        ("request.time.getHours('Europe/Berln') > 3", "there is no time zone `Europe/Berln`; write one as"),
        ("request.time > timestamp('yesterday')", '`timestamp("yesterday")` cannot be read: write one as'),
        ("request.time > '2026-01-01'", "a time is written `timestamp("),
        ("request.tokens > int('ten')", "it is no whole number"),
        ("intent", "says string, where it has to say true or false; compare it, as `intent == …`"),
        ("1", "says int, where it has to say true or false"),
        ("[intent]", "says list<string>, where"),
        ("caller.claims.admin", "is a claim by itself, and it may be no boolean"),
        ('intent == "a" &&', "is not CEL: mismatched input 'the end' at character 17"),
        ('intent == "a"\n&& ?', "at line 2, character 4"),
        ("", "is not CEL"),
        ("request.tokens > 99999999999999999999", "is not CEL: invalid int literal at character 18"),
        ('intent.matches("(")', "`(` is not a pattern that RE2 takes"),
        ('has(request.headers.x) && intent == ""', "reads `request.headers` otherwise than by a name"),
        ("request.headers[intent] == ''", "reads `request.headers` otherwise than by a name"),
        ("(" * 200 + "true" + ")" * 200, "is nested too deeply: 32 levels are the most"),
        ("(" * 200_000 + "true" + ")" * 200_000, "is longer than 8192 characters"),
        ("!" * 8000 + "true" + "[" * 100, "is n"),
        ("intent == '\ud800'", "is no text that can be read"),
        ("\x00", "is not CEL"),
    ],
)
def test_mistakes(cel, text, sentence):
    """Each says what is wrong and, where something is near, what would be right."""
    with pytest.raises(ExpressionError) as caught:
        cel.condition(text)
    assert sentence in str(caught.value)


def test_what_a_condition_reads(cel):
    """The facts that stand in it, and the headers as they are written."""
    condition = cel.condition(
        'caller.team == "a" || request.headers["X-Tier"] != "" && request.tools.exists(t, t == intent)'
    )
    assert condition.names == {"caller.team", "request.headers", "request.tools", "intent"}
    assert condition.header_names == ("X-Tier",)
    assert cel.condition("true // always").names == frozenset()


def test_several_are_asked_at_once(cel):
    """A comment ends with its own condition."""
    program = cel.together([cel.condition("true // one"), cel.condition('intent == "a"')])
    assert program.eval(cel.env.Activation({"intent": "b"})).plain_value() == [True, False]


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=120) | st.text(alphabet="()[]{}\"'&|!=<>.,?:-+*/%0123456789aintentcallermsz \\\n", max_size=120)
)
def test_nothing_that_is_written_is_more_than_a_mistake(text):
    """No crash, no other error."""
    try:
        condition = language(NAMES).condition(text)
    except ExpressionError:
        return
    assert condition.names <= NAMES.keys()


@pytest.mark.parametrize("size", [10, 1_000, 8_192, 200_000])
@pytest.mark.parametrize("shape", ["(", "[", "{", "!", "-", "a.", "'", '"', "1+", "true?", "intent+", "\\", "f(", "0x"])
def test_no_length_is_more_than_a_mistake(cel, shape, size):
    """Nor any depth."""
    with pytest.raises(ExpressionError):
        cel.condition(shape * (size // len(shape)) + "intent")
