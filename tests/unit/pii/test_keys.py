"""What is made with a key: placeholders that mean the same in every request, and tokens that whoever has it turns back."""

import re

import pytest

from extproc.config.pii import PiiSettings
from extproc.errors import ConfigError
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Redactor
from extproc.pii.keys import Keys
from tests.unit.restoring import Answer, restored

ANALYZER = Analyzer(PiiSettings())
JANE, BOB = "jane.doe@example.com", "bob@example.com"
HASHED = re.compile(r"\[EMAIL_ADDRESS_[B-DF-HJ-NP-TV-XZ]{6}\]")


@pytest.fixture(name="key")
def _key(monkeypatch):
    monkeypatch.setenv("INTENTMESH_KEY", "k" * 32)


def masked(text, caller=None, **how):
    """The text as the upstream sees it, and the vault."""
    done = Anonymizer(PiiSettings(**how), ANALYZER).anonymize([Segment(text)], caller=caller)
    return done.texts[0] or text, done.vault


def test_short_counters_where_nothing_is_remembered():
    """Stateless requests keep them."""
    assert masked(f"I am {JANE}")[0] == "I am [EMAIL_ADDRESS_1]"


def test_the_same_value_across_requests():
    """One caller, one value, one placeholder; another value, another one; another caller, another one."""
    first, _ = masked(f"I am {JANE}", caller="a")
    again, vault = masked(f"{BOB} wrote, then {JANE}", caller="a")
    (jane,) = HASHED.findall(first)
    bob, second = HASHED.findall(again)
    assert jane == second != bob
    assert HASHED.findall(masked(f"I am {JANE}", caller="b")[0]) != [jane]
    assert restored(vault, f"{jane} {bob} [EMAIL_ADDRESS_1] [EMAIL_ADDRESS_ZZZZZZ]") == (
        f"{JANE} {BOB} [EMAIL_ADDRESS_1] [EMAIL_ADDRESS_ZZZZZZ]"
    )


def test_an_unknown_one_stays():
    """Turn 2 knows nothing of turn 1: what the upstream remembers of it never becomes somebody else's address."""
    first, _ = masked(f"I am Jane, my mail is {JANE}", caller="")
    second, vault = masked(f"Forward it to {BOB}. Which address did Jane write from?", caller="")
    for remembered in [*HASHED.findall(first), "[EMAIL_ADDRESS_1]", "EMAIL_ADDRESS_1"]:
        assert restored(vault, f"She wrote from {remembered}.") == f"She wrote from {remembered}."
    assert restored(vault, second) == f"Forward it to {BOB}. Which address did Jane write from?"


@pytest.mark.parametrize("slip", [str, str.lower, lambda p: p.replace("_", " "), lambda p: p[:-1], lambda p: p[1:-1]])
def test_slips(slip):
    """Written with a small slip, a hashed placeholder is restored too, in pieces cut anywhere."""
    text, vault = masked(f"I am {JANE}", caller="x")
    (placeholder,) = HASHED.findall(text)
    written = slip(placeholder) if slip(placeholder) == slip(placeholder).strip() else placeholder
    if slip is str.lower or "[" in written:
        editor = Answer(vault.restorer())
        said = f"so {written}, ok"
        assert "".join(map(editor.feed, said)) + editor.close() == restored(vault, said)
        assert JANE in restored(vault, said)


def test_many_values_are_kept_apart():
    """Thousands of values in one request, each with a placeholder of its own."""
    text, vault = masked(" ".join(f"u{i}@example.com" for i in range(3000)), caller="x")
    assert len(set(HASHED.findall(text))) == 3000
    assert restored(vault, text).split()[2999] == "u2999@example.com"


def test_numbers_and_strings():
    """A number has a placeholder of its own, and so comes back as one."""
    card = "4111111111111111"
    done = Anonymizer(PiiSettings(), ANALYZER).anonymize(
        [Segment(card, "card", kind="number"), Segment(f"card {card}")], caller="x"
    )
    number, text = done.texts
    assert number != text.removeprefix("card ")
    assert (done.vault.restorer.number(number), done.vault.restorer.number(text[5:])) == (card, None)


def test_the_key_is_of_the_fleet(key):
    """Two processors with one key make the same; without one, each process has its own."""
    assert masked(JANE, caller="a")[0] == masked(JANE, caller="a")[0]
    assert Keys(b"x" * 16).of_caller("a") != Keys(b"y" * 16).of_caller("a") != Keys().of_caller("a")
    assert Keys().of_caller("a") == Keys().of_caller("a")


def test_encrypt(key):
    """The same value, the same token; turned back with the key, and with no other; bound to its type."""
    text, vault = masked(f"I am {JANE} and {JANE}", default_operator="encrypt")
    token = re.findall(r"\[EMAIL_ADDRESS:[A-Z2-7]+\]", text)
    assert len(token) == 2
    assert len(set(token)) == 1
    assert restored(vault, text) == f"I am {JANE} and {JANE}"
    assert Keys(b"k" * 32).decrypted(token[0]) == (JANE, False)
    assert Keys(b"j" * 32).decrypted(token[0]) is None
    assert Keys(b"k" * 32).decrypted(token[0].replace("EMAIL_ADDRESS", "PERSON")) is None
    for size in (1, 7):
        editor = Answer(vault.restorer())
        out = "".join(editor.feed(text[i : i + size]) for i in range(0, len(text), size)) + editor.close()
        assert out == restored(vault, text)


def test_tokens_that_come_with_a_request(key):
    """An agent's next step, or a document that was retrieved: what holds a token gets the value back in the answer."""
    token = Keys(b"k" * 32).encrypted("EMAIL_ADDRESS", JANE)
    text, vault = masked(f"password: {token} and {BOB}", default_operator="encrypt")
    assert token in text
    assert BOB not in text
    assert restored(vault, f"to {token}") == f"to {JANE}"
    forged = token[:-4] + "AAA]"
    assert restored(vault, forged) == forged


@pytest.mark.parametrize(
    "template", ["password: {}", "api key {}", "token={}", "secret: {}", "pin {}", "my phone is {}", "ssn {}"]
)
def test_no_secret_of_ours(key, template):
    """Placeholders and tokens are found by none of our own recognizers, whatever stands before them."""
    keys = Keys(b"k" * 32)
    for entity_type in ("PASSWORD", "SECRET_KEY", "PHONE_NUMBER", "US_SSN", "EMAIL_ADDRESS"):
        token = keys.encrypted(entity_type, "hunter2hunter2")
        hashed = f"[{entity_type}_KXWZBQ]"
        for written in (token, hashed, f"[{entity_type}_1]"):
            text = template.format(written)
            assert masked(text)[0] == text
            vault = masked("nothing")[1]
            settings = PiiSettings()
            editor = Answer(AnswerEditors(vault, Redactor(settings, ANALYZER))())
            assert editor.feed(text, end=True) == text


def test_what_only_looks_like_one_is_masked():
    """A value in the guise of a placeholder is a value."""
    assert (
        masked("[PHONE_NUMBER_4155550132] call +1 415 555 0132")[0] != "[PHONE_NUMBER_4155550132] call +1 415 555 0132"
    )
    assert masked("card [CREDIT_CARD:4111111111111111]")[0] == "card [CREDIT_CARD:[CREDIT_CARD_1]]"


def test_keys_that_are_missing(monkeypatch, tmp_path):
    """What outlives the processor needs a key; too short a one is none."""
    for variable in ("INTENTMESH_KEY", "INTENTMESH_HASH_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigError, match=r"encrypt.*INTENTMESH_KEY.*pii\.key_file"):
        Keys.read(PiiSettings(default_operator="encrypt"))
    with pytest.raises(ConfigError, match=r"hash.*INTENTMESH_KEY"):
        Keys.read(PiiSettings(default_operator="hash"))
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="16 bytes or more, and this one has 5"):
        Keys.read(PiiSettings(key_file=tmp_path / "key"))
    with pytest.raises(ConfigError, match="cannot be read"):
        Keys.read(PiiSettings(key_file=tmp_path / "none"))
    (tmp_path / "key").write_bytes(b"long enough for a key\n")
    assert Keys.read(PiiSettings(key_file=tmp_path / "key", default_operator="hash")).encrypts
