"""Every byte of a body is accounted for: searched, known by a closed list, or proved to be data. The three are all of it."""

import base64
import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import BodyTooLargeError, OutOfRangeError, PersonalNumberError, UnreadableBodyError
from extproc.payload import parse, parse_query
from extproc.payload.document import coverage
from extproc.payload.request_schemas import LLM
from tests.unit.payload.test_fuzz import BYTES, KINDS, REQUEST_TYPES

ANY = Intercept(path_prefix="/")
SEARCHED = {"text", "key", "identifier", "number"}
PROVED = {"image", "audio", "video", "document", "binary", "opaque"}
CANARY = "zq7-canary"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2).decode()


def nodes(root):
    """All places of a tree."""
    seen, todo = {}, [root]
    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            todo += [*node.keys.values(), node.other, node.items]
    return seen.values()


KNOWN = {key.decode() for node in nodes(LLM) for key in node.keys} | {
    word.decode() for node in nodes(LLM) for word in node.words or ()
}
"""The closed list, read from the trees: nothing else may stand between what is searched."""
ROLES = {"system", "user", "assistant", "tool", "developer", "function"}
NUMBER = re.compile(r"-?[0-9.]+(?:[eE][+-]?[0-9]+)?")
DATA_URL = re.compile(r"data;?|image/png;base64|[a-z]+/[a-z0-9.+-]+;base64")


def check(document, content_type="application/json"):
    """The regions are the body, without a gap; syntax is of the closed list."""
    regions = document.regions()
    assert [start for start, _, _ in regions] == [0, *(end for _, end, _ in regions[:-1])][: len(regions)]
    assert sum(coverage(regions).values()) == len(document.body)
    assert {what for _, _, what in regions} <= SEARCHED | PROVED | {"syntax"}
    assert (
        sum(document.unsearched.values()) == sum(size for what, size in coverage(regions).items() if what in PROVED)
        or not document.body.isascii()
        or b"\\" in document.body
    )
    if "json" in content_type:
        for start, end, what in regions:
            if what == "syntax":
                for word in re.split(r'[\s"\\{}\[\]:,\ufeff]+', document.body[start:end].decode()):
                    assert (
                        not word
                        or word in KNOWN | ROLES | {"true", "false", "null"}
                        or NUMBER.fullmatch(word)
                        or (DATA_URL.fullmatch(word))
                    ), word
    return regions


@settings(deadline=None)
@given(BYTES, st.sampled_from(REQUEST_TYPES), st.sampled_from(KINDS), st.sampled_from(["/v1/chat/completions", "/x"]))
def test_any_body(body, content_type, kind, path):
    """Whatever is read."""
    try:
        document = parse(Intercept(path_prefix="/", payload=kind), path, content_type, "", body)
    except (UnreadableBodyError, BodyTooLargeError, OutOfRangeError, PersonalNumberError):
        return
    check(document, content_type="")


KEYS = st.sampled_from(sorted(KNOWN)) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
LEAVES = (
    st.sampled_from(
        [*sorted(KNOWN), PNG, f"data:image/png;base64,{PNG} what is it?", '{"a": ["b", 12345678]}', "b\\u00fc\\n"]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.integers(-20, 100)
    | st.sampled_from([None, True, False, 0.5, 4111111111111111])
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
)
BODIES = st.dictionaries(KEYS, TREES, max_size=5)


@settings(deadline=None)
@given(BODIES, st.booleans(), st.sampled_from(["/v1/chat/completions", "/x"]))
def test_syntax_is_of_the_closed_list(value, ascii_only, path):
    """Between what is searched and what is proved stand punctuation, known keys and words, numbers too short to be anybody's."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    try:
        document = parse(ANY, path, "application/json", "", body)
    except (OutOfRangeError, PersonalNumberError):
        return
    check(document)


def places(value, way=()):
    """Ways to all leaves and keys."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*way, key), True
            yield from places(inner, (*way, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from places(inner, (*way, i))
    else:
        yield way, False


def planted(value, way, *, as_key):
    """The value with a canary in the place of one leaf, or of one key."""
    if not way:
        return CANARY
    step, rest = way[0], way[1:]
    if isinstance(value, list):
        return [planted(v, rest, as_key=as_key) if i == step else v for i, v in enumerate(value)]
    if as_key and not rest:
        return {CANARY if key == step else key: inner for key, inner in value.items()}
    return {key: planted(v, rest, as_key=as_key) if key == step else v for key, v in value.items()}


@settings(deadline=None)
@given(BODIES.filter(bool), st.data(), st.sampled_from(["/v1/chat/completions", "/v1/responses", "/v1/messages", "/x"]))
@example(
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": ["x"]}}}]}, None, "/v1/messages"
)
def test_no_place_is_out_of_sight(value, data, path):
    """A word that is put in the place of any key or any value, known or not, at any depth, is searched."""
    found = list(places(value))
    some = found if data is None else [data.draw(st.sampled_from(found))]
    for way, as_key in some:
        body = json.dumps(planted(value, way, as_key=as_key)).encode()
        try:
            document = parse(ANY, path, "application/json", "", body)
        except (OutOfRangeError, PersonalNumberError):
            continue
        at = body.find(CANARY.encode())
        assert at >= 0
        assert any(
            start <= at and at + len(CANARY) <= end for start, end, what in document.regions() if what in SEARCHED
        )


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": "caf\xc3\xa9", "n": 1}', {"text": 5, "key": 2, "syntax": 15}),
        ("application/x-www-form-urlencoded", b"a=caf%c3%a9&4111=x", {"text": 10, "key": 4, "syntax": 4}),
        ("text/plain; charset=utf-16", "café".encode("utf-16"), {"text": 8}),
        ("text/plain; charset=latin-1", "café".encode("latin-1"), {"text": 4}),
        ("image/png", base64.b64decode(PNG), {"image": 520}),
        ("", b"", {}),
        (
            "application/json",
            f'["data:image/png;base64,{PNG} cat?"]'.encode(),
            {"image": len(PNG), "text": 5, "syntax": 26},
        ),
        (
            "application/json",
            rb'["{\"a\": \"x\\ny\", \"n\": 12345}"]',
            {"text": 5, "key": 2, "number": 5, "syntax": 24},
        ),
        (
            "application/json",
            json.dumps([base64.b64encode(b"it is jane doe's").decode()]).encode(),
            {"text": 24, "syntax": 4},
        ),
        (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nxyz\r\n--B--\r\n',
            {"text": 3, "syntax": 58},
        ),
    ],
)
def test_what_is_what(content_type, body, expected):
    """By kind of body. A body in another charset is counted as it was read: in UTF-8, with its mark."""
    document = parse(ANY, "/x", content_type, "", body)
    assert coverage(document.regions()) == expected


def test_what_a_rule_leaves_out():
    """`texts` of a rule choose: what they leave out is said to be left out."""
    rule = Intercept(path="/t", payload="json", texts=("$.a",))
    document = parse(rule, "/t", "application/json", "", b'{"a": "x", "b": "jane@example.com"}')
    assert coverage(document.regions()) == {"text": 1, "not selected": 34}


def test_a_query_is_accounted_for_too():
    """Names that are words of programs are syntax; all else is searched."""
    document = parse_query("/a?q=x%20y&jane%40x.org=1")
    assert [(what, document.body[a:b]) for a, b, what in document.regions()] == [
        ("syntax", b"/a?q="),
        ("text", b"x%20y"),
        ("syntax", b"&"),
        ("key", b"jane%40x.org"),
        ("syntax", b"="),
        ("text", b"1"),
    ]
