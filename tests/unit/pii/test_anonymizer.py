"""Operators, numbering and the vault: what is written in the place of a value, and what can come back."""

import pytest
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st

from extproc.config.pii import PACKS, PiiSettings
from extproc.errors import BlockedEntityError, ConfigError, MaskingError
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer
from extproc.pii.anonymizer import _WORD, without_guesses
from tests.unit.restoring import restored

MAIL = "ada@example.org"
ANALYZER = Analyzer(PiiSettings())


def anonymize(*texts, body=b"", **settings):
    """Anonymize texts under these settings."""
    return Anonymizer(PiiSettings.model_validate(settings), ANALYZER).anonymize(
        [Segment(text) for text in texts], body=body
    )


def test_numbers_by_first_occurrence():
    """The same value is the same placeholder through the request, numbered in the order of the texts."""
    done = anonymize("eve@x.org and ada@example.org", "no data", "ada@example.org, EVE@x.org")
    assert done.texts == ["[EMAIL_ADDRESS_1] and [EMAIL_ADDRESS_2]", None, "[EMAIL_ADDRESS_2], [EMAIL_ADDRESS_3]"]
    assert done.entities == {("EMAIL_ADDRESS", "replace"): 4}
    assert len(done.vault) == 3
    assert (
        restored(done.vault, "[EMAIL_ADDRESS_1], [EMAIL_ADDRESS_2] and [EMAIL_ADDRESS_3]")
        == "eve@x.org, ada@example.org and EVE@x.org"
    )


def test_growing_conversation_keeps_its_prefix():
    """A turn more does not renumber the turns before: the upstream's prefix cache keeps hitting."""
    turns = ["I am ada@example.org", "ask bob@example.org", "or eve@example.org"]
    texts = [anonymize(*turns[: i + 1]).texts for i in range(3)]
    assert texts[0] == texts[2][:1]
    assert texts[1] == texts[2][:2]


@pytest.mark.parametrize(
    "written", ["[EMAIL_ADDRESS_1]", "[email address 1]", "EMAIL_ADDRESS_1", "[Email\\_Address\\_1", "EmailAddress1"]
)
def test_placeholders_of_the_user_are_never_ours(written):
    """A number that stands in the request, in any spelling that would be restored, is not given out."""
    done = anonymize(f"{written} is what I typed", f"I am {MAIL}")
    assert done.texts == [None, "I am [EMAIL_ADDRESS_2]"]
    assert written == restored(done.vault, written)
    assert anonymize(MAIL, body=f'{{"id": "{written}"}}'.encode()).texts == ["[EMAIL_ADDRESS_2]"]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("replace", "to [EMAIL_ADDRESS_1]!"),
        ("mask", "to ***************!"),
        ({"operator": "mask", "keep_last": 4}, "to ***********.org!"),
        ("redact", "to [EMAIL_ADDRESS]!"),
        ("keep", None),
        ("flag", None),
    ],
)
def test_operators(operator, expected):
    """What each operator writes; only `replace` can be restored."""
    done = anonymize(f"to {MAIL}!", entities={"EMAIL_ADDRESS": operator})
    assert [expected] == done.texts
    assert (1 if operator == "replace" else 0) == len(done.vault)


def test_keep_is_not_reported_and_flag_is():
    """`flag` counts for routing and reports; `keep` is as if nothing was found."""
    assert anonymize(MAIL, entities={"EMAIL_ADDRESS": "flag"}).entities == {("EMAIL_ADDRESS", "flag"): 1}
    assert anonymize(MAIL, entities={"EMAIL_ADDRESS": "keep"}).entities == {}


def test_block_names_the_type_only():
    """The refusal says what kind of data it is, never which."""
    with pytest.raises(BlockedEntityError, match="EMAIL_ADDRESS") as caught:
        anonymize(f"to {MAIL}", default_operator="block")
    assert "ada" not in str(caught.value)


def test_hash_is_keyed(monkeypatch, tmp_path):
    """The same value has the same digest under one key and another under another; without a key it does not start."""
    monkeypatch.delenv("INTENTMESH_HASH_KEY", raising=False)
    with pytest.raises(ConfigError, match="INTENTMESH_HASH_KEY"):
        anonymize(MAIL, default_operator="hash")
    monkeypatch.setenv("INTENTMESH_HASH_KEY", "k" * 16)
    first = anonymize(f"{MAIL} {MAIL}", default_operator="hash").texts[0].split()
    assert first[0] == first[1]
    assert first[0].startswith("[EMAIL_ADDRESS#")
    (tmp_path / "key").write_text("another key, long enough\n")
    settings = PiiSettings.model_validate(
        {"default_operator": "hash", "hash_key_file": "key"}, context={"folder": tmp_path}
    )
    other = Anonymizer(settings, Analyzer(settings)).anonymize([Segment(MAIL)]).texts[0]
    assert other != first[0]
    with pytest.raises(ConfigError, match="cannot be read"):
        anonymize(MAIL, default_operator="hash", hash_key_file=tmp_path / "none")


def test_failing_recognizers_refuse():
    """A recognizer that fails is a refusal that quotes nothing, and so is time that ran out."""

    def broken(text, _key):
        raise ValueError(text)

    settings = PiiSettings()
    anonymizer = Anonymizer(settings, Analyzer(settings, extra=[broken]))
    with pytest.raises(MaskingError, match="ValueError") as caught:
        anonymizer.anonymize([Segment("secret words")])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(MaskingError, match="in time"):
        Anonymizer(settings, Analyzer(settings)).anonymize([Segment("x")], deadline=0.0)


def test_escapes_before_a_value_stay_whole():
    r"""In JSON within a text, `\n` before an address is no part of it: `\[` would break that JSON."""
    assert anonymize('{"a": "x\\nada@example.org"}').texts == ['{"a": "x\\n[EMAIL_ADDRESS_1]"}']


def test_two_anonymizers_share_nothing():
    """A vault belongs to its request: the placeholder of one gives nothing in another."""
    one, two = anonymize(MAIL), anonymize("bob@example.org")
    assert restored(two.vault, "[EMAIL_ADDRESS_1]") == "bob@example.org"
    assert restored(one.vault, "[EMAIL_ADDRESS_2]") == "[EMAIL_ADDRESS_2]"


def test_a_value_found_once_is_masked_everywhere():
    """What a label gave away in one text is masked where it stands without, but not within a longer word or number."""
    first = "mail ada@example.org"
    texts = ["x:4ada@example.org5", first, "xada@example.orgx 8ada@example.org"]
    done = anonymize(*texts)
    assert "ada@example.org" in done.vault.originals.values()
    for text in done.texts:
        assert text is None or " ada@example.org" not in text
    assert restored(done.vault, done.texts[1]) == first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code K-4711-X here and K-4711-X", [(5, 13), (23, 31)]),
        ("K-4711-X1 aK-4711-X 1K-4711-X", [(0, 8), (21, 29)]),
        ("nothing", []),
    ],
)
def test_whole_values_only(text, expected):
    """Occurrences of a value that are no part of a longer word or number."""
    from extproc.pii.anonymizer import everywhere

    found = everywhere([Segment("K-4711-X"), Segment(text)], [[("CODE", 0, 8)], []], ["CODE"])
    assert [(start, end) for _, start, end in found[1]] == expected


@pytest.mark.parametrize("kind", ["number", "identifier", "key"])
@pytest.mark.parametrize("written", ["call +49 1512 3456789", "call +4915123456789", "call (+49) 1512-3456789"])
def test_a_value_of_a_text_as_a_number(written, kind):
    """A number has one spelling, whichever the text has."""
    texts = [Segment(written), Segment("4915123456789", kind=kind)]
    said, number = Anonymizer(PiiSettings(), ANALYZER).anonymize(texts).texts
    assert said.startswith("call [PHONE_NUMBER_1")
    assert number.startswith("[PHONE_NUMBER_")


def test_common_words_are_not_spread():
    """A name that is also a word, or a short number, is masked only where it was found."""
    from extproc.pii.anonymizer import everywhere

    found = everywhere(
        [Segment("Will 12345"), Segment("Will 12345")], [[("PERSON", 0, 4), ("CODE", 5, 10)], []], ["PERSON", "CODE"]
    )
    assert found[1] == []


def test_nothing_that_was_found_is_lost():
    """A value that reaches into another finding is masked as far as that one leaves it."""
    from extproc.pii.anonymizer import everywhere

    found = everywhere([Segment("DE89 00"), Segment("DE89 00ada@x")], [[("IBAN", 0, 7)], [("MAIL", 5, 12)]], ["IBAN"])
    assert found[1] == [("IBAN", 0, 5), ("MAIL", 5, 12)]


EVERYTHING = Analyzer(PiiSettings(packs=PACKS))


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz_-", max_size=12)


@cases(deadline=None)
@given(LETTERS, st.sampled_from("0123456789"), LETTERS, st.sampled_from("0123456789"), LETTERS, st.integers(1, 12))
def test_short_words_of_programs_hold_nothing(head, first, middle, second, tail, length):
    """With all packs on: so names of tools, fields and models need no search."""
    word = f"{head}{first}{middle or '-'}{second}{tail}"[:length]
    assert _WORD.fullmatch(word)
    assert without_guesses(EVERYTHING.patterns(word)) == []


def test_words_of_programs_are_searched_for_what_is_the_user_s_own():
    """A deny list may name a tool."""
    segment = Segment("bluebird", kind="identifier")
    own = PiiSettings.model_validate({"deny": {"PROJECT": ["bluebird"]}})
    assert Anonymizer(own, Analyzer(own)).anonymize([segment]).texts == ["[PROJECT_1]"]
    assert Anonymizer(PiiSettings(), ANALYZER).anonymize([segment]).texts == [None]
