"""JSON that a model writes stays JSON when originals are put back, whatever is in them and however deep it stands."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.payload import response_editor
from extproc.pii.vault import Vault
from tests.unit.restoring import restored

RULE = Intercept(path_prefix="/v1/")
VALUES = [
    'Robert "Bob" Miller',
    "1 Elm St\nSpringfield\t\\ USA",
    "Zoë \u2028 \x01",
    "C:\\new\\table",
    "plain@example.org",
]


def filled():
    """A vault with awkward values, and a number."""
    vault = Vault()
    for value in VALUES:
        vault.placeholder("PERSON", value)
    vault.placeholder("CREDIT_CARD", "4111111111111111", number=True)
    return vault


def edit(vault, data, sizes=(), content_type="application/json", rule=RULE, path=""):
    """What leaves for a body that comes in chunks of these sizes, then the rest."""
    editor = response_editor(rule, content_type, "", vault.restorer, path)
    out = b""
    for size in sizes:
        out += editor.feed(data[:size])
        data = data[size:]
    return out + editor.feed(data, end=True)


def nested(value, depth):
    """JSON in a string of JSON, and so on."""
    for _ in range(depth):
        value = {"inner": json.dumps(value)}
    return json.dumps(value)


def unnested(text, depth):
    """Back again."""
    value = json.loads(text)
    for _ in range(depth):
        value = json.loads(value["inner"])
    return value


MASKED = {f"n{i}": f"[PERSON_{i}] and [PERSON_{i}]" for i in range(1, len(VALUES) + 1)}
RESTORED = {f"n{i}": f"{value} and {value}" for i, value in enumerate(VALUES, 1)}


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_whole_answers(depth, size):
    """Structured output as the content of a chat, at any depth."""
    body = json.dumps({"choices": [{"message": {"content": nested(MASKED, depth)}}]}).encode()
    out = edit(filled(), body, [size] * (len(body) // size))
    assert unnested(json.loads(out)["choices"][0]["message"]["content"], depth) == RESTORED


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("piece", [1, 3, 17, 1000])
def test_streamed(depth, piece):
    """The same in deltas, cut anywhere: within placeholders, and within escapes."""
    said = nested(MASKED, depth)
    stream = b"".join(
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": {"content": said[i : i + piece]}}]}).encode()
        + b"\n\n"
        for i in range(0, len(said), piece)
    )
    out = edit(filled(), stream, content_type="text/event-stream")
    heard = [json.loads(block[6:])["choices"][0]["delta"]["content"] for block in out.decode().split("\n\n")[:-1]]
    assert unnested("".join(heard), depth) == RESTORED


FENCED = 'Here you are:\n```json\n{"name": "[PERSON_1]",\n "at": ["[PERSON_2]"]}\n```\nBye, [PERSON_1].'


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_json_within_prose(size):
    """JSON that begins a line is JSON, and prose around it is prose."""
    body = json.dumps({"content": [{"type": "text", "text": FENCED}]}).encode()
    text = json.loads(edit(filled(), body, [size] * (len(body) // size)))["content"][0]["text"]
    before, inner, after = text.partition("```json\n")[0], text.split("```json\n")[1].split("\n```")[0], text[-26:]
    assert json.loads(inner) == {"name": VALUES[0], "at": [VALUES[1]]}
    assert before == "Here you are:\n"
    assert after.endswith(f"Bye, {VALUES[0]}.")


@pytest.mark.parametrize(
    "text", ["[PERSON_1] said", '"[PERSON_1]" said', "- [PERSON_1]\n- x", "[[PERSON_1]]", "{[PERSON_1]}"]
)
def test_prose_is_not_escaped(text):
    """What only looks a little like JSON is text."""
    body = json.dumps({"content": [{"type": "text", "text": text}]}).encode()
    edited = json.loads(edit(filled(), body, [1] * len(body)))["content"][0]["text"]
    assert edited == text.replace("[PERSON_1]", VALUES[0])


def test_keys_and_numbers():
    """Keys of a tool's input are restored, and a string that was a number is one again; elsewhere it stays a string."""
    free = {"[PERSON_1]": {"card": "[CREDIT_CARD_1]", "text": "card [CREDIT_CARD_1]"}, "l": ["[CREDIT_CARD_1]"]}
    expected = {VALUES[0]: {"card": 4111111111111111, "text": "card 4111111111111111"}, "l": [4111111111111111]}
    message = {
        "type": "message",
        "content": [
            {"type": "tool_use", "id": "t", "name": "share", "input": free},
            {"type": "text", "text": "[CREDIT_CARD_1]"},
        ],
        "choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": json.dumps(free)}}]}}],
    }
    body = json.dumps(message).encode()
    for size in (1, 7, 10_000):
        out = json.loads(edit(filled(), body, [size] * (len(body) // size)))
        assert out["content"][0]["input"] == expected
        assert out["content"][1]["text"] == "4111111111111111"
        assert json.loads(out["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == expected


def test_numbers_of_any_api():
    """JSON of an application: a number comes back as one; the text of a part, as MCP has it, stays text."""
    rule = Intercept(path_prefix="/v1/")
    body = b'{"card": "[CREDIT_CARD_1]", "result": {"content": [{"type": "text", "text": "[CREDIT_CARD_1]"}]}}'
    expected = b'{"card": 4111111111111111, "result": {"content": [{"type": "text", "text": "4111111111111111"}]}}'
    for size in (1, 7, 1000):
        assert edit(filled(), body, [size] * (len(body) // size), rule=rule, path="/v1/mcp") == expected


def test_arguments_in_deltas():
    """Keys and numbers of arguments that are streamed."""
    arguments = json.dumps({"[PERSON_1]": "[CREDIT_CARD_1]", "to": ["[PERSON_2]"]})
    for piece in (1, 4, 100):
        stream = b"".join(
            b"data: "
            + json.dumps(
                {
                    "type": "content_block_delta",
                    "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": arguments[i : i + piece]},
                }
            ).encode()
            + b"\n\n"
            for i in range(0, len(arguments), piece)
        )
        out = edit(filled(), stream, content_type="text/event-stream").decode().split("\n\n")[:-1]
        heard = "".join(json.loads(block[6:])["delta"]["partial_json"] for block in out)
        assert json.loads(heard) == {VALUES[0]: 4111111111111111, "to": [VALUES[1]]}


LEAF = (
    st.sampled_from(["[PERSON_1]", "x [PERSON_2] y", 'he said "[PERSON_1]"', "\\[PERSON\\_4]", "", "[", "é\n"])
    | st.integers()
)
TREE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=6
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("kl"), TREE, min_size=1), st.integers(0, 3), st.data(), st.booleans())
def test_any_json_stays_json(value, depth, data, ascii_only):
    """Whatever a model writes as JSON is JSON for the client, with the same shape."""
    text = nested(value, depth) if depth else json.dumps(value, ensure_ascii=ascii_only)
    body = json.dumps({"choices": [{"message": {"content": text}}]}, ensure_ascii=ascii_only).encode()
    sizes = data.draw(st.lists(st.integers(1, 40), max_size=6))
    content = json.loads(edit(filled(), body, sizes))["choices"][0]["message"]["content"]

    def whole(item):
        if isinstance(item, str):
            return restored(filled(), item)
        if isinstance(item, list):
            return [whole(one) for one in item]
        return {key: whole(one) for key, one in item.items()} if isinstance(item, dict) else item

    assert unnested(content, depth) == whole(value)
