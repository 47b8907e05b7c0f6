"""JSON bodies are edited in place: what does not change stays, to the last space."""

import base64
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import BodyTooLargeError, UnreadableBodyError
from extproc.payload import parse
from extproc.payload.json_body import JsonDocument
from extproc.payload.request_schemas import LLM
from extproc.payload.tree import EVERY, paths_tree

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2).decode()
SIGNATURE = base64.b64encode(bytes(range(256))).decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(256)) * 2).decode()
JSON = Intercept(path="/t", payload="json")
OPENAI = Intercept(path_prefix="/v1/", payload="openai")


def texts(document):
    """Path -> text."""
    return {segment.path: segment.text for segment in said(document)}


def said(document, kind="text"):
    """The segments of one kind."""
    return [segment for segment in document.segments if segment.kind == kind]


def changed(document, *changes, model=None):
    """The body with these changes of its texts, in order."""
    left = iter(changes)
    return document.replace([next(left) if s.kind == "text" else None for s in document.segments], model=model)


def test_only_the_edited_span_changes():
    """White space, number spelling, duplicate keys, key order and escapes outside of the edit stay as they came."""
    body = b' {"n": 1.0E+2 ,"a" :"caf\\u00e9 \\/ ada@x.org \\ud83d\\ude00" , "a":"b","z":[ ] }\n'
    document = JsonDocument(body, EVERY)
    assert texts(document) == {"$.a": "b"}  # the later of two equal keys
    assert [segment.text for segment in document.segments] == ["café / ada@x.org 😀", "b"]
    out = document.replace([[(7, 16, '[E_1]"')], None])
    assert body.replace(b"ada@x.org", b'[E_1]\\"') == out


def test_nothing_to_change_is_the_very_body():
    """Without changes the same object comes back: no copy."""
    body = b'{"a": "x"}'
    assert JsonDocument(body, EVERY).replace([None]) is body
    assert JsonDocument(body, EVERY).replace([[]]) is body


def test_whole_texts_may_be_given():
    """A new text instead of edits is escaped for where it lands."""
    assert JsonDocument(b'{"a": "x"}', EVERY).replace(['q" \\ \n é']) == b'{"a": "q\\" \\\\ \\n \xc3\xa9"}'


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
    st.booleans(),
    st.sampled_from([None, 0, 1]),
)
def test_any_json(value, ascii_only, indent):
    """Any JSON in any spelling: every non-empty string value is found, and upper-casing them equals doing it before."""

    def upper(v):
        if isinstance(v, str):
            return v.upper()
        if isinstance(v, list):
            return [upper(x) for x in v]
        return {k: upper(x) for k, x in v.items()} if isinstance(v, dict) else v

    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    document = JsonDocument(body, EVERY)
    out = document.replace([segment.text.upper() for segment in document.segments])
    assert upper(value) == json.loads(out)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,}',
        b"[1,]",
        b"[,1]",
        b"{,}",
        b"[1 2]",
        b'{"a" 1}',
        b"{1:2}",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"1e",
        b"- 1",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"nul",
        b"True",
        b"'a'",
        b'"a',
        b'"\x01"',
        b'"\t"',
        b'"\\x"',
        b'"\\u12g4"',
        b'["a"}',
        b'{"a":1]',
        b"[1]]",
        b"[1] x",
        b'{"a":1}{"b":2}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xff\xfe[\x00]\x00",
        b"\x00\x00\x00[",
        b"/* */ 1",
        b"[[1]",
        b'{"a":{"b":"c"}',
    ],
)
def test_what_is_no_json_is_refused(body):
    """Refused with a position, as json.loads would, and without quoting the body."""
    with pytest.raises(UnreadableBodyError, match="body") as caught:
        JsonDocument(body, EVERY)
    assert "\\" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf[1]",
        b'"a"',
        b"12",
        b"null",
        b"[]",
        b"{ }",
        b"[[],{}]",
        b"[1,2,3]",
        b"1e999",
        b"9" * 5000,
        b'[1,"a",2,{"b":[]}]',
    ],
)
def test_odd_json_passes(body):
    """A BOM, lone values, huge numbers: read and left alone."""
    assert body is JsonDocument(body, EVERY).replace([None] * len(JsonDocument(body, EVERY).segments))


def test_lone_surrogates_stay_as_they_are():
    """Half of a pair reads as U+FFFD, and is written back as it came."""
    document = JsonDocument(b'["\\ud800x ada"]', EVERY)
    assert document.segments[0].text == "\ufffdx ada"
    assert document.replace([[(3, 6, "[A_1]")]]) == b'["\\ud800x [A_1]"]'


def test_deep_nesting_is_refused_not_crashed_on():
    """100,000 levels are an error, 5,000 are not, and neither recurses."""
    assert JsonDocument(b"[" * 5000 + b"]" * 5000, EVERY).segments == []
    with pytest.raises(UnreadableBodyError, match="nested deeper"):
        JsonDocument(b"[" * 100_000 + b"]" * 100_000, EVERY)
    with pytest.raises(UnreadableBodyError, match="nested deeper"):
        JsonDocument(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, EVERY)


def test_many_tiny_texts_are_refused():
    """A body of a million strings would keep the recognizers busy for seconds."""
    with pytest.raises(BodyTooLargeError, match="texts"):
        JsonDocument(b"[" + b'"a",' * 210_000 + b'"a"]', EVERY)


def test_memory_stays_below_three_bodies():
    """Embeddings and long texts: reading and rewriting takes less than three times the body."""
    numbers = b",".join([b"-0.0123456789"] * 150_000)
    body = b'{"input": "ada ' + b"x y " * 400_000 + b'", "embedding": [' + numbers + b"]}"
    tracemalloc.start()
    document = parse(OPENAI, "/v1/embeddings", "application/json", "", body)
    out = document.replace([[(0, 3, "[A_1]")]])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(out) == len(body) + 2
    assert peak < 3 * len(body)


def test_chat():
    """Every role, string and parts; arguments one level down; tools by what they say; names and ids as identifiers."""
    arguments = json.dumps({"to": 'a"b', "n": 5, "nested": {"l": ["x"]}})
    body = json.dumps(
        {
            "model": "gpt",
            "stream": True,
            "user": "u-1",
            "tools": [{"function": {"name": "send", "description": "what it does"}}],
            "messages": [
                {"role": "system", "content": "sys"},
                {
                    "role": "user",
                    "name": "n",
                    "content": [
                        {"type": "text", "text": "look"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
                        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "sent"},
            ],
        }
    ).encode()
    document = parse(OPENAI, "/v1/chat/completions", "application/json", "", body)
    assert texts(document) == {
        "$.user": "u-1",
        "$.tools[0].function.description": "what it does",
        "$.messages[0].content": "sys",
        "$.messages[1].content[0].text": "look",
        "$.messages[2].tool_calls[0].function.arguments.to": 'a"b',
        "$.messages[2].tool_calls[0].function.arguments.nested.l[0]": "x",
        "$.messages[3].content": "sent",
    }
    assert (document.model, document.stream, document.intent_text) == ("gpt", True, "look")
    assert [s.text for s in said(document, "identifier")] == ["gpt", "send", "n", "call_1"]
    assert [s.text for s in said(document, "key")] == ["to", "n", "nested", "l"]
    assert [s.role for s in said(document)] == [None, None, "system", "user", "assistant", "assistant", "tool"]
    out = json.loads(changed(document, None, None, None, None, "[A_1]", [(0, 1, '"')], None, model="phi"))
    arguments = json.loads(out["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"to": "[A_1]", "n": 5, "nested": {"l": ['"']}}
    assert out["model"] == "phi"


def test_arguments_that_are_no_json_are_a_text():
    """What a small model wrote as arguments may be cut off: then it is masked as text."""
    body = b'{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\\"to\\": \\"ada"}}]}]}'
    document = JsonDocument(body, LLM)
    assert [segment.text for segment in document.segments] == ['{"to": "ada']
    assert body.replace(b"ada", b"[A_1]") == document.replace([[(8, 11, "[A_1]")]])


def test_anthropic():
    """Blocks, tool inputs and results, documents; not: sources in base64, thinking signatures."""
    body = json.dumps(
        {
            "model": "claude",
            "system": [{"type": "text", "text": "sys"}],
            "metadata": {"user_id": "u"},
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "t", "name": "f", "input": {"id": "x", "q": "y"}},
                        {"type": "thinking", "thinking": "hm", "signature": SIGNATURE},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
                        {
                            "type": "document",
                            "source": {"type": "text", "media_type": "text/plain", "data": "doc text"},
                        },
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        },
                    ],
                },
            ],
        }
    ).encode()
    document = parse(Intercept(path="/v1/messages"), "/v1/messages", "application/json", "", body)
    assert [segment.text for segment in said(document)] == ["sys", "u", "hi", "x", "y", "hm", "r", "doc text"]
    assert document.unsearched == {"opaque": len(SIGNATURE), "image": len(PNG)}
    assert document.intent_text == "hi"


@pytest.mark.parametrize(
    ("path", "body", "found", "intent"),
    [
        ("/v1/completions", {"prompt": "p", "suffix": "s"}, ["p", "s"], "p"),
        ("/v1/completions", {"prompt": ["p", "q"], "max_tokens": 5}, ["p", "q"], "p"),
        ("/v1/completions", {"prompt": [1, 2, 3]}, [], ""),
        ("/v1/embeddings", {"input": ["e", "f"], "encoding_format": "float"}, ["e", "f"], "e"),
        ("/v1/responses", {"instructions": "i", "input": "q", "text": {"format": {"name": "n"}}}, ["i", "q"], "q"),
        (
            "/v1/responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "q"}]},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": "b"}'},
                    {"type": "function_call_output", "call_id": "c", "output": "o"},
                ]
            },
            ["q", "b", "o"],
            "q",
        ),
    ],
)
def test_other_apis(path, body, found, intent):
    """Completions, embeddings and responses."""
    document = parse(Intercept(path_prefix="/"), path, "application/json", "", json.dumps(body).encode())
    assert found == [segment.text for segment in said(document)]
    assert intent == document.intent_text


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (("$.t.s",), ["S"]),
        (("$.t",), ["S", "B", "X"]),
        (("$.l[*].v",), ["1", "2"]),
        (("$..v",), ["1", "2", "3"]),
        (("$.*",), ["S", "B", "X", "1", "2", "3"]),
        (("$.t['b c']",), ["B"]),
        (("$.nope",), []),
        (("$..[*]",), ["X", "1", "2"]),
        ((), ["S", "B", "X", "1", "2", "3"]),
    ],
)
def test_paths(paths, found):
    """The texts that JSONPaths select: strings, or all strings inside."""
    body = json.dumps({"t": {"s": "S", "b c": "B", "x": ["X"]}, "l": [{"v": "1"}, {"v": "2"}], "v": "3"}).encode()
    assert found == [segment.text for segment in said(JsonDocument(body, paths_tree(paths)))]


def test_escaped_keys_are_the_same_keys():
    r"""`mess\u0061ges` is `messages` to the upstream, and so it is here."""
    body = b'{"mess\\u0061ges":[{"r\\u006fle":"user","c\\u006fntent":"x"}],"m\\u006fdel":"m"}'
    document = JsonDocument(body, LLM)
    assert (document.model, document.segments[0].text, document.segments[0].role) == ("m", "x", "user")


def test_intent_from():
    """A path says which text decides the intent."""
    rule = Intercept(path="/t", payload="json", texts=("$.subject", "$.body"), intent_from="$.body")
    document = parse(rule, "/t", "application/json", "", b'{"subject": "s", "body": "b", "id": "i"}')
    assert (document.intent_text, [segment.text for segment in document.segments]) == ("b", ["s", "b"])


def test_intent_from_a_text_that_is_not_masked():
    """The intent may come from a text outside of `texts`: it is read, and left alone."""
    rule = Intercept(path="/t", payload="json", texts=("$.subject",), intent_from="$.body")
    document = parse(rule, "/t", "application/json", "", b'{"body": "b", "subject": "s"}')
    assert (document.intent_text, [segment.text for segment in document.segments]) == ("b", ["s"])


def test_lines():
    """NDJSON: each line is a body of its own."""
    body = b'{"a":"x"}\n{"a":"y"}\r\n\n{"a":"z"}'
    document = parse(Intercept(path_prefix="/"), "/bulk", "application/x-ndjson", "", body)
    assert [segment.path for segment in said(document)] == ["$[0].a", "$[1].a", "$[2].a"]
    assert body.replace(b'"y"', b'"[Y_1]"') == changed(document, None, "[Y_1]", None)
