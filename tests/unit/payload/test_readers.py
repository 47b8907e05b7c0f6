"""What another reader may read in a body is read here too, or the body is refused: charsets, compression, types, multipart."""

import base64
import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import UnreadableBodyError
from extproc.payload import parse
from extproc.payload.charsets import of

ANY = Intercept(path_prefix="/")
CHAT = "/v1/chat/completions"
TEXT = "I am jané@example.com"
BODY = json.dumps({"messages": [{"role": "user", "content": TEXT}]}, ensure_ascii=False)
TYPES = [
    "application/json",
    "application/octet-stream",
    "image/png",
    "text/plain",
    "",
    "application/x-www-form-urlencoded",
]


def read(body, content_type, path=CHAT, encoding=""):
    """A body as it is read."""
    return parse(ANY, path, content_type, encoding, body)


def texts(document):
    """What is searched as text."""
    return [segment.text for segment in document.segments if segment.kind == "text"]


def marked(document):
    """The body with `jané@example.com` masked."""
    return document.replace(
        [[(s.text.find("jan"), len(s.text), "[E_1]")] if "jan" in s.text else None for s in document.segments]
    )


CHARSETS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("charset", CHARSETS)
def test_charsets_that_nobody_told(charset, content_type):
    """UTF-16 and UTF-32, with a mark or without, under any content type, as JSON's own readers find out; and written back."""
    body = BODY.encode(charset)
    document = read(body, content_type)
    assert texts(document) == [TEXT]
    assert document.replace([None] * len(document.segments)) is body
    assert marked(document) == BODY.replace("jané@example.com", "[E_1]").encode(charset)


COMPRESSED = {"gzip": gzip.compress, "zstd": lambda data: zstandard.ZstdCompressor().compress(data)}


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("coding", COMPRESSED)
def test_compression_that_nobody_told(coding, content_type):
    """Gzip and zstd without a header, on a path of a known API, in UTF-16 too."""
    for charset in ("utf-8", "utf-16"):
        document = read(COMPRESSED[coding](BODY.encode(charset)), content_type)
        assert texts(document) == [TEXT]
        out = parse(ANY, CHAT, "", coding, marked(document))
        assert texts(out) == ["I am [E_1]"]


@pytest.mark.parametrize("content_type", ["application/octet-stream", "image/png", ""])
def test_what_is_compressed_elsewhere(content_type):
    """On other paths: a text is searched, a picture is a picture, an upload of bytes is bytes."""
    assert texts(read(gzip.compress(b"mail jan@example.com"), content_type, "/x")) == ["mail jan@example.com"]
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    assert read(gzip.compress(png), "image/png", "/x").unsearched == {"image": len(png)}


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (BODY.replace("@", "+AEA-").encode(), "application/json; charset=utf-7", ""),
        (zlib.compress(BODY.encode()) + b'{"x": "jan@example.com"}', "application/json", "deflate"),
        (zlib.compress(BODY.encode())[2:-4] + b"jan@example.com", "application/json", "deflate"),
        (gzip.compress(BODY.encode()) + b"jan@example.com", "application/json", "gzip"),
        (b"\xff\xfe" + BODY.encode("utf-16-le")[:-1], "application/json", ""),
        (b"jan@example.com", "image/png", ""),
        (b"\x00\x01\x02jan@example.com", "application/octet-stream", ""),
        (b"--x--", "multipart/form-data", ""),
    ],
    ids=["utf-7", "after deflate", "after raw deflate", "after gzip", "half a unit", "no json", "bytes", "no boundary"],
)
def test_what_has_no_one_reading_is_refused(body, content_type, encoding):
    """On a path of a known API, where masking is at stake: with what is wrong, and without a word of the body."""
    with pytest.raises(UnreadableBodyError) as caught:
        read(body, content_type, encoding=encoding)
    assert "jan" not in str(caught.value)


def test_json_in_another_charset_that_is_told():
    """Latin-1 that is no UTF-8 is read as it says; what is UTF-8, as readers of JSON do; UTF-7 without a shift is ASCII."""
    body = BODY.encode("latin-1")
    document = read(body, "application/json; charset=iso-8859-1")
    assert (texts(document), marked(document)) == ([TEXT], body.replace("jané@example.com".encode("latin-1"), b"[E_1]"))
    assert texts(read(BODY.encode(), "application/json; charset=iso-8859-1")) == [TEXT]
    plain = BODY.replace("é", "e").encode()
    assert texts(read(plain, "application/json; charset=utf-7")) == [TEXT.replace("é", "e")]
    assert texts(read("a b\u00e9".encode("utf-7"), "text/plain; charset=utf-7", "/x")) == ["a bé"]


@settings(deadline=None)
@given(st.binary(max_size=40), st.sampled_from(["", "utf-8", "utf-16", "utf-7", "latin-1", "cp500"]), st.booleans())
def test_any_bytes_have_a_charset_or_none(body, declared, as_json):
    """Told or refused."""
    try:
        charset = of(body, declared, as_json=as_json)
    except UnreadableBodyError:
        return
    assert charset is None or b"".decode(charset) == ""


def multipart(*parts, boundary="B", eol="\r\n", preamble="", epilogue=""):
    """A body of parts: heads and content."""
    out = preamble
    for head, content in parts:
        out += f"--{boundary}{eol}{head}{eol}{eol}{content}{eol}"
    return (out + f"--{boundary}--{eol}{epilogue}").encode()


FIELD = 'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize("boundary", ["B", "a;b", "a b=c", "(x).y+z"])
@pytest.mark.parametrize("eol", ["\r\n", "\n"])
def test_boundaries_and_lines(boundary, eol):
    """In quotes, with what needs them; with bare line feeds too."""
    body = multipart((FIELD, "jan@example.com"), (FIELD, "x"), boundary=boundary, eol=eol)
    document = read(body, f'multipart/form-data; charset=x; boundary="{boundary}"', "/x")
    assert texts(document) == ["jan@example.com", "x"]
    assert marked(document) == body.replace(b"jan@example.com", b"[E_1]")


def test_what_stands_around_parts_is_a_text():
    """Before the first boundary and after the last, and in heads."""
    body = multipart((FIELD, "x"), preamble="jan@example.com\r\n", epilogue="and jan2@example.com")
    assert texts(read(body, "multipart/form-data; boundary=B", "/x")) == [
        "jan@example.com",
        "x",
        "and jan2@example.com",
    ]
    head = 'Content-Disposition: form-data; name="f"; filename="cv of jan@example.com.pdf"'
    document = read(multipart((head, "%PDF-1.7 x")), "multipart/form-data; boundary=B", "/x")
    assert [text for text in texts(document) if "jan@example.com" in text]
    assert document.unsearched == {"document": 10}


INNER = (
    multipart(('Content-Disposition: attachment; filename="a.txt"', "jan@example.com"), boundary="C").decode().rstrip()
)


@pytest.mark.parametrize(
    ("head", "content", "found"),
    [
        (
            f"{FIELD}\r\nContent-Type: application/json",
            '{"t": "jan@example.com", "n": 4111111111111111}',
            ["jan@example.com"],
        ),
        (f"{FIELD}\r\nContent-Type: application/xml", "<a b='1'>jan@example.com</a>", ["<a b='1'>jan@example.com</a>"]),
        (f"{FIELD}\r\nContent-Type: image/svg+xml", "<svg>jan@example.com</svg>", ["<svg>jan@example.com</svg>"]),
        (FIELD, '{"t": "jan@example.com"}', ["jan@example.com"]),
        (f'{FIELD}; filename="x.csv"', "a,jan@example.com", ["a,jan@example.com"]),
        (
            f'{FIELD}; filename="x.bin"\r\nContent-Type: application/octet-stream',
            "jan@example.com",
            ["jan@example.com"],
        ),
        (f"{FIELD}\r\nContent-Type: multipart/mixed; boundary=C", INNER, ["jan@example.com"]),
        (
            f"{FIELD}\r\nContent-Transfer-Encoding: base64",
            base64.b64encode(b"mail jan@example.com").decode(),
            ["mail jan@example.com"],
        ),
        (
            f"{FIELD}\r\nContent-Type: application/x-www-form-urlencoded",
            "q=jan%40example.com&x=1",
            ["jan@example.com", "1"],
        ),
    ],
    ids=["json", "xml", "svg", "untold json", "csv", "a text as bytes", "nested", "base64", "form"],
)
def test_parts_are_read_as_what_they_are(head, content, found):
    """JSON and its numbers, XML, files of text, parts of parts, transfer encodings; masked in place."""
    body = multipart((head, content), (FIELD, "end"))
    document = read(body, "multipart/form-data; boundary=B", "/x")
    said = [text for text in texts(document) if "Content-" not in text]
    assert said == [*found, "end"]
    again = read(marked(document), "multipart/form-data; boundary=B", "/x")
    assert not any("jan" in text for text in texts(again))
    assert [text for text in texts(again) if "Content-" not in text][-1] == "end"


def test_parts_nested_without_end_are_refused():
    """Three levels; no API has more."""
    content = "x"
    for level in range(6):
        content = multipart(
            (f"Content-Type: multipart/mixed; boundary=B{level - 1}" if level else "X-A: b", content),
            boundary=f"B{level}",
        ).decode()
    with pytest.raises(UnreadableBodyError, match="nested deeper"):
        read(content.encode(), "multipart/mixed; boundary=B5", "/x")


def test_json_that_says_it_is_multipart():
    """On a path of a known API the upstream may not look at the content type."""
    assert texts(read(BODY.encode(), "multipart/form-data; boundary=B")) == [TEXT]
