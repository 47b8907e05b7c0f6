"""Conditions answered without the library: what is said of one is what the library says of it, or nothing."""

from __future__ import annotations

import random

import pytest

from extproc.expressions import language
from extproc.expressions.shortcut import names_read, shortcut

KINDS = {
    "who": "string", "model": "string", "tokens": "int", "cards": "int", "score": "double", "images": "bool",
    "caller.claims": "claims", "request.headers": "headers", "tools": "strings",
}  # fmt: skip
TEXTS = ("", "a", "ab", "code-x", "b\u00e4r", 'q"', "\U0001f600")
ATOMS = (
    *(f"who {sign} {text}" for sign in ("==", "!=", "<", "<=", ">", ">=") for text in ('"a"', '""', '"b\u00e4r"')),
    *('"ab" == model', '"ab" < model', 'model.startsWith("co")', 'model.endsWith("x")', 'model.contains("e-")'),
    *('who in ["a", "ab"]', "tokens in [1, 2]", "who in []", 'request.headers["x-tier"] == "gold"'),
    *('request.headers["x-tier"].startsWith("g")', 'request.headers["x-tier"] in ["gold", "a"]'),
    *("tokens > 3", "3 > tokens", "tokens >= -1", "cards == 0", "score < 0.5", "0.25 <= score", "score != 1.0"),
    *("images", "images == true", "false != images", 'has(caller.claims.role) && caller.claims.role == "a"'),
    *(
        'caller.claims.role == "a"',
        'tools.exists(t, t == "shell")',
        "size(who) > 1",
        'who.matches("^a")',
        "true",
        "false",
    ),
    *('"shell" in tools', "has(caller.claims.role)", "!has(caller.claims.other)", 'caller.claims["role"] == "a"'),
    *('caller.claims.role in ["a"]', "tools.all(t, t == 'a')", "tools.exists_one(t, t != 'a')", "size(tools) == 0"),
    *("who == model", "tokens + cards > 4", "tokens / cards > 1", 'images ? who == "a" : cards > 0'),
)


def conditions(count):
    """Some made of others, as people write them and as they do not."""
    dice = random.Random(3)

    def made(depth):
        if not depth or dice.random() < 0.3:
            return dice.choice(ATOMS)
        kind = dice.choice(("&&", "||", "&&", "!"))
        return f"!({made(depth - 1)})" if kind == "!" else f"({made(depth - 1)}) {kind} ({made(depth - 1)})"

    return [*ATOMS, *(made(dice.choice((1, 2, 3))) for _ in range(count))]


def test_it_says_what_the_library_says():
    """Of whatever facts; where it cannot know, it says nothing, and of what errs it never says that it holds."""
    dice, spoken = random.Random(5), 0
    cel = language(KINDS)
    for text in conditions(300):
        condition = cel.condition(text)
        asked = shortcut(condition.tree, KINDS)
        names = names_read(condition.tree, KINDS)
        for _ in range(8):
            values = {
                **{name: dice.choice(TEXTS) for name in ("who", "model")},
                "tokens": dice.choice((-1, 0, 1, 3, 4, 10**12)), "cards": dice.choice((0, 1)),
                "score": dice.choice((0.0, 0.25, 0.5, 1.0, 1e300)), "images": dice.random() < 0.5,
                "caller.claims": dice.choice(({}, {"role": "a"}, {"role": 3})), "tools": dice.choice(([], ["shell"])),
                "request.headers": {"x-tier": dice.choice(("", "gold", "g\u00f6ld"))},
            }  # fmt: skip
            said = None if asked is None else asked({name: values[name] for name in names})
            try:
                right = condition.program.eval(cel.env.Activation(values)).value()
            except RuntimeError:
                right = "an error"
            if right is not True and right is not False:
                right = "an error"
            assert said is None or said is right, (text, values, said, right)
            spoken += said is not None
    assert spoken > 1000


@pytest.mark.parametrize(
    "text", ['caller.claims == {"a": 1}', "size(who) > 1", "who == model", 'who.matches("a")', "tokens + 1 > 2"]
)
def test_what_it_does_not_understand(text):
    """It says nothing of it."""
    assert shortcut(language(KINDS).condition(text).tree, KINDS) is None


def test_values_of_another_type():
    """Nothing is said of them: to the library they are errors, and what errs denies."""
    asked = shortcut(language(KINDS).condition('who != "a" && tokens < 5').tree, KINDS)
    assert [asked({"who": who, "tokens": tokens}) for who, tokens in (("b", 1), (None, 1), ("b", True), ("a", None))] == [
        True, None, None, False,
    ]  # fmt: skip
