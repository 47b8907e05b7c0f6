"""Characters that are spelled in another way are read as what they say, and findings cover all of their spelling."""

import base64
import gzip
import itertools
import json
import quopri
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.pii import PiiSettings
from extproc.pii import Analyzer, Anonymizer, analyze
from extproc.pii.results import RecognizerResult
from extproc.pii.spellings import levels, united

ANALYZER = Analyzer(PiiSettings())
TOKENS = {
    r"\n": "\n",
    r"\u00fc": "ü",
    r"\ud83d\ude00": "😀",
    r"\x41": "A",
    r"\"": '"',
    r"\/": "/",
    r"\u{1F600}": "😀",
    r"\xc3\xbc": "ü",
    r"\303\274": "ü",
    r"\101": "A",
    "%u00fc": "ü",
    "%40": "@",
    "%C3%BC": "ü",
    "&#64;": "@",
    "&#x40;": "@",
    "&commat;": "@",
    "&amp;": "&",
    r"\\u00fc": "ü",
    "%2540": "@",
    r"\\\\n": "\n",
    "&amp;#64;": "@",
}
"""As spelled -> as read."""
PIECES = st.lists(st.sampled_from([*TOKENS, "a", " ", "é", "1", "x y"]), min_size=1, max_size=14)


def readings(text):
    """All parts of all levels."""
    return [part for level in levels(text) for part in level.parts()]


def joined(pieces):
    """Without what would make one token of two pieces."""
    return [piece for i, piece in enumerate(pieces) if not (i and piece[0] == "%" and pieces[i - 1][0] == "%")]


@settings(deadline=None)
@given(PIECES.map(joined), st.data())
def test_any_reading(pieces, data):
    """A text reads as its pieces say, and any span of that stands for the whole spelling of its characters."""
    text = "".join(pieces)
    said = [TOKENS.get(piece, piece) for piece in pieces]
    parts = readings(text)
    if all(piece not in TOKENS for piece in pieces):
        assert parts == []
        return
    reading = parts[-1]
    assert (reading.text, reading.start, reading.whole) == ("".join(said), 0, True)
    first = data.draw(st.integers(0, len(pieces) - 1))
    last = data.draw(st.integers(first, len(pieces) - 1))
    start, end = len("".join(said[:first])), len("".join(said[: last + 1]))
    assert reading.origin(start, end) == (len("".join(pieces[:first])), len("".join(pieces[: last + 1])))


def test_only_what_is_near_is_read_again():
    """Of a long text with two escapes two parts are read, not all of it."""
    text = "word " * 1000 + r"\n" + "word " * 1000 + "%41" + "word " * 1000
    parts = readings(text)
    assert [len(part.text) for part in parts] == [321, 321]
    assert [part.whole for part in parts] == [False, False]
    assert text[slice(*parts[1].origin(160, 161))] == "%41"


@pytest.mark.parametrize(
    "text", ["x" * 5000, "word " * 2000, "a_long_name_of_a_variable_in_code " * 50, "a=b&c%d\\e;", "0f" * 20]
)
def test_plain_texts_have_no_reading(text):
    """Prose, code, hexadecimals."""
    assert readings(text) == []


def in_json(text):
    """As a string of JSON, without its quotes."""
    return json.dumps(text)[1:-1]


SPELLINGS = {
    "json": in_json,
    "json twice": lambda text: in_json(in_json(text)),
    "json three times": lambda text: in_json(in_json(in_json(text))),
    "every character": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "hexadecimal": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "all percent": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "decimal entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "some entities": lambda text: text.replace("@", "&#x40;").replace(" ", "&nbsp;").replace(".", "&period;"),
    "mail": lambda text: (
        "Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(text.encode(), quotetabs=True).decode()
    ),
    "wrapped mail": lambda text: text[:7].replace("=", "=3D") + "=\n" + text[7:],
    "base64": lambda text: base64.b64encode(f"it is: {text}".encode()).decode(),
    "octal": lambda text: "".join(f"\\{ord(c):03o}" for c in text),
    "short octal": lambda text: text.replace("@", "\\100").replace(" ", "\\40").replace("-", "\\55"),
    "percent u": lambda text: "".join(f"%u{ord(c):04X}" for c in text),
    "header of a mail": lambda text: (
        f"Subject: =?UTF-8?Q?it_is_{quopri.encodestring(text.encode(), header=True).decode()}?="
    ),
    "bytes": lambda text: f"it is: {text}".encode().hex(),
    "bytes as a literal": lambda text: "0x" + f"it is: {text}".encode().hex(),
    "bytes in capitals": lambda text: f"it is: {text}".encode().hex().upper(),
    "base32": lambda text: base64.b32encode(f"it is: {text}".encode()).decode(),
    "packed": lambda text: base64.b64encode(gzip.compress(f"it is: {text}".encode(), mtime=0)).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(f"it is: {text}???".encode()).decode().rstrip("="),
}
VALUES = {
    "EMAIL_ADDRESS": "jane.doe@example.com",
    "US_SSN": "536-22-1845",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_spelled_otherwise_is_found(spelling):
    """Whatever the spelling, nothing of the value is left."""
    for around, kind in itertools.product(("{}", "see {} there", "log: x\\n{}\\nend", "SSN:\\n{}"), VALUES):
        if around == "SSN:\\n{}" and kind != "US_SSN":
            continue
        text = around.format(SPELLINGS[spelling](VALUES[kind]))
        results = ANALYZER.analyze(text)
        found = [result for result in results if result.entity_type == kind]
        assert len(found) == 1, (around, [(r.entity_type, text[r.start : r.end]) for r in results])
        rest = text[: found[0].start] + text[found[0].end :]
        assert not any(piece in rest for piece in ("4111", "536", "3704", "jane")), around


def test_labels_through_escapes():
    r"""A label and its value with `\n` or `\"` between them, as in a log."""
    for text in (
        r"{\"password\": \"hunter2hunter2\"}",
        r"user=x\npassword: hunter2hunter2\nok",
        "pin&colon;&nbsp;password&colon; hunter2hunter2",
    ):
        found = {text[r.start : r.end] for r in analyze(text) if r.entity_type == "PASSWORD"}
        assert any("hunter2hunter2" in value for value in found)


def test_a_long_text_full_of_escapes_is_read_in_parts():
    """What a part of the text begins within is masked whole all the same; and each part is read once a level."""
    card = "4111 1111 1111 1111"
    for before in range(100, 200):
        text = "x" + " word" * 300 + "\\n" + "-" * before + card + " word" * 300
        (found,) = [
            r for r in ANALYZER.patterns(text) if text[r.start : r.end].strip("- ") and "1111" in text[r.start : r.end]
        ]
        assert card in text[found.start : found.end]


def test_a_quote_within_a_value_in_a_log():
    """Of what is spelled in a spelling, each level is read: the value goes on behind its own quote."""
    log = "sent " + json.dumps(json.dumps({"password": 'hunter2"d2day!'}))
    assert "hunter2" in log
    found = [log[result.start : result.end] for result in analyze(log) if result.entity_type == "PASSWORD"]
    assert len(found) == 1
    assert "hunter2" in found[0]
    assert "d2day!" in found[0]


def test_what_both_find_is_one_finding():
    r"""`%0A` may be a line's end, or three letters of a password: what may belong to a value of one type goes with it."""
    text = "x pass%0Aword and more"
    (level,) = levels(text)

    def result(kind, start, end):
        return RecognizerResult(kind, start, end, 0.8)

    standing, read = [result("PASSWORD", 2, 13)], [result("PASSWORD", 2, 6)]
    assert united(standing, read, level) == [result("PASSWORD", 2, 13)]
    assert united(standing, [result("USERNAME", 2, 6)], level) == standing
    assert united(standing, [result("USERNAME", 2, 10)], level) == [result("USERNAME", 2, 10)]
    assert united(standing, [], level) == standing
    assert united([result("CARD", 2, 7)], [result("PHONE", 4, 6)], level) == [
        result("CARD", 2, 6)
    ]  # cut where %0A begins
    assert united([result("CARD", 14, 22)], [result("PHONE", 18, 22)], level) == [result("CARD", 14, 22)]
    assert united([result("NAME", 7, 13)], [], level) == [result("NAME", 9, 13)]  # no part of a spelling is left


def test_an_escape_is_never_cut():
    """What is written in a value's place leaves the escapes beside it whole."""

    class Text:
        text, key, kind = '{"a\\": "\\nada@example.org\\n\\u00fcber@x.org\\t"}', None, "text"

    (masked,) = Anonymizer(PiiSettings(), ANALYZER).anonymize([Text()]).texts
    assert masked == '{"a\\": "\\n[EMAIL_ADDRESS_1]\\n[EMAIL_ADDRESS_2]\\t"}'


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("\\nu00fc%40&#;=\n4a1 @.\"'+?x"), max_size=40))
def test_anything(text):
    """Findings are apart, in order, and within the text."""
    at = 0
    for result in ANALYZER.patterns(text):
        assert at <= result.start < result.end <= len(text)
        at = result.end
