"""Every field of the requests that the clients of OpenAI and Anthropic can send, and every byte of what they send.

The clients ship their requests as typed dictionaries. Each field that takes a string gets an address, each that takes a number a
card, each that takes any key a key: what the upstream would get holds none of them, or the request is refused by name.
"""

import base64
import collections.abc
import json
import quopri
import re
import types
import typing
from collections import Counter
from contextlib import suppress
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from extproc.config.intercept import Intercept
from extproc.config.names import NameSettings
from extproc.config.pii import PiiSettings
from extproc.errors import OutOfRangeError, PersonalNumberError
from extproc.payload import parse
from extproc.pii import Analyzer, Anonymizer

CASES = Path(__file__).parents[3] / "shared" / "data" / "reports" / "personal_data.jsonl"
MAIL, CARD = "jane.doe@example.com", 4111111111111111
RULE = Intercept(path_prefix="/v1/")
SETTINGS = PiiSettings(names=NameSettings(enabled=False))
ANONYMIZER = Anonymizer(SETTINGS, Analyzer(SETTINGS))
DEEPEST = 14
LEAST = {"/v1/chat/completions": 150, "/v1/responses": 700, "/v1/messages": 250}
"""Fields, so that a walk that finds none does not pass."""
NOT_MASKED: dict[str, str] = {}
"""Way to a field -> why an address in it goes on. None does."""


def requests():
    """Path and type of every request whose texts are read as one API's."""
    import anthropic.types as claude
    import anthropic.types.beta as claude_beta
    import openai.types as gpt
    from openai.types.chat import completion_create_params as chat
    from openai.types.responses import response_create_params as responses

    return {
        "/v1/chat/completions": chat.CompletionCreateParamsNonStreaming,
        "/v1/completions": gpt.completion_create_params.CompletionCreateParamsNonStreaming,
        "/v1/responses": responses.ResponseCreateParamsNonStreaming,
        "/v1/embeddings": gpt.EmbeddingCreateParams,
        "/v1/moderations": gpt.ModerationCreateParams,
        "/v1/images/generations": gpt.image_generate_params.ImageGenerateParamsNonStreaming,
        "/v1/messages": claude.message_create_params.MessageCreateParamsNonStreaming,
        "/v1/messages?beta=true": claude_beta.message_create_params.MessageCreateParamsNonStreaming,
        "/v1/messages/count_tokens": claude.MessageCountTokensParams,
    }


@cache
def hints(kind):
    """Fields of a typed dictionary and their types."""
    return typing.get_type_hints(kind)


@cache
def discriminators(kind):
    """What says which dictionary it is: fields of one word."""
    found = {}
    for name, hint in hints(kind).items():
        first = alternatives(hint)[0]
        if typing.get_origin(first) is typing.Literal and name in ("type", "role", "object"):
            found[name] = typing.get_args(first)[0]
    return found


def alternatives(hint):
    """What a type may be."""
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing.NotRequired, typing.Annotated):
        return alternatives(typing.get_args(hint)[0])
    if origin in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(hint) for kind in alternatives(part)]
    return [hint]


def planted(hint, way=(), above=()):  # noqa: C901 - one branch for each kind of type
    """Ways into a value of this type, and the value with something planted there."""
    for kind in alternatives(hint):
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if kind is str or origin is typing.Literal:
            yield (*way, "str"), MAIL
        elif kind in (int, float) or kind is bool or kind is type(None):
            yield (*way, "number"), CARD
        elif hasattr(kind, "__required_keys__"):
            if above.count(kind) or len(way) > DEEPEST:
                continue
            for name, field in hints(kind).items():
                for inner, value in planted(field, (*way, f"{kind.__name__}.{name}"), (*above, kind)):
                    yield inner, {**discriminators(kind), name: value}
        elif origin in (list, collections.abc.Iterable, collections.abc.Sequence, tuple):
            for inner, value in planted(args[0], (*way, "[]"), above):
                yield inner, [value]
        elif origin in (dict, collections.abc.Mapping):
            yield (*way, "key"), {MAIL: "x"}
            for inner, value in planted(args[1], (*way, "{}"), above):
                yield inner, {"a": value}
        elif kind is object:
            yield (*way, "key"), {MAIL: {"a": CARD, "b": [json.dumps({"c": MAIL})]}}
            yield (*way, "str"), MAIL
            yield (*way, "number"), CARD


def fields(kind):
    """Each way once."""
    found = {}
    for way, value in planted(kind):
        found.setdefault(way, value)
    return found


def sent(path, body):
    """What the upstream would get."""
    document = parse(RULE, path, "application/json", "", json.dumps(body).encode())
    assert sum(end - start for start, end, _ in document.regions()) == len(document.body)
    return document.replace(ANONYMIZER.anonymize(document.segments, body=document.body).edits)


VALUES = {
    "mail": "jane.doe@example.com",
    "ssn": "SSN: 536-22-1845",
    "card": "card 4111 1111 1111 1111",
    "iban": "IBAN DE89 3704 0044 0532 0130 00",
    "phone": "phone +1 415 555 0132",
    "password": "password: hunter2hunter2",
}
TELLING = ("jane.doe", "536-22-1845", "4111 1111", "3704 0044", "415 555", "hunter2hunter2")
SPELLINGS = {
    "plain": str,
    "json": lambda text: json.dumps({"note": text}),
    "json twice": lambda text: json.dumps([json.dumps({"note": text})]),
    "escaped": lambda text: json.dumps(f"INFO:\n{text}\n")[1:-1],
    "escaped twice": lambda text: json.dumps(json.dumps(f"INFO:\n{text}\n")[1:-1])[1:-1],
    "repr": lambda text: repr({"note": f"a\n{text}"}),
    "percent": lambda text: "https://x.example/?q=" + quote(text),
    "form": lambda text: "https://x.example/?q=" + quote_plus(text),
    "entities": lambda text: "<p>" + "".join(f"&#{ord(c)};" if c in "@.- :" else c for c in text) + "</p>",
    "mail": lambda text: quopri.encodestring(f"Content-Type: x\n\n=C3=BC {text}".encode(), quotetabs=True).decode(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in a text": lambda text: f"see {base64.b64encode(f'the {text} of it'.encode()).decode()} there",
    "data url": lambda text: "data:text/plain;base64," + base64.b64encode(text.encode()).decode(),
}
CARRIERS = {
    "content": lambda text: {"messages": [{"role": "user", "content": text}]},
    "part": lambda text: {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
    "system": lambda text: {"system": [{"type": "text", "text": text}], "messages": []},
    "tool result": lambda text: {"messages": [{"role": "tool", "tool_call_id": "1", "content": text}]},
    "arguments": lambda text: {"messages": [{"tool_calls": [{"function": {"arguments": json.dumps({"x": text})}}]}]},
    "input": lambda text: {
        "messages": [{"content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"x": [text]}}]}]
    },
    "description": lambda text: {"tools": [{"function": {"name": "f", "description": text}}]},
    "enum": lambda text: {"tools": [{"function": {"parameters": {"properties": {"a": {"enum": [text]}}}}}]},
    "format": lambda text: {"text": {"format": {"type": "json_schema", "schema": {"description": text}}}},
    "metadata": lambda text: {"metadata": {"x": text}},
    "unknown": lambda text: {"x_new_field": {"x": [{"y": text}]}},
    "file": lambda text: {"messages": [{"content": [{"type": "file", "file": {"file_data": text}}]}]},
}
FLOOR = 1.0
"""Share of these that do not reach the upstream in any spelling that this test knows how to read."""


READERS = (
    unescape,
    unquote_plus,
    lambda text: text.encode().decode("unicode_escape"),
    lambda text: quopri.decodestring(text).decode(),
)


def read_again(text, depth=2):
    """All that a reader may make of a text."""
    yield text
    if depth:
        for reader in (
            unescape,
            unquote_plus,
            lambda t: t.encode().decode("unicode_escape"),
            lambda t: quopri.decodestring(t).decode(),
        ):
            with suppress(ValueError):
                yield from read_again(reader(text), depth - 1) if reader(text) != text else ()
        for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
            with suppress(ValueError):
                yield from read_again(base64.b64decode(run + "=" * (-len(run) % 4)).decode(), depth - 1)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_value_leaks_wherever_it_stands(spelling):
    """Six values in each spelling at twelve places."""
    leaks = []
    for carrier, carry in CARRIERS.items():
        for name, value in VALUES.items():
            upstream = sent("/v1/chat/completions", carry(SPELLINGS[spelling](value))).decode()
            if any(telling in reading for reading in read_again(upstream) for telling in TELLING):
                leaks.append((carrier, name))
    assert 1 - len(leaks) / (len(CARRIERS) * len(VALUES)) >= FLOOR, leaks


def contents(content):
    """A tool's result as the upstream gets it."""
    return json.loads(sent("/v1/chat/completions", {"messages": [{"role": "tool", "content": content}]}))["messages"][
        0
    ]["content"]


@pytest.mark.skipif(not CASES.exists(), reason="the data is not beside this checkout")
def test_json_in_a_text_is_masked_as_the_text_itself():
    """Each text of the reported cases, plain, in JSON, and in JSON in JSON: what the upstream reads is the same."""
    rows = [json.loads(line)["text"] for line in CASES.read_text(encoding="utf-8").splitlines()]
    for text in rows:
        plain = contents(text)
        assert json.loads(contents(json.dumps({"text": text}))) in ({"text": plain}, {"text": _as_json(plain)}), text[
            :20
        ]
        twice = json.dumps({"a": json.dumps([text], ensure_ascii=False)})
        assert json.loads(json.loads(contents(twice))["a"]) in ([plain], [_as_json(plain)])
        json.loads(contents("log: " + json.dumps(text))[5:])  # through escapes, and none of them is broken
    assert len(rows) > 300


def _as_json(text):
    with suppress(ValueError):
        return json.loads(text)
    return text


@pytest.mark.parametrize("path", list(requests()))
def test_every_field_of_a_typed_request(path):
    """Masked, or refused by name: 100 % of the fields, and some hundreds at least."""
    outcomes = Counter()
    leaks = []
    for way, body in fields(requests()[path]).items():
        try:
            upstream = sent(path, body)
        except (OutOfRangeError, PersonalNumberError):
            outcomes["refused"] += 1
            continue
        name = ".".join(way)
        if MAIL.encode() in upstream or str(CARD).encode() in upstream:
            leaks.append(name)
        outcomes["masked"] += 1
        json.loads(upstream)
    assert sorted(leaks) == sorted(name for name in NOT_MASKED if name in leaks), (len(leaks), outcomes)
    assert outcomes["masked"] >= LEAST.get(path, 5), outcomes
