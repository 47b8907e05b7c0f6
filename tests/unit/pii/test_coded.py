"""What is coded is read: in lines, in dumps, in base85, joined to words; and what only looks like it is left."""

from __future__ import annotations

import base64
import hashlib
import itertools
import textwrap

import pytest

from extproc.config.pii import PiiSettings
from extproc.pii import Analyzer, coded
from extproc.pii.edges import joined

RULES = Analyzer(PiiSettings(names={"enabled": False}))
VALUES = {
    "EMAIL_ADDRESS": "jane.doe@example.com",
    "US_SSN": "536-22-1845",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
}


def b64(text):
    """In one piece."""
    return base64.b64encode(text.encode()).decode()


def lines(text, width, joint="\n"):
    """Wrapped."""
    return joint.join(text[at : at + width] for at in range(0, len(text), width))


def dump(text, groups, *, canonical):
    """As `xxd` writes it, or `hexdump -C`."""
    rows, data = [], text.encode()
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        shown = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        hexed = row.hex(" ", -groups)
        rows.append(f"{at:08x}  {hexed:<48} |{shown}|" if canonical else f"{at:08x}: {hexed:<39}  {shown}")
    return "\n".join(rows)


SENTENCE = "please write to {} about the refund, thank you"
CODED = {
    **{f"base64 in lines of {n}": lambda t, n=n: lines(b64(t), n) for n in (16, 20, 22, 40, 60, 64, 76)},
    "base64 in lines of CRLF": lambda t: lines(b64(t), 20, "\r\n"),
    "base64, indented": lambda t: lines(b64(t), 20, "\n    "),
    "base64 in a reply": lambda t: "> " + lines(b64(t), 40, "\n> "),
    "base64 in a literal": lambda t: '("' + lines(b64(t), 40, '"\n "') + '")',
    "base64 in a PEM frame": lambda t: f"-----BEGIN MESSAGE-----\n{lines(b64(t), 64)}\n-----END MESSAGE-----",
    "base64 with escaped breaks": lambda t: lines(b64(t), 40, r"\n"),
    "base64 of base64": lambda t: b64(b64(t)),
    "base64 of hexadecimal": lambda t: b64(t.encode().hex()),
    "hexadecimal in lines": lambda t: lines(t.encode().hex(), 60),
    "base85": lambda t: base64.b85encode(t.encode()).decode(),
    "base85 of a field": lambda t: f"data={base64.b85encode(t.encode()).decode()}",
    "ascii85": lambda t: base64.a85encode(t.encode(), adobe=True).decode(),
    "bytes": lambda t: t.encode().hex(" "),
    "bytes with colons": lambda t: t.encode().hex(":").upper(),
    "bytes in twos": lambda t: t.encode().hex(" ", -2),
    "bytes as literals": lambda t: ", ".join(f"0x{c:02x}" for c in t.encode()),
    "bytes on lines": lambda t: "\n".join(textwrap.wrap(t.encode().hex(" "), 48)),
    "xxd": lambda t: dump(t, 2, canonical=False),
    "hexdump": lambda t: dump(t, 1, canonical=True),
    "eight digits": lambda t: "".join(f"\\U{ord(c):08x}" for c in t),
    "braces": lambda t: "".join(f"\\x{{{ord(c):x}}}" for c in t),
    "numbers of HTML without semicolon": lambda t: "".join(f"&#{ord(c)}" for c in t),
    "percent, three times": lambda t: "".join(f"%2525{ord(c):02X}" for c in t),
}


@pytest.mark.parametrize("how", CODED)
def test_read(how):
    """The value is found, and all of it is covered by what is found."""
    for kind, around in itertools.product(VALUES, ("{}", "It says:\n{}\nend of it.")):
        text = around.format(CODED[how](SENTENCE.format(VALUES[kind])))
        found = [r for r in RULES.analyze(text) if r.entity_type == kind]
        assert found, (kind, around)
        masked = text
        for result in sorted(found, key=lambda r: -r.start):
            masked = masked[: result.start] + " " + masked[result.end :]
        assert kind not in {r.entity_type for r in RULES.analyze(masked)}, around


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(20)),
        lines(base64.b64encode(hashlib.sha512(b"x").digest() * 9).decode(), 64),
        hashlib.sha512(b"y").digest().hex(" "),
        hashlib.sha512(b"y").digest().hex(" ", -2),
        base64.b85encode(hashlib.sha512(b"z").digest()).decode(),
        "internationalization\nlocalizationandmore\nglobalization",
        "1234 5678 2345 6789 3456 7890 4567",
        "def a_function_of_some_length(self, argument_one, argument_two):\n    return another_function_of_length()\n",
    ],
)
def test_what_says_nothing(text):
    """Digests, numbers, identifiers."""
    assert coded.all_runs(text) == []


@pytest.mark.parametrize("value", VALUES.values())
@pytest.mark.parametrize(
    "form", ["user_{}_backup", "export_{}.csv", "{}.pdf", "__{}__", "*{}*", "report-{}.docx", "scan_{}_v2.png"]
)
def test_joined_to_words(value, form):
    """By underscores and dashes, by the end of a file's name, between signs of emphasis."""
    value = value.replace(" ", "")
    text = form.format(value)
    covered = {at for r in RULES.analyze(text) for at in range(r.start, r.end)}
    start = text.index(value)
    assert all(at in covered for at in range(start, start + len(value)) if text[at].isalnum())


@pytest.mark.parametrize(
    "text",
    [
        "release_2024-05-12_v2",
        "order_1234567890_x",
        "img_1234567890123.png",
        "part_12-345-6789_rev",
        "build_20240512_1432.log",
        "pkg@1.2.3.tgz",
        "main@v2.min.js",
        "foo@bar.pdf",
        "icon@2x.png.zip",
        "xQ7bT0mWc5Ry_4111111111111111_Zk9xA1b2C3d4E5f6G7h8",
    ],
)
def test_joined_to_no_words(text):
    """Dates, builds, parts, files, identifiers."""
    assert RULES.analyze(text) == []


def test_where_signs_join():
    """Words on both sides, or the same sign of emphasis."""
    assert joined("a_12_b", 2, 4)
    assert joined("**12**", 2, 4)
    assert not joined("xY9z_12_b", 5, 7)
    assert not joined("*12", 1, 3)


@pytest.mark.parametrize(
    ("key", "value", "is_found"),
    [
        ("pin", "4821", True),
        ("cvv", "737", True),
        ("cardCvc", "737", True),
        ("otp", "482913", True),
        ("securityCode", "737", True),
        ("user_pin", "0000", True),
        ("pins", "4000", False),
        ("pin_count", "4821", False),
        ("token", "4821", False),
        ("pincode", "560001", False),
        ("cvv", "73", False),
    ],
)
def test_digits_under_a_key(key, value, is_found):
    """A PIN or the code of a card is nothing but digits; its key says so."""
    assert bool(RULES.analyze(value, key)) == is_found
