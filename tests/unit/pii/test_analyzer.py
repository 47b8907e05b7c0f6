"""What is found, by which evidence, and what is left alone."""

from __future__ import annotations

import itertools

import pytest

from extproc import pii
from extproc.config.pii import PACKS, PiiSettings
from extproc.errors import ConfigError
from extproc.pii import Analyzer, RecognizerResult
from tests.unit.pii.shared import NO_MODEL, analyze


def found(text, key=None, analyzer=None):
    """Type and text of each finding."""
    results = analyzer.analyze(text, key) if analyzer else analyze(text)
    return [(result.entity_type, text[result.start : result.end]) for result in results]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to ada@example.org.", [("EMAIL_ADDRESS", "ada@example.org")]),
        ("12 john1@x.com", [("EMAIL_ADDRESS", "john1@x.com")]),
        ("邮箱foo@bar.com", [("EMAIL_ADDRESS", "foo@bar.com")]),
        ("call (415) 555-0132 today", [("PHONE_NUMBER", "(415) 555-0132")]),
        ("or 1 (415) 555-0132", [("PHONE_NUMBER", "1 (415) 555-0132")]),
        ("+44 (0)20 7946 0958, room 12", [("PHONE_NUMBER", "+44 (0)20 7946 0958")]),
        ("Desk: 5551234567 ext 9", [("PHONE_NUMBER", "5551234567")]),
        ("手机号13812345678", [("PHONE_NUMBER", "13812345678")]),
        ("4111 1111 1111 1111 12/28", [("CREDIT_CARD", "4111 1111 1111 1111")]),
        ("GB29 NWBK 6016 1331 9268 19 ALL CAPS", [("IBAN_CODE", "GB29 NWBK 6016 1331 9268 19")]),
        ("GET 200 81.2.69.142", [("IP_ADDRESS", "81.2.69.142")]),
        ("[2a00:1450::8a2e:370:7334]:80", [("IP_ADDRESS", "2a00:1450::8a2e:370:7334")]),
        ("PESEL: 44051401458 NIP 856-734-62-15", [("PL_PESEL", "44051401458"), ("PL_NIP", "856-734-62-15")]),
        ("1EG4-TE5-MK73", [("US_MBI", "1EG4-TE5-MK73")]),
        ("https://ada:s3cret@db.example.org/x?y", [("URL_CREDENTIALS", "https://ada:s3cret@db.example.org/x?y")]),
        ("password: hunter2!x", [("PASSWORD", "hunter2!x")]),
        ("his password is 'RBI Payments2024!'.", [("PASSWORD", "RBI Payments2024!")]),
        ("Born 12 May 1980 in Bonn", [("DATE_OF_BIRTH", "12 May 1980")]),
        ("Authorization: Bearer abcdefgh12345678", [("PASSWORD", "abcdefgh12345678")]),
    ],
)
def test_found(text, expected):
    """Shape, checksum, plan, issuer or label: each is enough where it is distinctive."""
    assert expected == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "pi is 3.14159265358979",
        "order 415-555-0132",
        "version 12.34.56.78",
        "std::vector<int> a::b",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "x4111111111111111",
        "4111111111111111.5",
        "Your password is required; the password field is optional.",
        "password = os.environ['DB_PASSWORD']",
        "const password: string",
        "the public policy lic 123456789",
        "the ratio 12:34:56 was 7/8",
        "FF:FF:FF:FF:FF:FF",
        '{"object": "text_completion", "created": 1759118173}',
        "FV 0932/01/2026; wartość",
        "20 %, $1,234,567,890 and 5*1234567890",
        "ts 4484216898769",
    ],
)
def test_left_alone(text):
    """Numbers of code, sums, versions, hashes and invoices are nobody's."""
    assert found(text) == []


def test_nearest_label_wins():
    """An older label does not reach past a nearer one."""
    text = "Phone: on file. NPI: 1234567893"
    assert found(text) == [("US_NPI", "1234567893")]


def test_labelled_value_with_broken_checksum():
    """A typing error is personal data too, but only right after its label."""
    assert found("PESEL 44051401459") == [("PL_PESEL", "44051401459")]
    assert found("We know of 44051401459 things.") == []


def test_torn_value_after_label():
    """Spaced, dotted, broken or misread digits are held together by their label."""
    for value in ("4 4 0 5 1 4 0 1 4 5 8", "4.4.0.5.1.4.0.1.4.5.8", "440514\n01458", "44O5l4Ol458"):
        assert [("PL_PESEL", value)] == found(f"PESEL: {value}\n")


def test_head_of_column():
    """A label over a column names the values below it."""
    text = "| name | NPI | Phone |\n|---|---|---|\n| Ada | 7254265417 | 970.941.3832 |\n"
    assert found(text) == [("US_NPI", "7254265417"), ("PHONE_NUMBER", "970.941.3832")]
    assert found("name,account number\nAda,76983425\n") == [("US_BANK_NUMBER", "76983425")]


def test_label_after():
    """A label right after a value counts."""
    assert found("AAA123456 es mi número de pasaporte") == [("PASSPORT", "AAA123456")]


@pytest.mark.parametrize("key", ["phone", "customerPhone", "home-phone", "Telefonnummer"])
def test_key_is_a_label(key):
    """The JSON key of a value names it."""
    analyzer = Analyzer(PiiSettings(packs=PACKS, names=NO_MODEL))
    assert found("601234567", key, analyzer) == [("PHONE_NUMBER", "601234567")]
    assert found("601234567", "created", Analyzer(PiiSettings(names=NO_MODEL))) == []


def test_whole_value():
    """A value that is the whole text needs its checksum only, the same inside prose its label."""
    assert found("10000000146") == [("TR_NATIONAL_ID", "10000000146")]
    assert found("the number 10000000146 of them") == []


def test_packs():
    """Without packs: the global set, and of every region what a checksum or a shape gives away."""
    plain, us = Analyzer(PiiSettings(names=NO_MODEL)), Analyzer(PiiSettings(packs=("us",)))
    assert "US_SSN" in plain.entity_types
    assert "UK_SORT_CODE" not in plain.entity_types
    assert "TAX_ID" not in plain.entity_types
    assert "TAX_ID" in us.entity_types
    assert found("See https://example.org/a", analyzer=plain) == []


def test_named_type_is_on():
    """Naming a type in `entities` switches it on; `keep` does not."""
    on = Analyzer(PiiSettings(entities={"UUID": "replace"}, names=NO_MODEL))
    off = Analyzer(PiiSettings(entities={"UUID": "keep"}, names=NO_MODEL))
    value = "6f1ed002-ab5e-4c1d-9f0e-1d2c3b4a5968"
    assert [("UUID", value)] == found(value, analyzer=on)
    assert found(value, analyzer=off) == []


def test_unknown_type():
    """A type that nothing finds is a mistake, with the nearest that exists."""
    with pytest.raises(ConfigError, match="did you mean `EMAIL_ADDRESS`"):
        Analyzer(PiiSettings(entities={"EMAIL_ADRESS": "replace"}, names=NO_MODEL))


def test_own_recognizer():
    """A pattern of one's own, its checksum, its label, in any script around it."""
    settings = PiiSettings(
        recognizers=[
            {"entity": "STAFF_ID", "pattern": "ACME-[0-9]{6}"},
            {"entity": "BADGE", "pattern": "[0-9]{8}", "checksum": "luhn"},
            {"entity": "ROOM", "pattern": "[A-Z][0-9]{2}", "labels": ["room"], "score": 0.3},
        ],
        names=NO_MODEL,
    )
    analyzer = Analyzer(settings)
    assert found("für 名前 ACME-123456", analyzer=analyzer) == [("STAFF_ID", "ACME-123456")]
    assert found("a 12345674 b 12345675", analyzer=analyzer) == [("BADGE", "12345674")]
    assert found("room B12, and then much farther away from it all C13", analyzer=analyzer) == [("ROOM", "B12")]


def test_allow_and_deny():
    """Allowed values are never found, denied words always."""
    settings = PiiSettings(
        allow=["Help@Example.org"], allow_patterns=[r".*@test\.org"], deny={"PROJECT": ["Blue Heron"]}, names=NO_MODEL
    )
    text = "help@example.org a@test.org b@c.org blue heron herons"
    assert found(text, analyzer=Analyzer(settings)) == [("EMAIL_ADDRESS", "b@c.org"), ("PROJECT", "blue heron")]


def test_another_recognizer_joins():
    """A recognizer of whole texts goes through the same resolver."""

    def names(text, key):
        yield RecognizerResult("PERSON", 0, 3, 0.9)
        yield RecognizerResult("PERSON", 7, 10, 0.9)

    analyzer = Analyzer(PiiSettings(names=NO_MODEL), [names])
    assert found("Ada to bob@example.org", analyzer=analyzer) == [
        ("PERSON", "Ada"),
        ("EMAIL_ADDRESS", "bob@example.org"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call +４９ ３０ １２３４５６７ now", "+４９ ３０ １２３４５６７"),
        ("SSN 078\u200b-05\u200b-1120.", "078\u200b-05\u200b-1120"),
        ("card 4111\u00a01111\u00a01111\u00a01111!", "4111\u00a01111\u00a01111\u00a01111"),
        ("SSN 078\u201105\u20111120", "078\u201105\u20111120"),
        ("הטלפון שלי: \u202a+972 50-123-4567\u202c.", "+972 50-123-4567"),
        ("هاتف: ٠٥٠١٢٣٤٥٦٧", "٠٥٠١٢٣٤٥٦٧"),
        ("½ ﬁ ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ"),
    ],
)
def test_unicode_is_seen_through(text, value):
    """Other digits, widths, dashes and marks without width; positions are the original's."""
    results = analyze(text)
    assert [value] == [text[result.start : result.end].strip("\u202a\u202c") for result in results]


def test_findings_do_not_overlap():
    """Results come in the order of the text, none over another."""
    results = analyze(
        "https://a:b@x.org?mail=c@d.org card 4111111111111111, IBAN DE89370400440532013000 call +4930123456"
    )
    assert all(one.end <= other.start for one, other in itertools.pairwise(results))
    assert len(results) == 4


def test_evidence_never_quotes():
    """The evidence of a finding is ours: nothing of the text is in it."""
    for result in analyze("PESEL: 44051401458, ada@example.org, token ghp_16C7e42F292c6912E7710c838347Ae178B4a"):
        assert result.evidence
        assert not any(word in "44051401458 ada@example.org ghp_16C7" for word in result.evidence)


def test_names_may_be_left_out():
    """Who embeds the package can have the rules alone, which load no model."""
    text = "Ms Aisha Okafor, aisha@example.org"
    assert [r.entity_type for r in pii.analyze(text)] == ["PERSON", "EMAIL_ADDRESS"]
    assert [r.entity_type for r in pii.analyze(text, names=False)] == ["EMAIL_ADDRESS"]
