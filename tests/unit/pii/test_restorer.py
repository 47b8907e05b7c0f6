"""Placeholders come back from texts cut anywhere, to the letter or with small slips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.pii import Vault
from tests.unit.restoring import Answer, restored

VALUES = {"EMAIL_ADDRESS": ["ada@x.org", "bob@x.org"], "PHONE_NUMBER": ["+1 212 555 0142"], "IP": ["1.2.3.4"]}


def filled(*, tolerant=True):
    """A vault with a few values."""
    vault = Vault(tolerant=tolerant)
    for entity_type, values in VALUES.items():
        for value in values:
            vault.placeholder(entity_type, value)
    return vault


SLIPS = [
    ("[EMAIL_ADDRESS_1]", "ada@x.org"),
    ("[email address 1]", "ada@x.org"),
    ("[Email-Address_2]!", "bob@x.org!"),
    ("[EmailAddress1]", "ada@x.org"),
    (r"[EMAIL\_ADDRESS\_1]", "ada@x.org"),
    (r"\[EMAIL\_ADDRESS\_1\]", "ada@x.org"),
    ("[ PHONE_NUMBER_1 ]", "+1 212 555 0142"),
    ("EMAIL_ADDRESS_1]", "ada@x.org"),
    ("[EMAIL_ADDRESS_1 x", "ada@x.org x"),
    ("EMAIL_ADDRESS_1.", "ada@x.org."),
    ("**IP_1**", "**1.2.3.4**"),
    ("[see EMAIL_ADDRESS_2]", "[see bob@x.org]"),
    ("[EMAIL_ADDRESS_1, EMAIL_ADDRESS_2]", "[ada@x.org, bob@x.org]"),
    ('["EMAIL_ADDRESS_1"]', '["ada@x.org"]'),
    ("[EMAIL_ADDRESS_1](mailto:[EMAIL_ADDRESS_1])", "ada@x.org(mailto:ada@x.org)"),
    ("[[IP_1]]", "[1.2.3.4]"),
]
NOT_OURS = [
    "[EMAIL_ADDRESS_3]",
    "[EMAIL_ADDRESS_12]",
    "[EMAIL_ADDRESS]",
    "[Phone Number]",
    "email_address_1",
    "xEMAIL_ADDRESS_1",
    "EMAIL_ADDRESS_1x",
    "EMAIL_ADDRESS_11",
    "[EMAIL_ADDRESS_1x]",
    "[",
    "[[[",
    "EMAIL",
    "[not EMAIL]",
    "a_b_1",
    "IP1",
    "\\",
]


@pytest.mark.parametrize(("text", "expected"), SLIPS + [(text, text) for text in NOT_OURS])
def test_slips(text, expected):
    """Small slips are restored, other texts left alone; whole, cut in two anywhere, and letter by letter."""
    vault = filled()
    assert expected == restored(vault, text)
    for cut in range(len(text) + 1):
        editor = Answer(vault.restorer())
        assert expected == editor.feed(text[:cut]) + editor.feed(text[cut:]) + editor.close()
    editor = Answer(vault.restorer())
    assert expected == "".join(map(editor.feed, text)) + editor.close()


@pytest.mark.parametrize("text", [text for text, _ in SLIPS[1:8]])
def test_exact_only(text):
    """Without tolerance a slip is not restored."""
    assert text == restored(filled(tolerant=False), text)


def test_no_slip_within_a_word():
    """A separator within a word is none of the slips, whatever stands around it and wherever the text is cut."""
    text = "[EMA_IL_ADDRESS_1] and [EMAIL_ADDRESS_1]"
    expected = "[EMA_IL_ADDRESS_1] and ada@x.org"
    assert expected == restored(filled(), text)
    editor = Answer(filled().restorer())
    assert expected == editor.feed(text[:18]) + editor.feed(text[18:]) + editor.close()


def test_one_never_restores_ten():
    """Placeholders are closed: none is the beginning of another."""
    vault = Vault()
    for i in range(12):
        vault.placeholder("A_B", f"v{i + 1}")
    assert restored(vault, "[A_B_1] [A_B_10] [A_B_11] [A_B_12] [A_B_2]") == "v1 v10 v11 v12 v2"


def test_ambiguous_slips_are_left():
    """Where two placeholders read the same without their separators, only the letter counts."""
    vault = Vault()
    vault.placeholder("CARD", "x")
    for i in range(11):
        vault.placeholder("CARD_1" if i else "CARD", f"v{i}")
    vault.placeholder("CARD_", "z")
    assert restored(vault, "[CARD_1]") == "x"
    assert restored(Vault(), "[card 1 1]") == "[card 1 1]"


PIECES = st.sampled_from(
    [
        *(text for text, _ in SLIPS),
        *NOT_OURS,
        "[",
        "]",
        "EMAIL_",
        "EMA_IL_",
        "\n",
        "\\_1",
        "_1\\_",
        "ADDRESS",
        "_1",
        " ",
        "x",
        "\\",
        "\n",
        "é",
        ",",
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        "an item [\n\nEMAIL_ADDRESS_1] of another line",
        "[\nx\nEMAIL_ADDRESS_1] [EMAIL_ADDRESS_2, IP_1]",
        r"IP_1\_1_ is another name",
        r"EMAIL_ADDRESS_1\_1IP",
        r"\_EMAIL\_ADDRESS\_1\_",
    ],
)
def test_brackets_and_names_end_where_they_end(text):
    """A bracket of another line is none of a placeholder's, and a name goes on after an escape; read at once or in pieces."""
    editor = Answer(filled().restorer())
    assert "".join(map(editor.feed, text)) + editor.close() == restored(filled(), text)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=8), st.data(), st.booleans())
def test_any_cut_is_the_same(pieces, data, tolerant):
    """The outcome never depends on where a text is cut, and what is held is less than one placeholder's writing."""
    text = "".join(pieces)
    vault = filled(tolerant=tolerant)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    editor = Answer(vault.restorer())
    out = ""
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        out += editor.feed(text[start:end])
        assert editor.held <= 2 * len("[EMAIL_ADDRESS_1]")
        if not tolerant:
            assert editor.held < len("[EMAIL_ADDRESS_1]")
    assert restored(vault, text) == out + editor.close()


def test_text_without_a_beginning_is_not_held():
    """Prose leaves at once."""
    editor = Answer(filled().restorer())
    for word in ("Hello", " world", ", this is", " A test", " 12", "."):
        assert word == editor.feed(word)
        assert editor.held == 0
