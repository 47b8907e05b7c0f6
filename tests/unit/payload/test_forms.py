"""Forms, queries, multipart, text, content-encodings, and which reader a body gets."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import BodyTooLargeError, UnreadableBodyError
from extproc.payload import parse, parse_query

ANY = Intercept(path_prefix="/")
FORM = "application/x-www-form-urlencoded"


def found(body, content_type="", path="/x", rule=ANY, **limits):
    """Label -> text of what is found."""
    return spoken(parse(rule, path, content_type, "", body, **limits))


def spoken(document):
    """Label -> text."""
    return {segment.key: segment.text for segment in document.segments if segment.kind == "text"}


def written(document, *changes):
    """The body with these changes of its texts, in order."""
    left = iter(changes)
    return document.replace([next(left) if segment.kind == "text" else None for segment in document.segments])


def test_form():
    """Values are texts, names are labels; only the edited characters are spelled anew."""
    body = b"name=Ada+L%c3%a9&mail=ada%40x.org&empty=&flag&b=%zz%"
    document = parse(ANY, "/form", FORM, "", body)
    assert {s.key: s.text for s in document.segments} == {"name": "Ada Lé", "mail": "ada@x.org", "b": "%zz%"}
    assert (
        document.replace([[(0, 3, "[P_1]")], "[E_1]", None])
        == b"name=%5BP_1%5D+L%c3%a9&mail=%5BE_1%5D&empty=&flag&b=%zz%"
    )
    assert body is document.replace([None, None, None])


def test_form_fields_by_name():
    """Only the named fields; the intent from one of them."""
    rule = Intercept(path="/f", payload="form", texts=("a", "b"), intent_from="b")
    document = parse(rule, "/f", FORM, "", b"a=1&b=2&c=3")
    assert [segment.text for segment in document.segments] == ["1", "2"]
    assert document.intent_text == "2"


PROSE = st.text(max_size=10).filter(lambda text: text.lstrip()[:1] not in ("[", "{", '"'))
"""What is no JSON, and so one text."""


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), PROSE), max_size=4), st.data())
def test_any_form(fields, data):
    """Replacing any span of any value is what replacing it before encoding would be."""
    from urllib.parse import parse_qsl, urlencode

    document = parse(Intercept(path="/f", payload="form"), "/f", FORM, "", urlencode(fields).encode())
    changes, expected = [], []
    for segment in document.segments:
        if segment.kind == "key":
            changes.append(None)
            continue
        start = data.draw(st.integers(0, len(segment.text)))
        end = data.draw(st.integers(start, len(segment.text)))
        changes.append([(start, end, "[É_1]")])
        expected.append(segment.text[:start] + "[É_1]" + segment.text[end:])
    out = parse_qsl(document.replace(changes).decode(), keep_blank_values=True)
    assert expected == [value for _, value in out if value]


def test_query():
    """Values of the query, not the path and not the fragment."""
    document = parse_query("/a=b/search?q=ada%40x.org%20now&k=1#f=2")
    assert {s.key: s.text for s in document.segments} == {"q": "ada@x.org now", "k": "1"}
    assert document.replace([[(0, 9, "[E_1]")], None]) == b"/a=b/search?q=%5BE_1%5D%20now&k=1#f=2"
    assert parse_query("/search").segments == []


MULTIPART = (
    b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nmail \xc3\xa9 ada@x.org\r\n'
    b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\xff\x00--B-\r\n"
    b"--B\r\ncontent-disposition: form-data; name=model\r\nContent-Type: text/plain\r\n\r\nwhisper\r\n--B--\r\n"
)


def test_multipart():
    """Fields are texts; files that are data pass; heads that say more than names are texts."""
    document = parse(ANY, "/v1/audio/transcriptions", 'multipart/form-data; boundary="B"', "", MULTIPART)
    assert [s.text for s in document.segments] == [
        "mail é ada@x.org",
        'Content-Disposition: form-data; name="f"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n',
        "whisper",
    ]
    assert document.unsearched == {"binary": 6}
    assert MULTIPART.replace(b"ada@x.org", b"[\xc3\x89_1]") == document.replace([[(7, 16, "[É_1]")], None, None])


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"--B\r\n",
        b"--B\r\nA: b\r\n\r\nx",
        MULTIPART[:-20],
        b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--B--",
    ],
)
def test_broken_multipart(body):
    """A multipart body that ends early or is no text where it should be is refused."""
    with pytest.raises(UnreadableBodyError, match="multipart"):
        found(body, "multipart/form-data; boundary=B")


@pytest.mark.parametrize(
    ("content_type", "path", "body", "expected"),
    [
        ("application/json", "/t", b'{"a": "x"}', {"a": "x"}),
        ("application/problem+json; charset=utf-8", "/t", b'{"a": "x"}', {"a": "x"}),
        (FORM, "/v1/chat/completions", b'{"messages": [{"role": "user", "content": "x"}]}', {"content": "x"}),
        (FORM, "/t", b'{"a": "x=1"}', {"a": "x=1"}),
        (FORM, "/t", b"mail ada", {None: "mail ada"}),
        ("", "/t", b"[1, {}", {None: "[1, {}"}),
        ("text/csv", "/t", "a;é".encode(), {None: "a;é"}),
        ("text/plain; charset=latin-1", "/t", b"\xe9", {None: "é"}),
        ("application/xml", "/t", b"<a>x</a>", {None: "<a>x</a>"}),
        ("image/png", "/t", b"\x89PNG\r\n\x1a\n", {}),
        ("image/png", "/t", b"no picture", {None: "no picture"}),
        ("application/octet-stream", "/v1/chat/completions", b'{"prompt": "x"}', {"prompt": "x"}),
        ("application/octet-stream", "/v1/files", b"\xff\x00", {}),
        ("application/grpc", "/t", b"\0\0", {}),
    ],
)
def test_auto(content_type, path, body, expected):
    """By path, content type, and what the body looks like: the upstream may not look at the content type either."""
    assert expected == found(body, content_type, path)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"\xff"),
        ("text/plain; charset=klingon", b"x"),
        ("text/plain; charset=zip", b"x"),
        ("application/json", b"x"),
        ("application/json", "é".encode("utf-16")),
        ("", b"\xff\xfe\x00"),
        (FORM, b"a=\xff"),
        ("multipart/form-data", b"x"),
    ],
)
def test_unreadable(content_type, body):
    """What cannot be read is refused without a word of what stands in it."""
    with pytest.raises(UnreadableBodyError):
        found(body, content_type)


def test_empty_bodies_are_nothing():
    """No body, no texts, no error."""
    assert found(b"", "application/json") == {}


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_encoded_bodies(encoding):
    """Read through the encoding and written back in it; untouched, it is the very body."""
    from extproc.payload.coding import codings, decode

    body = ENCODERS[encoding](b'{"a": "ada"}')
    document = parse(ANY, "/t", "application/json", encoding, body)
    assert body is written(document, None)
    assert decode(written(document, "[A_1]"), codings(encoding), 1000) == b'{"a": "[A_1]"}'


def test_odd_encodings():
    """Raw deflate, gzip of two members, two codings, identity."""
    raw = zlib.compress(b'{"a": "x"}')[2:-4]
    two = gzip.compress(b'{"a":') + gzip.compress(b'"x"}')
    for encoding, body in (
        ("deflate", raw),
        ("gzip", two),
        ("identity", b'{"a": "x"}'),
        ("gzip, br", brotli.compress(gzip.compress(b'{"a": "x"}'))),
    ):
        assert spoken(parse(ANY, "/t", "application/json", encoding, body)) == {"a": "x"}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_bombs(encoding):
    """A few kilobytes that decompress to 20 MB are refused when they pass the limit, and take no more memory than it."""
    import tracemalloc

    bomb = ENCODERS[encoding](b"a" * 20_000_000)
    tracemalloc.start()
    with pytest.raises(BodyTooLargeError, match="decompressed"):
        parse(ANY, "/t", "text/plain", encoding, bomb, max_body_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("encoding", ENCODERS)
def test_broken_encodings(encoding):
    """Data that is not what its encoding says, or ends early, is refused."""
    body = ENCODERS[encoding](b'{"a": "x"}' * 50)
    for broken in (body[: len(body) // 2], b"nonsense" * 9):
        with pytest.raises(UnreadableBodyError):
            parse(ANY, "/t", "application/json", encoding, broken)
    with pytest.raises(UnreadableBodyError, match="gzip, deflate, br, zstd"):
        parse(ANY, "/t", "application/json", "snappy", body)


def test_size_limit():
    """A body over the limit is refused before it is read."""
    with pytest.raises(BodyTooLargeError):
        found(b"x" * 11, max_body_bytes=10)
