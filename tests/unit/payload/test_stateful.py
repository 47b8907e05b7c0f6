"""Which requests an upstream remembers."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import is_stateful

RULE = Intercept(path_prefix="/")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/responses", {"model": "m", "input": "x"}, True),
        ("/v1/responses?x=1", {"model": "m", "previous_response_id": "resp_1"}, True),
        ("/v1/responses", {"store": False, "input": [{"store": True, "previous_response_id": "x"}]}, False),
        ("/v1/responses", {"store": False, "previous_response_id": "resp_1"}, True),
        ("/v1/responses", {"store": False, "previous_response_id": None}, False),
        ("/v1/responses", {"store": False, "conversation": {"id": "conv_1"}}, True),
        ("/v1/responses", {"store": True}, True),
        ("/v1/conversations/conv_1/items", {"items": []}, True),
        ("/v1/threads/thread_1/messages", {"role": "user", "content": "x"}, True),
        ("/v1/%72esponses", {}, True),
        ("/v1/chat/completions", {"messages": []}, False),
        ("/v1/chat/completions", {"messages": [], "store": True}, True),
        ("/v1/chat/completions", {"messages": [], "store": False}, False),
        ("/v1/chat/completions", {"messages": [{"content": '"store": true'}], "metadata": {"store": True}}, False),
        ("/v1/messages", {"messages": []}, False),
        ("/v1/any", {"conversation": "c1"}, True),
        ("/v1/any", {"conversation": None}, False),
        ("/v1/any", {"jsonrpc": "2.0", "id": 1}, False),
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_by_path_and_body(path, body, expected, indent):
    """By what the API keeps, what is asked to be stored, and what is spoken of."""
    assert is_stateful(RULE, path, json.dumps(body, indent=indent).encode()) is expected


def test_by_the_rule():
    """A rule says it of an API that nobody knows; what is no JSON says nothing."""
    assert is_stateful(Intercept(path_prefix="/", stateful=True), "/x", b"a=b")
    assert not is_stateful(Intercept(path_prefix="/", stateful=False), "/v1/responses", b"{}")
    assert not is_stateful(RULE, "/x", b'{"store": tru')
    assert not is_stateful(RULE, "/x", b"")
