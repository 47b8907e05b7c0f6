"""Answers are restored while they pass, however their chunks are cut, and nothing else in them changes."""

import gzip
import json
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from extproc.config.intercept import Intercept
from extproc.errors import UnreadableAnswerError
from extproc.payload import coding, response_editor
from extproc.pii.vault import Vault

RULE = Intercept(path_prefix="/")
ADA = 'ada "q"\\é@example.org'
SPELLED = json.dumps(ADA, ensure_ascii=False)[1:-1]
BOMBS = [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)]
TWICE = json.dumps(SPELLED, ensure_ascii=False)[1:-1]


@pytest.fixture
def vault():
    """`[EMAIL_ADDRESS_1]` for an address that needs escaping, and eleven plainer ones."""
    vault = Vault()
    vault.placeholder("EMAIL_ADDRESS", ADA)
    for i in range(2, 13):
        vault.placeholder("EMAIL_ADDRESS", f"bob{i}@example.org")
    return vault


def edit(vault, data, sizes=(), content_type="application/json", *, rule=RULE, encoding=""):
    """What leaves for a body that comes in chunks of these sizes, then the rest."""
    editor = response_editor(rule, content_type, encoding, vault.restorer)
    out = []
    for size in sizes:
        out.append(editor.feed(data[:size]))
        data = data[size:]
    return b"".join(out) + editor.feed(data, end=True)


def every_cut(vault, data, expected, content_type, normal=lambda out: out):
    """The same outcome for every cut in two, and byte by byte."""
    for cut in range(len(data) + 1):
        assert expected == normal(edit(vault, data, (cut,), content_type)), cut
    assert expected == normal(edit(vault, data, [1] * len(data), content_type))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"c":"hi [EMAIL_ADDRESS_1]!"}', '{"c":"hi %s!"}'),
        ('{"c": "caf\\u00e9 \\/ [EMAIL_ADDRESS_1]\\n\\ud83d\\ude00"}', '{"c": "caf\\u00e9 \\/ %s\\n\\ud83d\\ude00"}'),
        (
            '{"[EMAIL_ADDRESS_1]": ["é[EMAIL_ADDRESS_1]é", {"a": 1.0E5}]}',
            '{"%s": ["é%sé", {"a": 1.0E5}]}',
        ),
        ('["[EMAIL_ADDRESS_99]", "[EM", "[EMAIL_ADDRESS_1"]', '["[EMAIL_ADDRESS_99]", "[EM", "%s"]'),
        ('["\\u005bEMAIL_ADDRESS_1]", "\\ud83d"]', '["%s", "\\ud83d"]'),
        (
            '{"m\\u0065": {"x": "[EMAIL_ADDRESS_1]", "y": "\\"[EMAIL_ADDRESS_1]\\""}}',
            '{"m\\u0065": {"x": "%s", "y": "\\"%s\\""}}',
        ),
        ('"[EMAIL_ADDRESS_1]"', '"%s"'),
        ('{"a": "b", "c": [[], {}, [1, 2, "[EMAIL_ADDRESS_1]"]]} ', '{"a": "b", "c": [[], {}, [1, 2, "%s"]]} '),
    ],
)
def test_json(vault, answer, expected):
    """Restored in keys and values at every cut, escaped for where they land; numbers and escapes stay."""
    every_cut(vault, answer.encode(), expected.replace("%s", SPELLED).encode(), "application/json")


def test_arguments_are_escaped_twice(vault):
    """JSON in a string: the value is escaped for the inner string and then for the outer one."""
    answer = (
        b'{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"{\\"to\\":\\"[EMAIL_ADDRESS_1]\\"}"}}]}}]}'
    )
    expected = answer.replace(b"[EMAIL_ADDRESS_1]", TWICE.encode())
    every_cut(vault, answer, expected, "application/json")
    call = json.loads(expected)["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"to": ADA}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a',
        b'{"a":"[EM',
        b'{"a":"\\',
        b'{"a":"\\ud8',
        b'"\\q[EM"',
        b"<html>",
        b'{"a":"\xff\xfe"}',
        b"\xff",
    ],
)
def test_broken_answers_pass(vault, body):
    """What is no JSON, or ends early, leaves as it came."""
    every_cut(vault, body, body, "application/json")


def test_deep_answers_pass(vault):
    """Nesting costs no stack."""
    body = b'[{"a":' * 20_000 + b'"[EMAIL_ADDRESS_2]"' + b"}]" * 20_000
    assert body.replace(b"[EMAIL_ADDRESS_2]", b"bob2@example.org") == edit(vault, body, [1000] * 50)


def test_text(vault):
    """Plain text, UTF-8 or not; cut within a character."""
    every_cut(vault, "é[EMAIL_ADDRESS_1]é [EMA".encode(), f"é{ADA}é [EMA".encode(), "text/plain")
    every_cut(vault, b"\xff[EMAIL_ADDRESS_2]\xc3", b"\xffbob2@example.org\xc3", "text/plain; charset=utf-8")
    assert edit(vault, b"\xe9 [EMAIL_ADDRESS_2]", (), "text/plain; charset=latin-1") == b"\xe9 bob2@example.org"


def test_binary_passes(vault):
    """Images and unknown encodings are left alone."""
    body = b"\x89PNG [EMAIL_ADDRESS_1]"
    assert body == edit(vault, body, (3,), "image/png")
    assert body == edit(vault, body, (3,), "application/json", encoding="snappy")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_encoded_answers(vault, encoding):
    """Decoded, restored and encoded again; each chunk can be read at once."""
    from extproc.payload.coding import StreamDecoder, codings, encode

    names = codings(encoding)
    body = b'{"a": "[EMAIL_ADDRESS_2]", "b": "' + b"x" * 1000 + b'"}'
    data = encode(body, names)
    editor = response_editor(RULE, "application/json", encoding, vault.restorer)
    decoder = StreamDecoder(names)
    half = len(data) // 2
    out = [editor.feed(data[:half]), editor.feed(data[half:], end=True)]
    got = b"".join(piece for part in out for piece in decoder.pieces(part))
    assert body.replace(b"[EMAIL_ADDRESS_2]", b"bob2@example.org") == got


def test_keep_masked(vault):
    """Fields that the configuration excludes keep their placeholders."""
    rule = Intercept(path_prefix="/", keep_masked=("$.choices[*].message.reasoning_content", "$.log"))
    body = b'{"log":["[EMAIL_ADDRESS_2]"],"choices":[{"message":{"reasoning_content":"[EMAIL_ADDRESS_2]","content":"[EMAIL_ADDRESS_2]"}}]}'  # noqa: E501
    expected = b'{"log":["[EMAIL_ADDRESS_2]"],"choices":[{"message":{"reasoning_content":"[EMAIL_ADDRESS_2]","content":"bob2@example.org"}}]}'  # noqa: E501
    assert expected == edit(vault, body, rule=rule)


def test_lost_is_nothing(vault):
    """Nothing comes out that the vault does not hold, and a vault says nothing of itself."""
    assert edit(vault, b'"[PERSON_1] [EMAIL_ADDRESS_13]"') == b'"[PERSON_1] [EMAIL_ADDRESS_13]"'
    assert "example" not in repr(vault)


def test_exact_restores_to_the_letter():
    """Without tolerance only whole placeholders are restored."""
    vault = Vault(tolerant=False)
    vault.placeholder("EMAIL_ADDRESS", "ada@x.org")
    body = b'["[EMAIL_ADDRESS_1]","[email address 1]","[EMAIL_ADDRESS_1"]'
    every_cut(vault, body, b'["ada@x.org","[email address 1]","[EMAIL_ADDRESS_1"]', "application/json")


@pytest.mark.parametrize(("encoding", "pack"), BOMBS)
def test_bombs_are_refused(vault, encoding, pack):
    """An answer that decompresses to far more than text does ends, and was never in memory as a whole."""
    editor = response_editor(RULE, "text/plain", encoding, vault.restorer)
    bomb = pack(b"x" * (16 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableAnswerError, match="far more"):
            editor.feed(bomb, end=True)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_large_answers_are_no_bombs(vault, monkeypatch):
    """What is merely long is decompressed however long it is."""
    monkeypatch.setattr(coding, "_MOST_DECODED", 1 << 20)
    lines = b"".join(b"%d lines of a log [EMAIL_ADDRESS_1]\n" % n for n in range(60_000))
    assert len(lines) > 2 * coding._MOST_DECODED
    editor = response_editor(RULE, "text/plain", "gzip", vault.restorer)
    packed = gzip.compress(lines, 1)
    out = b"".join(editor.feed(packed[at : at + 65536]) for at in range(0, len(packed), 65536)) + editor.feed(
        b"", end=True
    )
    assert lines.replace(b"[EMAIL_ADDRESS_1]", ADA.encode()) == gzip.decompress(out)
