"""Wherever it stands and however it is spelled: no value reaches the upstream. One body of each kind through a real Envoy."""

import base64
import gzip
import json
import random

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL, SSN, CARD, PHONE = "jane.doe@example.com", "536-22-1845", "4111 1111 1111 1111", "+1 415 555 0132"
DIGITS = 4111111111111111
VALUES = [value.encode() for value in (MAIL, SSN, CARD, PHONE)] + [b"4111111111111111", b"jane.doe", b"hunter2hunter2"]
IN_URL = MAIL.replace("@", "%40")
LINES = f"SSN:\n{SSN}\nCard:\n{CARD}\nPhone:\n{PHONE}\nMail: {MAIL}"
CODED = base64.b64encode(LINES.encode()).decode()


def tool(content):
    """A chat in which a tool has answered."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    return {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": content},
        ]
    }


def asked(content):
    """A question."""
    return {"messages": [{"role": "user", "content": content}]}


def arguments(value):
    """A chat in which a tool was called."""
    body = tool("ok")
    body["messages"][1]["tool_calls"][0]["function"]["arguments"] = json.dumps(value)
    return body


def defined(**parameters):
    """A chat with a tool."""
    function = {"name": "send", "description": f"Sends as {MAIL}", "parameters": {"type": "object", **parameters}}
    return asked("hi") | {"tools": [{"type": "function", "function": function}]}


def entities(text):
    """As HTML."""
    return text.replace("@", "&#64;").replace(".", "&period;")


KINDS = {
    "json in a tool result": tool(json.dumps({"text": LINES})),
    "json in json in json": tool(json.dumps({"a": json.dumps({"b": json.dumps([LINES])})})),
    "a label in json in json": tool(json.dumps({"out": json.dumps({"password": "hunter2hunter2"})})),
    "escapes in a log": tool(f"INFO body={json.dumps({'text': LINES})} cut off {{"),
    "keys and numbers of arguments": arguments(
        {"acl": {MAIL: "write"}, "card_number": DIGITS, "n": [[4.111111111111111e15]]}
    ),
    "keys and numbers of metadata": asked("hi") | {"metadata": {MAIL: "x", "card": DIGITS}},
    "a participant's name": {"messages": [{"role": "user", "name": MAIL, "content": "hi"}]},
    "tools": defined(
        properties={MAIL: {"type": "string"}, "to": {"enum": [MAIL], "default": MAIL, "examples": [MAIL]}}
    ),
    "a response format": asked("hi")
    | {"response_format": {"type": "json_schema", "json_schema": {"name": MAIL, "schema": {"const": MAIL}}}},
    "the query of a picture": asked(
        [{"type": "image_url", "image_url": {"url": f"https://x.example/?m={MAIL.replace('@', '%40')}"}}]
    ),
    "fields that nobody knows": asked("hi")
    | {"x_new": {"deep": [MAIL, DIGITS]}, MAIL: 1, "id": MAIL, "status": MAIL, "format": MAIL},
    "a column": asked((CARD.replace(" ", "") + "\n") * 40),
    "a question after a picture": asked(f"data:image/png;base64,{'iVBORw0KGgo' + 'A' * 400} my card is {CARD}"),
    "base64 of a text": asked(CODED),
    "base64 in a text": asked(f"decode {CODED} for me"),
    "a file that is a text": asked([{"type": "file", "file": {"file_data": "data:text/plain;base64," + CODED}}]),
    "html": asked(f"<p>{entities(MAIL)}</p>"),
    "a url": asked(f"see https://x.example/?a={IN_URL}&b=1"),
    "mail": asked(f"Content-Transfer-Encoding: quoted-printable\n\nwrite to {MAIL.replace('@', '=40')} =\nnow"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_no_value_reaches_the_upstream(gateway, kind):
    """The request goes on, and what arrives is JSON without any of the values."""
    answer = await gateway.client.post("/v1/chat/completions", json=KINDS[kind])
    assert answer.status_code == 200
    (request,) = gateway.received
    arrived = request.body
    assert not any(value in arrived for value in VALUES)
    assert base64.b64encode(LINES.encode())[:40] not in arrived
    assert b"_1]" in arrived or kind.startswith(("base64 of", "a file"))
    json.loads(arrived)


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "image/png", "text/plain"])
@pytest.mark.parametrize("spelled", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "gzip"])
async def test_bodies_as_other_readers_read_them(gateway, spelled, content_type):
    """Marks, wide characters and compression that no header tells, under types that say that it is no JSON."""
    body = json.dumps(asked(f"I am {MAIL}"))
    data = gzip.compress(body.encode()) if spelled == "gzip" else body.encode(spelled)
    await gateway.client.post("/v1/chat/completions", content=data, headers={"content-type": content_type})
    assert gateway.received
    for request in gateway.received:  # our upstream does not read gzip, so that Envoy tries again
        arrived = gzip.decompress(request.body).decode() if spelled == "gzip" else request.body.decode(spelled)
        assert json.loads(arrived) == asked("I am [EMAIL_ADDRESS_1]")


async def test_multipart(gateway):
    """Fields of JSON, files of text, heads and what stands before the first boundary; in lines that end without CR."""
    parts = [
        'Content-Disposition: form-data; name="meta"\nContent-Type: application/json\n\n'
        + json.dumps({"to": MAIL, "card": DIGITS}),
        f'Content-Disposition: form-data; name="f"; filename="{MAIL}.txt"\n\nSSN: {SSN}',
    ]
    body = f"to {MAIL}\n" + "".join(f"--a;b\n{part}\n" for part in parts) + "--a;b--\n"
    headers = {"content-type": 'multipart/form-data; boundary="a;b"'}
    answer = await gateway.client.post("/v1/files", content=body.encode(), headers=headers)
    assert answer.status_code == 200
    (request,) = gateway.received
    assert not any(value in request.body for value in VALUES)
    assert request.body.count(b"--a;b") == 3


@pytest.mark.parametrize(
    ("key", "value"), [("seed", DIGITS), ("max_tokens", DIGITS), ("temperature", 4.2e15), ("prompt", [1, DIGITS])]
)
async def test_a_number_out_of_its_range_is_refused_by_name(gateway, key, value):
    """It can be neither masked there nor sent on."""
    answer = await gateway.client.post("/v1/chat/completions", json=asked("hi") | {key: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"`{key}` must be a number ")
    assert str(DIGITS) not in answer.text
    assert gateway.received == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (
            b'{"messages": [{"role": "user", "content": "jane.doe+AEA-example.com"}]}',
            {"content-type": "application/json; charset=utf-7"},
        ),
        (b"no json at all", {"content-type": "image/png"}),
    ],
    ids=["utf-7", "no json"],
)
async def test_what_two_readers_read_in_two_ways_is_refused(gateway, body, headers):
    """400 by name, and nothing goes on."""
    answer = await gateway.client.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == 400
    assert "the " in answer.json()["error"]["message"]
    assert gateway.received == []


MAGIC = {
    "png": b"\x89PNG\r\n\x1a\n",
    "mp4": b"\0\0\0\x20ftypisom",
    "mp3": b"ID3\4\0\0\0\0\0\0",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
}


@pytest.mark.parametrize("kind", MAGIC)
async def test_a_megabyte_of_data_passes(gateway, kind):
    """Byte by byte, in no more time than it takes to look at how it begins; the question beside it is masked."""
    data = base64.b64encode(MAGIC[kind] + random.Random(kind).randbytes(700_000)).decode()
    parts = [
        {"type": "text", "text": f"I am {MAIL}"},
        {"type": "file", "file": {"file_data": f"data:x/{kind};base64,{data}"}},
    ]
    answer = await gateway.client.post("/v1/chat/completions", json=asked(parts))
    assert answer.status_code == 200
    (request,) = gateway.received
    assert data.encode() in request.body
    assert b"I am [EMAIL_ADDRESS_1]" in request.body
