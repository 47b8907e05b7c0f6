"""A label and its value in whatever way they stand beside each other: each way with labels of each kind."""

from __future__ import annotations

import json

import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer

RULES = Analyzer(PiiSettings(packs=tuple(p for p in PACKS if p != "extended"), names={"enabled": False}))

VALUES = {
    "passport": "C01X00T47",
    "social security number": "536221845",
    "account number": "76983425",
    "member id": "XQH-4471-902",
    "IMEI": "356938035643809",
    "steuer_id": "86 241 209 577",
    "date of birth": "12/05/1980",
    "phone": "4155550132",
    "password": "hunter2xyz",
    "mot de passe": "Soleil2020",
    "api key": "8vXz7TbN0mWc5RyPfGd8Ea1U",
    "CVV": "123",
}
WAYS = {
    "dot leaders": "{label}......: {value}",
    "emphasis": "**{label}:** {value}",
    "brackets": "{label}: [{value}]",
    "a list of one": '{{"{label}": ["{value}"]}}',
    "a field below it": '{{"{label}": {{"value": "{value}"}}}}',
    "a field below it, behind another": '{{"{label}": {{"country": "DE", "number": "{value}"}}}}',
    "type and value": '{{"id": 7, "type": "{label}", "value": "{value}"}}',
    "an element below it": "<{label}><value>{value}</value></{label}>",
    "a question": "What is your {label}?\n{value}",
    "a question and a speaker": "What is your {label}?\nCustomer: {value}",
    "words about it": "the {label} of my son, by the way, is {value}",
    "words that lead to it": "the {label} printed on the form is {value}",
    "the label behind": "{value} is my {label}",
    "the label in brackets": "{value} ({label})",
    "an arrow": "{label} -> {value}",
    "as it": "use {value} as the {label}",
}


@pytest.mark.parametrize("way", WAYS)
def test_is_found(way):
    """Whole."""
    for label, value in VALUES.items():
        text = WAYS[way].format(label=label, value=value)
        covered = {at for r in RULES.analyze(text) for at in range(r.start, r.end)}
        start = text.rindex(value)
        assert all(at in covered or not text[at].isalnum() for at in range(start, start + len(value))), text


@pytest.mark.parametrize(
    "text",
    [
        '{"password": ["This field is required."], "email": ["Enter a valid email."]}',
        "What is your password policy?\nWe require 12 characters.",
        "What is your account number format?\n8 digits.",
        "100 is the account limit.",
        "passport renewals rose by 12 % in 2023 (passport)",
        "2023 was the licence year",
        '{"passport": {"required": true, "number": 3}}',
        '{"fields": [{"name": "password", "value": ""}]}',
        "RFC 7519 is the token format",
        "AES256 is the key algorithm",
        "Type your PIN (4 digits).",
        "the password printed on the form is wrong",
        "version 2 (password)",
        '<input type="password" name="password" placeholder="Password">',
        "What is the token limit?\n8192",
        "the password's strength matters",
        "use AES256 as the algorithm",
    ],
)
def test_nothing(text):
    """What only looks like it."""
    assert RULES.analyze(text) == []


@pytest.fixture(scope="module")
def with_names():
    """The name models as well."""
    return Analyzer(PiiSettings(packs=tuple(p for p in PACKS if p != "extended")))


@pytest.mark.parametrize("name", ["Jessica", "Michael Jordan", "Sommer", "Rosa", "Ada"])
@pytest.mark.parametrize("rest", ["!1990", ";2020", "#7x", "&9k"])
def test_a_name_within_a_password_leaves_nothing_of_it(name, rest, with_names):
    """The password goes as a whole, whatever the name model says of its beginning."""
    value = name.replace(" ", "") + rest
    text = f"Passwort: {value}"
    assert [(r.entity_type, text[r.start : r.end]) for r in with_names.analyze(text)] == [("PASSWORD", value)]


@pytest.mark.parametrize("between", ["_", " - ", "·", "•", "・", " ", "-", "."])
def test_groups_of_a_card(between):
    """However they are parted."""
    number = between.join(("4111", "1111", "1111", "1111"))
    text = f"charged {number} today"
    assert [text[r.start : r.end] for r in RULES.analyze(text)] == [number]


def test_keys_in_camel_case_beyond_ascii():
    """As those of English."""
    for key, value in {
        "numéroDeCompte": "76983425",
        "vergiNumarası": "1503902047",
        "clientTéléphone": "0612345678",
    }.items():
        text = json.dumps({"id": 7, key: value}, ensure_ascii=False)
        assert [text[r.start : r.end] for r in RULES.analyze(text)] == [value]


@pytest.mark.parametrize(
    "token",
    [
        "bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "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",
        "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
    ],
)
def test_tokens_in_other_letters_than_most(token):
    """A bot's with the word before it, one without digits, one in lower case."""
    text = f"I pasted {token} here"
    assert [text[r.start : r.end] for r in RULES.analyze(text)] == [token]
    assert RULES.analyze("hf_transferEnabledForEveryDownloadOfModels") == []


@pytest.mark.parametrize("place", ["safe", "front door", "garage", "lockbox", "building"])
@pytest.mark.parametrize(
    "way", ["the code to the {} is 4821#", "the code for our {} is 4821", "my code for my {}: 4821"]
)
def test_codes_of_places(place, way):
    """With the sign that ends them at the door."""
    text = way.format(place)
    assert [text[r.start : r.end].rstrip("#") for r in RULES.analyze(text)] == ["4821"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the password is case sensitive: ApplePie9", "ApplePie9"),
        ("the password for the vault has an umlaut: Bäume77", "Bäume77"),
        ("gate code: #4455", "#4455"),
        ("conta n.º 0182-1234-56-0201234567", "0182-1234-56-0201234567"),
        ("passaporte n.º AB123456", "AB123456"),
        ("Zugang: admin / S3cret99", "S3cret99"),
        ("green card number SRC1234567890", "SRC1234567890"),
        ("T: 030/123456 F: 030/123457", "030/123457"),
        ("card: **** **** **** 4242", "**** **** **** 4242"),
    ],
)
def test_what_leads_to_a_value(text, value):
    """Words about it, a sign of its own, another value before it."""
    found = [text[r.start : r.end] for r in RULES.analyze(text)]
    assert any(value.strip("#") in one for one in found)


@pytest.mark.parametrize("text", ["Karte Nr 5454 5454 5454 5454", "Zugang: admin / S3cret99"])
def test_a_label_is_nobody(text, with_names):
    """Whatever the name model says of a word with a capital at the beginning."""
    assert "PERSON" not in [r.entity_type for r in with_names.analyze(text)]


@pytest.mark.parametrize("name", ["Chase", "Rosa", "Pat", "Mark", "Grace"])
def test_a_given_name_that_begins_a_label_is_somebody(name, with_names):
    """As ever."""
    text = f"I met {name} Holloway and {name} sent me the form."
    assert [r.entity_type for r in with_names.analyze(text)][:1] == ["PERSON"]


STAND_INS = (
    "REPLACE_ME_123 SETME123 set-me NOT_A_REAL_SECRET_123 do-not-use INVALID_123 mock-api-key-12345 stub-key-1 sk-your-api-key "
    "sk-test ghp_yourtokenhere AKIAEXAMPLE EXAMPLEKEY 1234567890abcdef 0123456789abcdef0123456789abcdef unit-test-secret-1 "
    "lorem-ipsum-1"
)


@pytest.mark.parametrize("value", STAND_INS.split())
@pytest.mark.parametrize(
    "way", ["API_KEY={}", 'api_key = "{}"', "password: {}", '"clientSecret": "{}"', "x-api-key: {}"]
)
def test_what_stands_for_a_secret(value, way):
    """Whatever name stands before it."""
    assert RULES.analyze(way.format(value)) == []


@pytest.mark.parametrize(
    "value", ["836e3fdd362bdc7d1234567890abcdef", "invalid9Xpw!", "mock-Xy7kQ2", "real0nes", "notNow#7"]
)
def test_what_only_begins_as_such(value):
    """Is one."""
    text = f"password: {value}"
    assert [text[r.start : r.end] for r in RULES.analyze(text)] == [value]


CALLS = {
    "0176 12345678": "Rufe mich an unter|Sie erreichen mich unter|Du erreichst mich unter|Melde dich:",
    "612 345 678": "Marca al|Escríbeme:|Llámame al",
    "0612345678": "App me:|Bel me op|Sms me op",
    "070-123 45 67": "Kontakta mig på|Nå mig på|Kontakta oss:",
    "20 12 34 56": "Ring til mig på|Kontakt mig:|Ring på",
    "777 123 456": "Volej na|Volejte|Zavolej mi na",
}


@pytest.mark.parametrize(("number", "call"), [(n, c) for n, calls in CALLS.items() for c in calls.split("|")])
def test_calls(number, call):
    """The number that somebody is to be called at, in the imperative of more languages."""
    text = f"{call} {number}"
    assert [text[r.start : r.end] for r in RULES.analyze(text)] == [number]


def test_vehicles():
    """After their label, in every configuration."""
    default = Analyzer(PiiSettings(names={"enabled": False}))
    for text, value in {
        "the VIN of my car is WVWZZZ1JZ3W386752": "WVWZZZ1JZ3W386752",
        '{"vin":"WVWZZZ1JZ3W386752"}': "WVWZZZ1JZ3W386752",
        "the license plate of the other car was 7ABC123": "7ABC123",
        "Kennzeichen: B-MW 1234": "B-MW 1234",
    }.items():
        assert [text[r.start : r.end] for r in default.analyze(text)] == [value]
    for text in ("the license plate was new in 2020", "license plate required", "the VIN has 17 characters"):
        assert default.analyze(text) == []
