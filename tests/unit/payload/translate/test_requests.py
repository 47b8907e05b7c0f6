"""Requests and whole answers that are broken anyhow: refused with a place, or carried; never a fault of ours."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.errors import IntentmeshError, UnreadableAnswerError
from extproc.payload import translate
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import PAIRS
from tests.unit.payload.translate.test_streams import SITUATIONS, editor, values
from tests.unit.payload.translate.test_table import FEATURES, body_of

CANARY = "ada@example.org"


def spoil(draw, value, new=values):
    """The same with a part of it left out, turned into something else, or under another name."""
    at = value
    while isinstance(at, dict | list) and at:
        key = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
        what = draw(st.sampled_from(["go on", "go on", "replace", "remove", "rename"]))
        if what == "replace":
            at[key] = draw(new)
            return
        if what == "remove":
            del at[key]
            return
        if what == "rename" and isinstance(at, dict):
            at[CANARY] = at.pop(key)
            return
        at = at[key]


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_broken_request_is_refused_or_carried(caller, upstream, data):
    """Only errors of ours, which say no word of the caller's; and what is carried is JSON."""
    features = [fields[caller] for fields in FEATURES.values() if caller in fields]
    body = json.loads(json.dumps(body_of(caller, data.draw(st.sampled_from(features)))))
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(data.draw, body)
    drop, counts = data.draw(st.booleans()), data.draw(st.booleans())
    spoken = translate.Spoken(caller, counts=counts and caller != "openai")
    try:
        made = translate.request(spoken, upstream, json.dumps(body).encode(), model="m", drop=drop)
    except IntentmeshError as error:
        told, status = [str(error)], error.status
    else:
        told, status = made.dropped, 400
        assert isinstance(json.loads(made.body), dict)
    assert status == 400
    assert not any(CANARY in name for name in told)


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_broken_answer_is_an_error_or_an_answer(caller, upstream, data):
    """Of the caller's API."""
    answer = json.loads(upstreams.ANSWERS[upstream](data.draw(st.sampled_from(SITUATIONS)), stream=False))
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(data.draw, answer)
    try:
        out = editor(caller, upstream, media="application/json").feed(json.dumps(answer).encode(), end=True)
    except UnreadableAnswerError:
        return
    assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize("caller", ["openai", "openai-responses", "anthropic"])
def test_what_no_json_can_say_again(caller):
    """Numbers without end, halves of characters, depths without bottom."""
    upstream = "gemini"
    field = "input" if caller == "openai-responses" else "messages"
    for text in ("1e999", "NaN", "-Infinity", "[" * 100_000, '"\\ud800"'):
        body = f'{{"model": "m", "temperature": {text}, "{field}": []}}'.encode()
        with pytest.raises(IntentmeshError):
            translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    said = '"hi \\ud800"'
    said = said if caller == "openai-responses" else f'[{{"role": "user", "content": {said}}}]'
    body = f'{{"model": "m", "max_tokens": 5, "{field}": {said}}}'.encode()
    made = translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    assert json.loads(made.body)["contents"][0]["parts"][0]["text"] == "hi \ud800"


@pytest.mark.parametrize(
    ("caller", "upstream", "strict", "expected"),
    [
        ("openai", "openai-responses", None, None),
        ("openai", "openai-responses", False, False),
        ("openai-responses", "openai", True, True),
    ],
)
def test_a_schema_is_as_strict_as_it_was(caller, upstream, strict, expected):
    """What the caller leaves to the API is left to it."""
    form = {"name": "n", "schema": {"type": "object"}} | ({} if strict is None else {"strict": strict})
    wrapped = {"type": "json_schema", "json_schema": form} if caller == "openai" else {"type": "json_schema", **form}
    fields = {"response_format": wrapped} if caller == "openai" else {"text": {"format": wrapped}}
    body = json.dumps(body_of(caller, fields)).encode()
    got = json.loads(translate.request(translate.Spoken(caller), upstream, body, model="m", drop=False).body)
    told = got["text"]["format"] if upstream == "openai-responses" else got["response_format"]["json_schema"]
    assert told.get("strict") == expected
