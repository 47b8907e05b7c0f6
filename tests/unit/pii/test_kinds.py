"""Kinds of evidence, each with generated values: what makes a value one, and what of the same form is none."""

from __future__ import annotations

import itertools

import phonenumbers
import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer
from extproc.pii.counts import is_count

REGIONAL = tuple(pack for pack in PACKS if pack != "extended")
RULES = Analyzer(PiiSettings(packs=REGIONAL, names={"enabled": False}))


@pytest.fixture(scope="module")
def with_names():
    """Every pack but `extended`, and the name models."""
    return Analyzer(PiiSettings(packs=REGIONAL))


def found(text, analyzer=RULES):
    """Types and values."""
    return [(r.entity_type, text[r.start : r.end]) for r in analyzer.analyze(text)]


def values(text):
    """Values alone."""
    return [value for _, value in found(text)]


ACCOUNTS = {
    "account number": ["76983425", "1234567-8", "12-3456-7890123-00", "00 1234 5678 9012"],
    "kontonummer": ["1503.40.12345", "8327-9, 123 456 789-2", "532 013 000"],
    "acct": ["XXXX-XXXX-1234", "xxxxxx1234", "XX1234"],
    "MICR": ["400002010"],
    "C/C": ["12.345-6", "98765-4", "0-123456789-01"],
    "CCI": ["002-191-012345678044-55"],
    "číslo účtu": ["19-2000145399/0800"],
    "국민은행": ["123456-04-123456"],
    "普通": ["7654321"],
}


@pytest.mark.parametrize(("label", "value"), [(label, v) for label, listed in ACCOUNTS.items() for v in listed])
@pytest.mark.parametrize("between", [": ", " "])
def test_accounts_in_the_forms_of_their_countries(label, value, between):
    """Whole, right after their label."""
    assert value in values(f"please use {label}{between}{value} today")


@pytest.mark.parametrize("hidden", ["****", "••••", "****-"])
def test_accounts_that_are_hidden_but_for_their_end(hidden):
    """What is left of them goes; a number behind signs of emphasis is nobody's."""
    assert [value[-4:] for value in values(f"to my acct {hidden}4321 today")] == ["4321"]
    assert values("**account** 2024") == []


@pytest.mark.parametrize("unit", ["rows", "days", "users", "passports", "% of it", "ms"])
@pytest.mark.parametrize("label", ["account", "checking", "member id", "passport", "phone"])
def test_counts_are_nobodys(label, unit):
    """A label before it or not, a number says how many of what stands behind it."""
    text = f"{label} 250000 {unit}"
    start = text.index("250000")
    assert is_count(text, start, start + 6)
    assert found(text) == []


def test_the_number_of_several_is_none_of_theirs():
    """In the plural it counts; in the singular it is one."""
    assert found("the number of passports issued is 123456") == []
    assert values("the number of her passport is X12345678") == ["X12345678"]


WHOSE = ["the number is", "number:", "new phone, number's", "numbers are", "number for my mom is", "I'm on", "text"]


@pytest.mark.parametrize("said", WHOSE)
@pytest.mark.parametrize("value", ["4155550132", "07700900123", "9876543210"])
def test_a_number_that_only_is_called_one(said, value):
    """By the plan of a country, and by what is said around it."""
    assert ("PHONE_NUMBER", value) in found(f"{said} {value}")


@pytest.mark.parametrize(
    "said", ["port number is", "number of rows is", "the max number is", "version number:", "our number of staff is"]
)
@pytest.mark.parametrize("value", ["4155550132", "9876543210"])
def test_numbers_of_things(said, value):
    """Another noun before it or behind."""
    assert found(f"{said} {value}") == []


@pytest.mark.parametrize("value", ["3141592653", "1234567890", "12345678"])
def test_numbers_of_no_plan(value):
    """Digits alone are no telephone."""
    assert found(f"the number is {value}") == []


@pytest.mark.parametrize(
    "text",
    [
        "the PIN for my card is ⟦4821⟧",
        "PIN of my phone: ⟦482193⟧",
        "the CVV on the back of my card is ⟦737⟧",
        "the code for the alarm is ⟦4471⟧",
        "gate code: ⟦0913⟧",
        "the card number ends with ⟦1111⟧",
        "ID card number of the owner ⟦T220001293⟧",
        "her account with the bank is under ⟦30291847⟧",
        "the licence held by my brother has number ⟦D1234567⟧",
        "my account, it's ⟦30291847⟧",
        "cuenta bancaria terminada en ⟦9912⟧",
        "contacts:\n  - ⟦9123456780⟧\n  - ⟦9876501234⟧",
    ],
)
def test_values_beyond_words_about_them(text):
    """Whose it is, where it stands, what it is for: between a label and its value."""
    bare = text.replace("⟦", "").replace("⟧", "")
    covered = {at for r in RULES.analyze(bare) for at in range(r.start, r.end)}
    parts = text.replace("⟧", "⟦").split("⟦")
    at = 0
    for nth, part in enumerate(parts):
        assert nth % 2 == 0 or covered.issuperset(range(at, at + len(part)))
        at += len(part)


@pytest.mark.parametrize("host", ["sapo.pt", "iol.pt", "yahoo.rs", "correo.com.py", "mail.net.so"])
def test_mail_of_countries_that_are_ends_of_files_too(host):
    """Portugal, Serbia, Paraguay, Somalia."""
    assert found(f"write to rui.costa@{host} please") == [("EMAIL_ADDRESS", f"rui.costa@{host}")]


@pytest.mark.parametrize("value", ["main@lib.rs", "v1.2@best.pt", "foo@bar.py", "model@weights-last.pt", "x@libfoo.so"])
def test_files_of_those_ends(value):
    """Sources, models, libraries."""
    assert found(f"open {value} now") == []


STAND_INS = [
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "supersecretkey",
    "my-secret-token",
    "PutYourKeyHere",
    "Password123Here",
    "abcdef123456",
    "1234567890",
    "REPLACE_ME_123",
]


@pytest.mark.parametrize("value", STAND_INS)
@pytest.mark.parametrize("name", ["API_KEY=", "SECRET_KEY: ", "token = "])
def test_stand_ins(name, value):
    """What is to be put in their place is nobody's yet."""
    assert found(name + value) == []


@pytest.mark.parametrize("value", ["yourPass77", "myPassw0rt", "MyPassword1", "Change-It-99x!Q", "abc123x!9"])
def test_passwords_that_begin_like_stand_ins(value):
    """And go on otherwise."""
    assert values(f"password: {value}") == [value]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://user:password@localhost/db",
        "mongodb://<user>:<password>@cluster0.example.net",
        "curl -u user:pass https://example.com",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "username: admin",
    ],
)
def test_samples_of_credentials(text):
    """As manuals print them."""
    assert [kind for kind, _ in found(text) if kind != "URL"] == []


THINGS = {
    "Frank": ["discussions are welcome", "talks followed"],
    "Amber": ["lights and warnings", "alert was issued"],
    "Rose": ["petals on the floor", "gold rings"],
    "Violet": ["eyes", "is a colour"],
    "Robin": ["is a small bird", "eggs are blue"],
    "Murphy": ["'s law applies"],
    "Florence": ["is lovely in May"],
    "Katrina": [],
}


@pytest.mark.parametrize(("word", "rest"), [(word, rest) for word, listed in THINGS.items() for rest in listed])
def test_a_name_before_what_nobody_is_called_by(word, rest, with_names):
    """Wares, colours, creatures; laws of people long dead; weather of towns."""
    text = f"{word}{'' if rest.startswith(chr(39)) else ' '}{rest}."
    assert found(text, with_names) == []


@pytest.mark.parametrize("word", ["Frank", "Amber", "Rose", "Violet", "Robin", "Murphy", "Katrina"])
@pytest.mark.parametrize("rest", ["sent me the invoice", "called my office about it"])
def test_the_same_names_of_people(word, rest, with_names):
    """They do what people do."""
    assert ("PERSON", word) in found(f"{word} {rest}.", with_names)


LISTS = [
    "Violet, Indigo and Blue",
    "Ginger, Basil and Rosemary",
    "Chad, Mali and Niger",
    "Crystal, Emerald and Opal",
    "Stanford, Cornell and Brown",
]


@pytest.mark.parametrize("text", LISTS)
def test_lists_of_one_kind(text, with_names):
    """Colours, herbs, countries, stones, universities."""
    assert found(text, with_names) == []


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.combinations(["Ruby", "Amber", "Rosemary", "Mario", "Daisy"], 2))
)
def test_two_people_with_names_of_things(first, second, with_names):
    """Two of a kind prove nothing: both are asked for."""
    text = f"Please ask {first} Weston and {second} Hale for the keys."
    assert {value for _, value in found(text, with_names)} >= {f"{first} Weston", f"{second} Hale"}


def test_names_in_code_by_their_keys(with_names):
    """Between quotes, under a key that holds nothing else."""
    text = "const user = { firstName: 'Lena', lastName: 'Hart', role: 'Owner' };"
    assert found(text, with_names) == [("PERSON", "Lena"), ("PERSON", "Hart")]
    assert found("{ firstName: 'Required', lastName: 'String' }", with_names) == []
    assert found("items:\n  - 1001\nname: widget", with_names) == []


ASKED = {
    "Agent: may I have your ssn?\nCustomer: ⟦536-22-8741⟧": "US_SSN",
    "Agent: your phone number please\nAda: ⟦4155550132⟧": "PHONE_NUMBER",
    "Q: What's your date of birth?\nA: ⟦05/12/1980⟧": "DATE_OF_BIRTH",
    "Agent: account number?\nCustomer: it's ⟦76983425⟧": "US_BANK_NUMBER",
    "[10:02] bot: account number?\n[10:03] Ada: ⟦76983425⟧": "US_BANK_NUMBER",
}


@pytest.mark.parametrize("text", ASKED)
def test_asked_for_and_answered_on_the_next_line(text):
    """Behind the name of who answers."""
    bare, value = text.replace("⟦", "").replace("⟧", ""), text[text.index("⟦") + 1 : text.index("⟧")]
    assert (ASKED[text], value) in found(bare)


CALLS = {
    "DE": ["Ruf mich an: {}", "Melden Sie sich unter {}", "Schreib mir: {}"],
    "FR": ["Appelle-moi au {}", "Écris-moi au {}"],
    "ES": ["Llámame al {}", "mi numero {}"],
    "IT": ["Chiamami al {}", "Scrivimi al {}"],
    "BR": ["Me liga no {}", "Fale comigo: {}"],
    "NL": ["Bel me op {}", "App me op {}"],
    "PL": ["Zadzwoń pod {}", "Napisz na {}"],
    "SE": ["Ring mig på {}", "Smsa mig på {}"],
    "DK": ["Skriv til {}"],
    "UA": ["Подзвони мені {}"],
    "GR": ["Πάρε με στο {}"],
    "VN": ["Liên hệ {}"],
    "CN": ["联系我 {}"],
    "IL": ["התקשר אליי {}"],
    "KE": ["Nipigie {}"],
    "LV": ["Zvani man {}"],
}


@pytest.mark.parametrize(("region", "said"), [(region, said) for region, listed in CALLS.items() for said in listed])
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_where_somebody_is_to_be_called(region, said, kind):
    """In the national form, grouped and in one piece."""
    number = phonenumbers.example_number_for_type(region, kind)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    for value in (national, "".join(filter(str.isdigit, national))):
        text = said.format(value)
        covered = {at for r in RULES.analyze(text) for at in range(r.start, r.end)}
        start = text.index(value)
        assert all(at in covered for at in range(start, start + len(value)) if text[at].isdigit()), text


def test_names_in_tables_and_elements(with_names):
    """A surname first, in quotes; elements that hold nothing else; a head that other heads make one of people."""
    for text, values in {
        'Name,DOB,SSN\n"Okafor, Chidi",05/12/1980,536-22-8741': ["Okafor, Chidi"],
        "Patient Name: OKAFOR, CHIDI  MRN: 00482913": ["OKAFOR, CHIDI"],
        "<contact><firstName>Chidi</firstName><lastName>Okafor</lastName></contact>": ["Chidi", "Okafor"],
    }.items():
        assert {("PERSON", value) for value in values} <= set(found(text, with_names)), text
    assert found("name,stars\nVue,207000\nReact,225000", with_names) == []


@pytest.mark.parametrize(
    "value",
    [
        "postgres://postgres:postgres@localhost:5432/app",
        "amqp://guest:guest@localhost:5672",
        "POSTGRES_PASSWORD=postgres",
    ],
)
def test_accounts_that_every_machine_has(value):
    """Whose password is their name."""
    assert [kind for kind, _ in found(value) if kind != "URL"] == []


def test_repeated_hexadecimals_are_samples():
    """Nobody's key repeats itself; a password may."""
    assert found("api_key: deadbeefdeadbeefdeadbeefdeadbeef") == []
    assert values("password: hunter2hunter2hunter2") == ["hunter2hunter2hunter2"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("SMTP_PASS=Winter2024!x", "PASSWORD", "Winter2024!x"),
        ("password: >-\n  Winter2024!x", "PASSWORD", "Winter2024!x"),
        ("wifi pw Sunny-Days-99!", "PASSWORD", "Sunny-Days-99!"),
        ("\U0001f4de 4155550166", "PHONE_NUMBER", "4155550166"),
        ("my #: 4155550166", "PHONE_NUMBER", "4155550166"),
        ("Geb.-Dat.: 3.4.1971", "DATE_OF_BIRTH", "3.4.1971"),
    ],
)
def test_signs_beside_labels_and_values(text, kind, value):
    """A value goes on behind a sign; a picture, a sign for number and a block of YAML stand before one."""
    assert (kind, value) in found(text)


NEW_NUMBERS = {
    "meine neue Nummer: {}": "017612345678",
    "mi nuevo número es {}": "612345678",
    "meu novo número é {}": "11987654321",
    "mój nowy numer to {}": "512345678",
    "我的新号码是{}": "13812345678",
    "새 번호는 {}": "01012345678",
    "계좌번호는 {} 입니다": "1002-123-456789",
    "write ada@example.org, {}": "07700900123",
}


@pytest.mark.parametrize("said", NEW_NUMBERS)
def test_new_numbers_and_those_beside_an_address(said):
    """An adjective between, a particle behind, an address before."""
    assert NEW_NUMBERS[said] in values(said.format(NEW_NUMBERS[said]))


@pytest.mark.parametrize(
    "text", ["Peter 1:3", "George VI", "Markov chain", "Jasmine rice", "Dallas Cowboys", "Ezekiel 25:17"]
)
def test_verses_monarchs_and_wares(text, with_names):
    """What stands right behind a name makes it none."""
    assert found(text, with_names) == []


def test_who_writes_at_what_time(with_names):
    """A time of the day is no verse."""
    assert ("PERSON", "Peter") in found("Peter 10:32: I am late", with_names)
