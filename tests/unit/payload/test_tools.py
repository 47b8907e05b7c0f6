"""The tools that a request offers, wherever its API names them and however it spells the key."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import offered_tools, parse

RULE = Intercept(path_prefix="/")
MESSAGES = [{"role": "user", "content": 'what is "tools"?', "name": "ada"}]


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ({"tools": [{"type": "function", "function": {"name": "search", "parameters": {"name": "x"}}}]}, ("search",)),
        (
            {"tools": [{"type": "function", "name": "search"}, {"name": "fetch", "input_schema": {}}]},
            ("search", "fetch"),
        ),
        ({"functions": [{"name": "old", "description": "name"}]}, ("old",)),
        ({"tools": []}, ()),
        ({}, ()),
        ({"metadata": {"tools": "name"}}, ()),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "called"}}]}]}, ()),
    ],
)
def test_names_of_tools(tools, names):
    """Those that are offered, and not those that were called, nor what else is called a name."""
    body = json.dumps({"model": "m", "messages": MESSAGES} | tools).encode()
    assert offered_tools(parse(RULE, "/v1/chat/completions", "application/json", "", body)) == names


def test_a_key_in_disguise():
    """A key is what it reads as."""
    body = b'{"messages": [], "to\\u006fls": [{"function": {"name": "search"}}]}'
    assert offered_tools(parse(RULE, "/v1/chat/completions", "application/json", "", body)) == ("search",)


def test_other_bodies():
    """Have none."""
    for content_type, body in (
        ("text/plain", b'"tools"'),
        ("application/x-www-form-urlencoded", b'tools=%22tools%22&a="tools"'),
    ):
        assert offered_tools(parse(RULE, "/x", content_type, "", body)) == ()
