"""Whatever is asked and however it is echoed: the client receives what it would have received had nothing been masked.

Here are a few hundred cases of each property; `make round-trip` runs 24,000.
"""

import json
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Redactor
from extproc.pii.anonymizer import is_telling

CASES = int(os.environ.get("INTENTMESH_ROUND_TRIP_CASES", "150"))
SETTINGS = PiiSettings()
ANALYZER = Analyzer(SETTINGS)
ANONYMIZER = Anonymizer(SETTINGS, ANALYZER)
REDACTOR = Redactor(SETTINGS, ANALYZER)
ANY = Intercept(path_prefix="/")
APPLICATIONS = Intercept(path_prefix="/", payload="json")

ORIGINALS = ["ada@example.org", "bob.oneil+x@mail.example.co.uk", "Ada@Example.org"]
"""What any analyzer finds; what else it finds takes part all the same."""
NOISE = [
    *(
        "[EMAIL_ADDRESS_1]",
        "[email address 2]",
        "EMAIL_ADDRESS_3",
        "[",
        "]",
        "[EM",
        "_1",
        "\\",
        '"',
        "\n",
        "\u2028",
        "\r",
    ),
    *(
        "é",
        "😀",
        "\x00",
        "4111 1111 1111 1111",
        "+1 212 555 0142",
        "8.8.4.4",
        "DE89 3704 0044 0532 0130 00",
        "{}",
        "data: x",
    ),
]
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.lists(st.sampled_from([*ORIGINALS, *NOISE, " ", " or "]) | st.text(CHARACTERS, max_size=5), max_size=8).map(
    "".join
)
KEY = st.sampled_from(["content", "text", "to", "email", "[EMAIL_ADDRESS_1]"]) | st.text(CHARACTERS, max_size=4)
VALUE = st.recursive(
    TEXT | st.integers(-999, 999) | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=8,
)
SPELLING = st.sampled_from([{"ensure_ascii": True}, {"ensure_ascii": False}, {"indent": 1}])
ROUND_TRIP = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))


def pieces(data, whole):
    """A text or bytes, cut anywhere."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def received(editors, content_type, chunks):
    """What the client gets."""
    editor = response_editor(ANY, content_type, "", editors)
    return b"".join(editor.feed(chunk) for chunk in chunks) + editor.feed(b"", end=True)


def heard(stream, *way, eol="\n"):
    """What a client puts together of a stream's deltas."""
    text = ""
    for block in stream.decode().split(eol + eol)[:-1]:
        if block != "data: [DONE]":
            value = json.loads(block.removeprefix("data: "))["choices"][0]["delta"]
            for step in way:
                value = value.get(step, "") if isinstance(value, dict) else value[step]
            text += value
    return text


def masked(body, path="/any"):
    """The body that the upstream sees, and the vault. No original with a placeholder would be found in what is sent."""
    document = parse(ANY, path, "application/json", "", body)
    done = ANONYMIZER.anonymize(document.segments, body=document.body, remember=True)
    sent = document.replace(done.edits)
    for segment in parse(ANY, path, "application/json", "", sent).segments:
        for found in ANALYZER.analyze(segment.text, segment.key):
            value = segment.text[found.start : found.end]
            assert not is_telling(value) or value not in done.vault.originals.values()
    return sent, done.vault


@ROUND_TRIP
@given(VALUE, SPELLING, st.data(), st.booleans())
def test_any_body_echoed(value, spelling, data, redacting):
    """The upstream answers with the very body that it got: the client gets back what it sent.

    Byte by byte, but for a value that was masked: it may have been spelled with escapes that it does not need.
    """
    body = json.dumps(value, **spelling).encode()
    sent, vault = masked(body)
    editors = AnswerEditors(vault, REDACTOR) if redacting else vault.restorer
    out = received(editors, "application/json", pieces(data, sent))
    assert json.loads(out) == json.loads(body)
    if spelling == {"ensure_ascii": False} or not len(vault):
        assert out == body


ITEM = st.sampled_from([*ORIGINALS, "a", "to"]) | st.text(CHARACTERS, max_size=4)
NUMBERS = st.sampled_from([4111111111111111, 536221845, 12025550142, 7, 2**40]) | st.integers(0, 10**17)
APPLICATION = st.recursive(
    TEXT | NUMBERS | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ITEM, inner, max_size=4),
    max_leaves=8,
).map(lambda value: {"body": value})


@ROUND_TRIP
@given(APPLICATION, SPELLING, st.data())
def test_json_of_an_application_echoed(value, spelling, data):
    """Keys and numbers too: what was a number is one again."""
    body = json.dumps(value, **spelling).encode()
    document = parse(APPLICATIONS, "/any", "application/json", "", body)
    done = ANONYMIZER.anonymize(document.segments, body=document.body, remember=True)
    sent = document.replace(done.edits)
    editor = response_editor(APPLICATIONS, "application/json", "", done.vault.restorer)
    out = b"".join(editor.feed(piece) for piece in pieces(data, sent)) + editor.feed(b"", end=True)
    assert json.loads(out) == json.loads(body)


@ROUND_TRIP
@given(st.lists(TEXT, min_size=1, max_size=3), SPELLING, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_chat_streamed(texts, spelling, data, eol):
    """An upstream that streams the user's messages back: deltas cut anywhere, events cut anywhere."""
    body = json.dumps({"messages": [{"role": "user", "content": text} for text in texts]}, **spelling).encode()
    sent, vault = masked(body, "/v1/chat/completions")
    said = "\n".join(message["content"] for message in json.loads(sent)["messages"])
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces(data, said)]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    ascii_only = data.draw(st.booleans())
    stream = "".join(f"data: {json.dumps(event, ensure_ascii=ascii_only)}{eol}{eol}" for event in events)
    stream += f"data: [DONE]{eol}{eol}"
    out = received(vault.restorer, "text/event-stream", pieces(data, stream.encode()))
    assert heard(out, "content", eol=eol) == "\n".join(texts)
    assert out.endswith(f"data: [DONE]{eol}{eol}".encode())


@ROUND_TRIP
@given(st.dictionaries(st.sampled_from(["to", "body", "cc"]), TEXT, min_size=1), SPELLING, st.data())
def test_arguments_echoed(arguments, spelling, data):
    """A tool call of the history is made again with the same arguments: whole, and in deltas."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": json.dumps(arguments, **spelling)}}
    body = json.dumps({"messages": [{"role": "assistant", "tool_calls": [call]}]}).encode()
    sent, vault = masked(body, "/v1/chat/completions")
    out = json.loads(received(vault.restorer, "application/json", pieces(data, sent)))
    assert json.loads(out["messages"][0]["tool_calls"][0]["function"]["arguments"]) == arguments
    said = json.loads(sent)["messages"][0]["tool_calls"][0]["function"]["arguments"]
    deltas = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces(data, said)]
    stream = "".join(f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n" for delta in deltas)
    out = received(vault.restorer, "text/event-stream", pieces(data, stream.encode()))
    assert json.loads(heard(out, "tool_calls", 0, "function", "arguments")) == arguments


@ROUND_TRIP
@given(TEXT, st.data())
def test_text_echoed(text, data):
    """Plain text."""
    document = parse(ANY, "/any", "text/plain", "", text.encode())
    done = ANONYMIZER.anonymize(document.segments)
    assert received(done.vault.restorer, "text/plain", pieces(data, document.replace(done.edits))) == text.encode()


def test_the_analyzer_finds_the_originals():
    """The properties mean nothing unless something is masked."""
    for original in ORIGINALS:
        _, vault = masked(json.dumps([f"to {original} now"]).encode())
        assert list(vault.originals.values()) == [original]
