"""What stands within a text is edited in place: JSON in JSON at any depth, keys and numbers, base64; data is proved, or text."""

import base64
import json
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.intercept import Intercept
from extproc.errors import OutOfRangeError, PersonalNumberError
from extproc.payload import parse
from extproc.payload.json_body import JsonDocument
from extproc.payload.numbers import plain
from extproc.payload.tree import FREE

OPENAI = Intercept(path_prefix="/v1/", payload="openai")
CHARACTERS = st.characters(exclude_categories=["Cs"])
WORDS = st.text(CHARACTERS, min_size=1, max_size=6).filter(
    lambda text: text.lstrip(" \t\r\n")[:1] not in ('"', "{", "[")
)
KEYS = st.text(st.sampled_from('abcé"\\\n@'), min_size=1, max_size=4)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(0, 99) | st.integers(10**9, 10**16),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def chat(body):
    """A chat request, read."""
    return parse(OPENAI, "/v1/chat/completions", "application/json", "", json.dumps(body).encode())


def spoken(document, kind="text"):
    """The texts of one kind."""
    return [segment.text for segment in document.segments if segment.kind == kind]


def turned(value):
    """What becomes of a value when every text is marked, every key too, and every telling number."""
    match value:
        case str():
            return f"<{value}>"
        case bool() | None:
            return value
        case int():
            return f"<{value}>" if value > 99 else value
        case list():
            return [turned(item) for item in value]
    return {f"<{key}>": turned(item) for key, item in value.items()}


def marked(document):
    """The body with every segment marked."""
    return document.replace([f"<{segment.text}>" for segment in document.segments])


@settings(deadline=None)
@given(VALUES.filter(lambda value: isinstance(value, (list, dict))), st.lists(st.booleans(), min_size=1, max_size=5))
def test_json_in_json(value, layers):
    """Marking what stands in JSON in strings in JSON is marking it before it was spelled."""
    inner, expected = value, turned(value)
    for ascii_only in layers:
        inner = json.dumps(inner, ensure_ascii=ascii_only)
    body = json.dumps({"messages": inner} if isinstance(inner, str) else inner).encode()
    out = json.loads(marked(JsonDocument(body, FREE)))["<messages>"]
    for _ in layers:
        out = json.loads(out)
    assert out == expected


@settings(deadline=None, max_examples=60)
@given(VALUES, st.integers(0, 6))
def test_nothing_to_change_is_the_very_body(value, depth):
    """At any depth, what does not change stays as it was spelled."""
    for _ in range(depth):
        value = json.dumps(value)
    body = json.dumps({"a": value}, indent=1).encode()
    document = JsonDocument(body, FREE)
    assert document.replace([None] * len(document.segments)) is body


def test_the_spelling_around_an_edit_stays():
    r"""Escapes that JSON does not need, beside an edit two levels down, are left as they are."""
    body = rb'{"a":"{\"t\": \"\\u00fc \/ SSN:\\n536-22-1845 \\/ x\", \"n\":1.50}"}'
    document = JsonDocument(body, FREE)
    (text,) = spoken(document)
    assert text == "ü / SSN:\n536-22-1845 / x"
    changes = [[(9, 20, "[S_1]")] if segment.kind == "text" else None for segment in document.segments]
    assert document.replace(changes) == body.replace(b"536-22-1845", b"[S_1]")


def test_several_values_in_one_text():
    """NDJSON in a string is JSON too."""
    document = JsonDocument(json.dumps({"log": '{"a":"x"}\n{"a":"y"}\n'}).encode(), FREE)
    assert spoken(document) == ["x", "y"]


@pytest.mark.parametrize("text", ['{"a": "x"', "[note] this", '"quoted" words', "{}{", "{'a': 1}"])
def test_what_only_begins_like_json_is_one_text(text):
    """Cut off JSON, and prose that begins with a bracket."""
    assert spoken(JsonDocument(json.dumps([text]).encode(), FREE)) == [text]


def test_a_masked_key_stays_alone_in_its_object():
    """Two keys that an operator makes the same are told apart; an object beside it may have the same key."""
    document = JsonDocument(b'[{"a@x":1,"b@x":2,"[E]":3},{"b@x":4}]', FREE)
    out = document.replace(["[E]" if "@" in segment.text else None for segment in document.segments])
    assert json.loads(out) == [{"[E] (2)": 1, "[E] (3)": 2, "[E]": 3}, {"[E]": 4}]
    assert len({id(s) for s in document.segments}) == 3  # equal keys are one segment


def test_numbers():
    """In JSON of which nothing is known a number of some length is a text, and one that is masked becomes a string."""
    body = b'{"card": 4111111111111111, "n": 12, "x": 51.5074, "cvv": 123, "deep": [[-4111111111111111.0], 4.2e15]}'
    document = JsonDocument(body, FREE)
    assert spoken(document, "number") == ["4111111111111111", "123", "-4111111111111111", "4200000000000000"]
    assert [s.key for s in document.segments if s.kind == "number"] == ["card", "cvv", "deep", "deep"]
    assert all(segment.number == (segment.kind == "number") for segment in document.segments)
    out = document.replace([None if s.kind != "number" else "[C_1]" for s in document.segments])
    assert json.loads(out) == {"card": "[C_1]", "n": 12, "x": 51.5074, "cvv": "[C_1]", "deep": [["[C_1]"], "[C_1]"]}


@given(st.integers(-(10**18), 10**18), st.integers(0, 6))
def test_a_number_reads_as_its_digits(number, zeros):
    """However it is spelled."""
    assert plain(str(number)) == str(number)
    assert int(plain(f"{number}.{'0' * zeros}")) == number
    assert int(plain(f"{number}E{zeros}")) == number * 10**zeros
    assert int(plain(f"{number * 10**zeros}e-{zeros}")) == number
    assert int(plain(f"{number}.5e1")) == number * 10 + (5 if number >= 0 else -5) or number == 0


@pytest.mark.parametrize(
    "number",
    ["1.5", "0.1234567890123456", "1e400", "1e-400", "9" * 50, "-0.0", "1E+9999999999"],
)
def test_what_is_no_whole_number_stays_as_it_is_spelled(number):
    """Or reads as digits of the same value."""
    assert plain(number) == number or float(plain(number)) == float(number)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 10**19),
        ("seed", [-(2**64)]),
        ("max_tokens", 536221845),
        ("temperature", 4.111111111111111e15),
        ("n", 4111111111111111),
        ("stream", 4111111111111111),
        ("logit_bias", {"1": 4111111111111111}),
        ("options", {"seed": 10**19}),
        ("prompt", [15339, 4111111111111111]),
        ("input", [[15339, 536221845]]),
        ("messages", [{"role": "user", "content": [{"type": "text", "text": "x", "index": 4111111111111111}]}]),
        ("top_k", 10**12),
    ],
)
def test_a_number_that_an_api_does_not_have_there_is_refused_by_name(key, value):
    """It can be neither masked nor sent on: 400, and the message says what would be right."""
    with pytest.raises(OutOfRangeError, match=r"^`\w+` must be a number from -?[0-9,]+ to [0-9,]+$") as caught:
        chat({key: value})
    assert caught.value.status == 400
    assert "4111" not in str(caught.value)


def test_numbers_of_an_api_within_their_range():
    """They hold nothing: no segment, no change."""
    body = {
        "messages": [{"role": "user", "content": "x"}],
        "seed": 4294967295,
        "max_tokens": 100_000,
        "temperature": 0.7,
        "top_p": 1,
        "n": 1,
        "logit_bias": {"50256": -100},
        "prompt": [15339, 9999999],
        "parallel_tool_calls": True,
        "stop": None,
        "logprobs": True,
    }
    assert spoken(chat(body), "number") == []


@pytest.mark.parametrize("bits", [31, 32, 53, 63, 64])
@pytest.mark.parametrize("key", ["seed", "max_tokens", "top_k", "keep_alive", "num_ctx", "n_predict"])
def test_no_limit(key, bits):
    """The largest integer of a language is nobody's."""
    assert not chat({key: 2**bits - 1, "tools": [{"parameters": {"maxLength": 2**bits - 1}}]}).segments


LONG = [4111111111111111, -4111111111111111, 2**63 - 2, -(2**63), 2**63, 1764488317123, 4.111111111111111e15]


@pytest.mark.parametrize("value", [*LONG, "4.1e12"])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        (lambda value: {"seed": value}, "seed"),
        (lambda value: {"options": {"seed": [{"x": [value]}]}}, "seed"),
        (lambda value: {"messages": [{"content": "x", "created_at": value}]}, "created_at"),
        (lambda value: {"created": {"4111111111111111": [value]}}, "created"),
    ],
)
def test_a_long_number_of_an_api_is_searched_and_never_rewritten(place, name, value):
    """It passes as it is, or is refused by name, and the message quotes nothing of the body."""
    body = json.dumps(place("@")).replace('"@"', str(value)).encode()
    document = parse(OPENAI, "/v1/chat/completions", "application/json", "", body)
    nothing = [None] * len(document.segments)
    assert document.replace(nothing) is body
    (nth,) = (i for i, segment in enumerate(document.segments) if segment.kind == "identifier")
    assert document.segments[nth].text == plain(str(value))
    with pytest.raises(PersonalNumberError, match=rf"^`{name}` must be a number that does not read") as caught:
        document.replace([*nothing[:nth], "[CREDIT_CARD_1]", *nothing[nth + 1 :]])
    assert caught.value.status == 400
    assert "4111" not in str(caught.value)


def test_the_name_of_a_number_in_any_spelling():
    """A key with escapes is the key that it reads as."""
    document = parse(OPENAI, "/v1/chat/completions", "application/json", "", rb'{"s\u0065ed": 4111111111111111}')
    with pytest.raises(PersonalNumberError, match=r"^`seed`"):
        document.replace(["[CREDIT_CARD_1]"])


def test_many_keys_that_become_one():
    """Told apart by a number, and each costs as much as the first."""
    document = parse(
        Intercept(path_prefix="/"), "/x", "application/json", "", json.dumps({f"k{i}": 1 for i in range(3000)}).encode()
    )
    new = json.loads(document.replace(["[A]"] * len(document.segments)))
    assert list(new)[:3] == ["[A]", "[A] (2)", "[A] (3)"]
    assert len(new) == 3000


def test_a_number_where_an_api_has_a_text():
    """It becomes a string, as in any JSON."""
    document = chat({"messages": [{"role": "user", "content": 4111111111111111}], "user": 4111111111111111})
    assert spoken(document, "number") == ["4111111111111111"] * 2


NOISE = random.Random(0)
MAGIC = {
    "image": [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JFIF", b"GIF89a\1\0\1\0", b"RIFF\x24\0\0\0WEBPVP8 "],
    "audio": [b"RIFF\x24\0\0\0WAVEfmt ", b"ID3\4\0\0\0\0\0", b"OggS\0\2", b"fLaC\0\0", b"\xff\xfb\x90\x64\0\0\0\0"],
    "video": [b"\0\0\0\x20ftypisom\0\0", b"\x1aE\xdf\xa3\x9fB", b"RIFF\x24\0\0\0AVI LIST"],
    "document": [b"%PDF-1.7\n%\xe2\xe3", b"PK\3\4\x14\0"],
}
DATA = [(kind, magic + NOISE.randbytes(1500)) for kind, some in MAGIC.items() for magic in some]


@pytest.mark.parametrize(("kind", "data"), DATA, ids=lambda value: value if isinstance(value, str) else value[:8].hex())
@pytest.mark.parametrize("form", ["url", "bare", "lines", "within"])
def test_data_is_left_alone_and_what_stands_beside_it_is_not(kind, data, form):
    """Pictures, sound, films and documents, by how they begin; a question that follows a data URL is a text."""
    encoded = base64.b64encode(data).decode()
    text = {
        "url": f"data:application/octet-stream;base64,{encoded}",
        "bare": encoded,
        "lines": base64.encodebytes(data).decode(),
        "within": f"Look: data:{kind}/x;base64,{encoded} whose card is 4111 1111 1111 1111?",
    }[form]
    document = chat({"messages": [{"role": "user", "content": text}]})
    beside = ["Look: data:%s/x;base64," % kind, " whose card is 4111 1111 1111 1111?"] if form == "within" else []  # noqa: UP031
    assert spoken(document) == beside
    assert document.unsearched == {
        kind: len(text.strip()) - text.strip().index(encoded[:20]) - len(beside and beside[1])
    }


COLUMNS = {
    "cards": "4111111111111111\n",
    "ibans": "DE89370400440532013000\n",
    "phones": "4915112345678\n",
    "keys": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12\n",
    "secret keys": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\r\n",
    "digits": "41111111",
    "hex": "0123456789abcdef" * 4 + "\n",
    "letters": "abcdefgh",
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_is_no_base64(kind):
    """Cards, accounts, phones and keys one a line, however many: a text."""
    column = COLUMNS[kind] * 100
    assert spoken(chat({"messages": [{"role": "user", "content": column}]})) == [column]


def test_base64_of_a_text_is_a_text():
    """Searched as what it says, and spelled again as it was: padded or not, with either alphabet."""
    said = "Jane's card is 4111 1111 1111 1111 ~~~ÿÿÿ>>>???"
    plain_64 = base64.b64encode(said.encode()).decode()
    for spelled in (
        plain_64,
        base64.urlsafe_b64encode(said.encode()).decode().rstrip("="),
        f"data:text/plain;base64,{plain_64}",
    ):
        document = JsonDocument(json.dumps([spelled]).encode(), FREE)
        assert spoken(document) == [said]
        (out,) = json.loads(document.replace([[(15, 34, "[C_1]")]]))
        run = out.rpartition(",")[2]
        again = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4)).decode()
        assert again == said.replace("4111 1111 1111 1111", "[C_1]")
        assert out.startswith("data:text/plain;base64,") == spelled.startswith("data:")


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("form", ["url", "bare", "lines"])
def test_base64_of_a_text_in_another_charset(charset, form):
    """Searched too, and written again in the same charset, in lines if it was."""
    said = "Jané's card is 4111 1111 1111 1111, and that is all there is to be said of it today. " * 3
    data = said.encode(charset)
    encoded = base64.encodebytes(data).decode() if form == "lines" else base64.b64encode(data).decode()
    text = f"data:text/plain;base64,{encoded}" if form == "url" else encoded
    document = JsonDocument(json.dumps([text]).encode(), FREE)
    (found,) = spoken(document)
    assert found.lstrip("\ufeff") == said
    at = found.index("4111")
    (out,) = json.loads(document.replace([[(at, at + 19, "[C_1]")]]))
    assert base64.b64decode(out.rpartition(",")[2]).decode(charset) == said.replace("4111 1111 1111 1111", "[C_1]", 1)
    assert ("\n" in out) == (form == "lines")


def test_json_in_base64_in_json():
    """One layer within another."""
    inner = base64.b64encode(json.dumps({"to": "jane doe", "card": 4111111111111111}).encode()).decode()
    document = JsonDocument(json.dumps({"a": json.dumps({"b": inner})}).encode(), FREE)
    assert spoken(document) == ["jane doe"]
    assert spoken(document, "number") == ["4111111111111111"]


def test_bytes_of_no_known_kind():
    """Long base64 of bytes that are no text is data; short, it is searched as it stands, as a key would be."""
    noise = base64.b64encode(zlib.compress(NOISE.randbytes(3000))).decode()
    document = chat({"messages": [{"role": "user", "content": noise}]})
    assert (spoken(document), document.unsearched) == ([], {"binary": len(noise)})
    assert spoken(chat({"messages": [{"role": "user", "content": noise[:200]}]})) == [noise[:200]]


SAID = [
    ({"passport": {"number": "12AB34567"}}, "passport number"),
    ({"passport": {"country": "FR", "value": "12AB34567"}}, "passport"),
    ({"phones": [{"type": "work", "number": "4155550132"}]}, "phones work number"),
    ([{"value": "536221845", "type": "SSN"}], "content SSN"),
    ({"env": [{"name": "DB_PASSWORD", "value": "hunter2xyz"}]}, "env DB_PASSWORD"),
    ({"account": {"number": 76983425}}, "account number"),
    ({"passport": {"details": {"number": "12AB34567"}}}, "passport number"),
    ({"kind": "ssn", "data": "536221845"}, "content ssn"),
    ({"param": {"@name": "password", "@value": "hunter2xyz"}}, "param password"),
    ({"birth": {"date": "12AB34567"}}, "birth date"),
    ({"passeport": {"num\u00e9ro": "12AB34567"}}, "passeport num\u00e9ro"),
    ({"\u043f\u0430\u0440\u043e\u043b\u044c": "hunter2xyz"}, "\u043f\u0430\u0440\u043e\u043b\u044c"),
    ({'a"b': "hunter2xyz"}, 'a"b'),
    ({"\ud800": "hunter2xyz"}, "?"),
    ({"value": "12AB34567"}, "content"),
    ({"order": {"id": "12AB34567"}}, "id"),
]


@pytest.mark.parametrize(("value", "key"), SAID)
def test_what_is_said_of_a_value_whose_key_says_little(value, key):
    """The key of its object, what stands beside it, and its own."""
    document = chat({"messages": [{"role": "tool", "content": json.dumps(value)}]})
    wanted = {"12AB34567", "4155550132", "536221845", "hunter2xyz", "76983425"}
    assert [segment.key for segment in document.segments if segment.text in wanted] == [key]


def test_equal_numbers_of_unlike_objects():
    """One is an order's and one an account's."""
    value = [{"order": {"number": 76983425}}, {"account": {"number": 76983425}}]
    document = chat({"messages": [{"role": "tool", "content": json.dumps(value)}]})
    assert [s.key for s in document.segments if s.kind == "number"] == ["order number", "account number"]
