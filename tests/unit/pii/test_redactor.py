"""Answers: what the model utters of its own is masked, what the request held is not."""

import json
import re

import pytest

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.payload import Segment, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, RecognizerResult, Redactor
from tests.unit.restoring import Answer

SETTINGS = PiiSettings(entities={"PHONE_NUMBER": {"operator": "mask", "keep_last": 2}})
FINDS = {
    "CREDIT_CARD": r"\b\d{4}(?: \d{4}){3}\b",
    "PHONE_NUMBER": r"\+1(?: \d+){3}",
    "PRIVATE_KEY": r"-----BEGIN [^-]+-----[^-]*-----END [^-]+-----",
}


def simple(text, _key):
    """A few types, so that these tests do not depend on how good recognition is."""
    for entity_type, pattern in FINDS.items():
        for match in re.finditer(pattern, text):
            yield RecognizerResult(entity_type, *match.span(), 1.0)


ANALYZER = Analyzer(SETTINGS, extra=[simple])
REDACTOR = Redactor(SETTINGS, ANALYZER)


@pytest.fixture
def vault():
    """Of a request with one address, which is `[EMAIL_ADDRESS_1]`."""
    return Anonymizer(SETTINGS, ANALYZER).anonymize([Segment("I am ada@example.org")]).vault


def whole(vault, text, size, **how):
    """What leaves of a text that comes in pieces of one size; and the most that was held back."""
    editor = Answer(AnswerEditors(vault, REDACTOR, **how)())
    out, held = "", 0
    for i in range(0, len(text), size):
        out += editor.feed(text[i : i + size])
        held = max(held, editor.held)
    return out + editor.close(), held


CASES = [
    ("Write to eve@evil.org now", "Write to [EMAIL_ADDRESS] now"),
    ("[EMAIL_ADDRESS_1] or eve@evil.org", "ada@example.org or [EMAIL_ADDRESS]"),
    ("you said ada@example.org, ADA@example.org", "you said ada@example.org, ADA@example.org"),
    ("card 4111 1111 1111 1111.", "card [CREDIT_CARD]."),
    ("call +1 212 555 0142 or", "call *************42 or"),
    ("写信给 eve@evil.org 吧", "写信给 [EMAIL_ADDRESS] 吧"),
    ("no data here, only 12 words of prose", "no data here, only 12 words of prose"),
    ("eve@evil.org", "[EMAIL_ADDRESS]"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_texts(vault, text, expected, size):
    """However the text is cut, the outcome is that of the whole text."""
    assert (expected, True) == ((result := whole(vault, text, size))[0], result[1] <= 25)


def test_only_a_word_is_held(vault):
    """Prose runs at most one word late."""
    editor = Answer(AnswerEditors(vault, REDACTOR)())
    assert editor.feed("The quick brown fo") == "The quick brown "
    assert editor.held == 2
    assert editor.feed("x ") == "fox "


def test_restoring_may_be_off(vault):
    """Redaction alone leaves placeholders as they are."""
    assert whole(vault, "[EMAIL_ADDRESS_1] eve@evil.org", 4, restore=False)[0] == "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS]"


def test_key_blocks_are_held_whole(vault):
    """A private key of many lines leaves masked, or not at all."""
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEF\n" * 5 + "-----END PRIVATE KEY-----"
    out, _ = whole(vault, f"Here: {key}\nDone.", 7)
    assert "MIIE" not in out
    assert out.startswith("Here: ") and out.endswith("Done.")  # noqa: PT018


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_json_and_streams(vault, size):
    """In JSON answers and in streams; never in ids; nested escapes are no letters of an address."""
    rule = Intercept(path_prefix="/v1/", redact_output=True)
    arguments = json.dumps({"to": "mail:\neve@evil.org", "me": "[EMAIL_ADDRESS_1]"})
    body = json.dumps(
        {
            "id": "4111111111111111",
            "choices": [
                {
                    "message": {
                        "content": "eve@evil.org",
                        "tool_calls": [{"function": {"name": "f", "arguments": arguments}}],
                    }
                }
            ],
        }
    ).encode()
    editor = response_editor(rule, "application/json", "", AnswerEditors(vault, REDACTOR))
    out = b"".join(editor.feed(body[i : i + size]) for i in range(0, len(body), size)) + editor.feed(b"", end=True)
    answer = json.loads(out)
    assert answer["id"] == "4111111111111111"
    message = answer["choices"][0]["message"]
    assert message["content"] == "[EMAIL_ADDRESS]"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {
        "to": "mail:\n[EMAIL_ADDRESS]",
        "me": "ada@example.org",
    }

    words = ["Write ", "to e", "ve@ev", "il.org or [EMAIL", "_ADDRESS_1", "] today"]
    stream = b"".join(b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % word.encode() for word in words)
    stream += b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    editor = response_editor(rule, "text/event-stream", "", AnswerEditors(vault, REDACTOR))
    out = b"".join(editor.feed(stream[i : i + size]) for i in range(0, len(stream), size)) + editor.feed(b"", end=True)
    blocks = [block.removeprefix(b"data: ") for block in out.split(b"\n\n")[:-2]]
    text = "".join(json.loads(block)["choices"][0]["delta"].get("content", "") for block in blocks)
    assert text == "Write to [EMAIL_ADDRESS] or ada@example.org today"


def test_what_the_request_said_is_no_news():
    """A value that the request held without being found there is not masked in the answer either."""
    said = "x-eve@evil.org-x"
    vault = (
        Anonymizer(PiiSettings(allow=("eve@evil.org",)), ANALYZER)
        .anonymize([Segment("no finding")], remember=True)
        .vault
    )
    assert whole(vault, "so eve@evil.org", 5)[0] == "so [EMAIL_ADDRESS]"
    vault.remember_texts([said])
    assert whole(vault, "so eve@evil.org", 5)[0] == "so eve@evil.org"


RULE = Intercept(path_prefix="/v1/", redact_output=True)


def called(vault, body, size):
    """The members of a tool's arguments, as they leave in pieces."""
    data = json.dumps({"choices": [{"message": {"tool_calls": [{"function": {"arguments": body}}]}}]}).encode()
    editor = response_editor(RULE, "application/json", "", AnswerEditors(vault, REDACTOR))
    out = b"".join(editor.feed(data[i : i + size]) for i in range(0, len(data), size)) + editor.feed(b"", end=True)
    arguments = json.loads(out)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    return json.loads(arguments if isinstance(arguments, str) else json.dumps(arguments), object_pairs_hook=list)


@pytest.mark.parametrize("size", [1, 9, 1000])
@pytest.mark.parametrize("spelled", [json.dumps, lambda value: value])
def test_keys_of_an_object_stay_as_many_as_they_were(vault, spelled, size):
    """Two that would become one are told apart, in each object on its own, and so are an original and its placeholder."""
    names = ["eve@evil.org", "bob@evil.org", "plain", 'mal"lory@evil.org or eve@evil.org', "[EMAIL_ADDRESS]"]
    inner = dict.fromkeys(names[:2], 1)
    sent = dict.fromkeys(names, 0) | {"ada@example.org": 1, "[EMAIL_ADDRESS_1]": inner, "tim@evil.org": 2}
    got = called(vault, spelled(sent), size)
    keys = [key for key, _ in got]
    assert keys[:3] == ["[EMAIL_ADDRESS]", "[EMAIL_ADDRESS] (2)", "plain"]
    assert len(set(keys)) == len(sent)
    assert not any("evil" in key for key in keys)
    assert [key for key, _ in dict(got)["ada@example.org (2)"]] == ["[EMAIL_ADDRESS]", "[EMAIL_ADDRESS] (2)"]


def test_very_many_keys_that_become_one(vault):
    """Each costs as much as the first."""
    got = called(vault, {f"u{i}@evil.org": i for i in range(3000)}, 10_000)
    assert len(dict(got)) == 3000
