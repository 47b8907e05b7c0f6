"""Tokens of a kind, as each API counts them: what came from a cache, what went into one, what was only thought."""

import json

import pytest

from extproc.config.prices import Consumption
from extproc.exchange.record import ExchangeRecord, Usage
from extproc.telemetry.settlement import consumption_of
from extproc.telemetry.usage import UsageReader

OPENAI = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
RESPONSES = {
    "input_tokens": 100,
    "output_tokens": 50,
    "input_tokens_details": {"cached_tokens": 60},
    "output_tokens_details": {"reasoning_tokens": 30},
}
ANTHROPIC = {"input_tokens": 30, "output_tokens": 50, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 10}


def read(body, *, streamed=False):
    """The usage of an answer."""
    reader = UsageReader(streamed=streamed)
    reader.feed(body)
    return reader.close()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (OPENAI, (100, 50, 60, 0, 30)),
        (RESPONSES, (100, 50, 60, 0, 30)),
        (ANTHROPIC, (100, 50, 60, 10, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 7}, (5, 7, 0, 0, 0)),
        ({**OPENAI, "completion_tokens_details": {"reasoning_tokens": 99}}, (100, 50, 60, 0, 50)),
        ({**OPENAI, "prompt_tokens_details": None}, (100, 50, 0, 0, 30)),
        ({"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}, (5, 7, 0, 0, 0)),
    ],
)
def test_kinds(usage, expected):
    """Input and output hold all of their kinds, whichever way an API counts."""
    told = read(json.dumps({"usage": usage}).encode())
    assert (
        told.input_tokens,
        told.output_tokens,
        told.cache_read_tokens,
        told.cache_write_tokens,
        told.reasoning_tokens,
    ) == expected


def test_counts_beside_the_text():
    """Ollama's stand in the last line by themselves; a text that names them tells nothing."""
    lines = [
        {"model": "m", "message": {"content": '{"eval_count": 9000}'}, "done": False},
        {"model": "m", "message": {"content": ""}, "done": True, "prompt_eval_count": 26, "eval_count": 7},
    ]
    told = read(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert (told.input_tokens, told.output_tokens, told.estimated) == (26, 7, False)
    assert read(json.dumps(lines[0]).encode()).estimated


def test_a_stream_that_tells_its_cache_at_the_beginning():
    """And its output at the end."""
    start = {"type": "message_start", "message": {"usage": {**ANTHROPIC, "output_tokens": 1}}}
    end = {"type": "message_delta", "usage": {"output_tokens": 50}}
    told = read(f"data: {json.dumps(start)}\n\ndata: {json.dumps(end)}\n\n".encode(), streamed=True)
    assert (told.input_tokens, told.output_tokens, told.cache_write_tokens, told.estimated) == (100, 50, 10, False)


def test_one_that_is_cut_off_before():
    """Has written about as many tokens as it had events, not the one that it began with."""
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    body = f"data: {json.dumps(start)}\n\n".encode() + b'data: {"delta":{"text":"hi"}}\n\n' * 40
    told = read(body, streamed=True)
    assert (told.input_tokens, told.output_tokens, told.estimated) == (9, 41, True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"usage": Usage(10, 5), "status": 200}, Consumption(10, 5)),
        ({"usage": Usage(None, 5, estimated=True), "status": 200, "request_bytes": 400}, Consumption(100, 5)),
        ({"usage": Usage(None, 9, estimated=True), "status": 500}, Consumption()),
        ({"usage": Usage(10, 5), "status": 500}, Consumption(10, 5)),
        ({"status": 429}, Consumption()),
        ({"status": 200, "response_bytes": 99}, None),
        ({"status": None}, None),
        ({"outcome": "cancelled", "request_bytes": 40}, Consumption(10)),
        ({"outcome": "cancelled", "request_bytes": 40, "response_bytes": 9, "status": 200}, None),
    ],
)
def test_what_a_request_has_cost(fields, expected):
    """What it says; an error that says nothing, nothing; what nobody knows, nobody knows."""
    exchange = ExchangeRecord(**({"outcome": "forwarded", "started_at": 0.0, "duration_s": 1.0, "model": "m"} | fields))
    assert consumption_of(exchange) == expected
