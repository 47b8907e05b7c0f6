"""How many tokens a request lets the model write."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import AskedTokens, asked_tokens, parse

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def asked(body, path="/v1/chat/completions"):
    """What a body asks for."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    document = parse(
        Intercept(path_prefix="/", payload="auto"), path, "application/json", "", raw, max_body_bytes=10**6
    )
    return asked_tokens(document)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (None, 1)),
        ({"max_tokens": 50}, (50, 1)),
        ({"max_completion_tokens": 50}, (50, 1)),
        ({"max_tokens": 50, "max_completion_tokens": 70}, (70, 1)),
        ({"max_tokens": 50, "n": 4}, (50, 4)),
        ({"n": 3}, (None, 3)),
        ({"best_of": 5, "n": 2, "max_tokens": 9}, (9, 5)),
        ({"max_tokens": None}, (None, 1)),
        ({"max_tokens": 0}, (0, 1)),
        ({"n": 0}, (None, 1)),
        ({"n_predict": 30}, (30, 1)),
        ({"n_predict": -1}, (None, 1)),
        ({"options": {"num_predict": 40}}, (40, 1)),
        ({"max_tokens": "50"}, (None, 1)),
        ({"stop": '"max_tokens": 9'}, (None, 1)),
        ({"n": 10**6}, (None, 1024)),
    ],
)
def test_names_of_each_api(more, expected):
    """The largest counts, of answers too; what is no number says nothing, nor does a text that talks of one."""
    assert asked(CHAT | more) == AskedTokens(*expected)


@pytest.mark.parametrize("spelling", [b"1e3", b"50.5", b"1E2"])
def test_spellings_that_are_no_count(spelling):
    """A number that is no plain count is none: what it means is for the upstream to say."""
    body = json.dumps(CHAT).encode()[:-1] + b', "max_tokens": ' + spelling + b"}"
    assert asked(body).limit is None


def test_other_apis():
    """By their own names."""
    assert asked({"model": "m", "input": "hi", "max_output_tokens": 12}, "/v1/responses").limit == 12
    assert asked({"model": "m", "prompt": "hi", "max_tokens_to_sample": 12}, "/v1/complete").limit == 12
    assert asked(CHAT | {"max_tokens": 12}, "/v1/messages").limit == 12
