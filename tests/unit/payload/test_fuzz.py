"""Nothing that a client or an upstream sends makes payload crash, hang, or change what it has no reason to."""

import base64
import os
from contextlib import suppress
from itertools import pairwise

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import BodyTooLargeError, OutOfRangeError, PersonalNumberError, UnreadableBodyError
from extproc.payload import parse, parse_query, response_editor
from extproc.pii import Vault

CASES = settings(
    max_examples=int(os.environ.get("INTENTMESH_FUZZ_CASES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
PIECES = st.sampled_from(
    [
        *(
            b'{"',
            b'":',
            b'"',
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b"\\",
            b"\\u",
            b"\\ud83d",
            b"\\ude00",
            b"00e9",
            b"data: ",
            b"data:",
            b"event: x",
        ),
        *(
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b"[DONE]",
            b"[EMAIL_ADDRESS_1]",
            b"[EMAIL",
            b"_ADDRESS_1]",
            b"EMAIL_ADDRESS_1",
            b"1.5e3",
            b"null",
        ),
        *(
            b'"choices":[{"index":0,"delta":{"content":"',
            b'"}}]}',
            b'"arguments":"',
            b'"messages":[{"role":"user","content":"',
            b"=",
            b"&",
            b"%5B",
        ),
        *(
            b"--B\r\n",
            b"--B--",
            b"Content-Disposition: form-data; name=a\r\n\r\n",
            b"\xef\xbb\xbf",
            b"\xff",
            b"\xc3",
            b"\xa9",
            b" ",
            b"\x00",
        ),
        *(b'"type":"content_block_delta"', b'"finish_reason":"stop"', b'"done":true', b'"index":', b'"output_index":'),
    ]
)
BYTES = st.lists(PIECES | st.binary(max_size=4), max_size=30).map(b"".join)
REQUEST_TYPES = [
    "",
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=B",
    "text/plain",
    "text/plain; charset=utf-16",
    "text/plain; charset=latin-1",
    "image/png",
]
ANSWER_TYPES = [
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "text/plain",
    "text/html; charset=latin-1",
    "image/png",
    "",
]
KINDS = ["auto", "openai", "anthropic", "json", "ndjson", "form", "text"]


def filled():
    """A vault whose value needs escaping."""
    vault = Vault()
    vault.placeholder("EMAIL_ADDRESS", 'a"\\\né@x')
    return vault


def through(vault, content_type, body, cuts):
    """What leaves."""
    editor = response_editor(Intercept(path_prefix="/"), content_type, "", vault.restorer)
    bounds = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    return b"".join(editor.feed(body[a:b]) for a, b in pairwise(bounds)) + editor.feed(b"", end=True)


@CASES
@given(BYTES, st.sampled_from(REQUEST_TYPES), st.sampled_from(KINDS), st.sampled_from(["/v1/chat/completions", "/x"]))
@example(b'{"input":[[', "application/json", "openai", "/v1/embeddings")
@example(base64.b64encode(b'{"role":"a"}'), "application/x-www-form-urlencoded", "auto", "/x")
def test_requests(body, content_type, kind, path):
    """Read or refused; what is read and not changed is the very body, and what is changed can be read again."""
    rule = Intercept(path_prefix="/", payload=kind)
    try:
        document = parse(rule, path, content_type, "", body)
    except (UnreadableBodyError, BodyTooLargeError, OutOfRangeError, PersonalNumberError):
        return
    assert document.replace([None] * len(document.segments)) is body
    assert isinstance(document.intent_text, str)
    out = document.replace(['"\\é[A_1]'] * len(document.segments), model="m")
    again = parse(rule, path, content_type, "", out)
    texts = [sum(segment.kind == "text" for segment in read.segments) for read in (document, again)]
    numbers = any(segment.number for segment in document.segments)
    assert numbers or texts[0] == texts[1]  # keys, names and numbers that became the same are one


@CASES
@given(BYTES, st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "x", ","]))
def test_encodings(body, encoding):
    """Anything that claims to be encoded is read or refused."""
    with suppress(UnreadableBodyError, BodyTooLargeError):
        parse(Intercept(path_prefix="/"), "/x", "text/plain", encoding, body)


@CASES
@given(BYTES, st.sampled_from(ANSWER_TYPES), st.lists(st.integers(0, 200), max_size=5))
def test_answers_without_placeholders_of_ours(body, content_type, cuts):
    """With nothing to restore, an answer passes byte by byte."""
    assert through(Vault(), content_type, body, cuts) == body


@CASES
@given(BYTES, st.sampled_from(ANSWER_TYPES), st.lists(st.integers(0, 200), max_size=5))
def test_answers(body, content_type, cuts):
    """Where placeholders stand, nothing crashes, and the cuts make no difference."""
    assert through(filled(), content_type, body, cuts) == through(filled(), content_type, body, ())


@CASES
@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_queries(target):
    """Any target is read, and stays as it is where nothing changes."""
    document = parse_query("/?" + target)
    assert document.replace([None] * len(document.segments)) == ("/?" + target).encode()
    document.replace(["[A_1]"] * len(document.segments))
