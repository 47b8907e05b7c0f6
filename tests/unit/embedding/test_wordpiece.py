"""The quick way to token ids gives what the tokenizer gives."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extproc.embedding.encoder import Encoder
from extproc.embedding.wordpiece import PlainWords

ENCODER = Encoder.load()
TOKENIZER = ENCODER.tokenizer
PLAIN = PlainWords.of(TOKENIZER)
WORDS = (
    "refund",
    "unbelievablyx",
    "O'Brien",
    "12-B.",
    "x" * 120,
    "{'status': 500}",
    "##ing",
    "a_b",
    "\t",
    "\r\n",
    "~~",
    "A1b2",
)


@given(
    st.lists(st.sampled_from(WORDS) | st.text(st.characters(max_codepoint=126), max_size=12), max_size=12).map(" ".join)
)
@example("[CLS] and [MASK]")
@example("a\x00b\x1fc\x7fd")
@example("tab\there\x0bthere\x0cend\x1c\x1d\x1e\x1f")
def test_same_as_the_tokenizer(text):
    """Whatever it answers, the tokenizer answers too."""
    ids = PLAIN.ids(text)
    assert ids is None or ids == TOKENIZER.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    "text", ["", "Pay  my bill, please!", "x" * 300, "Schedule 9:30 in room 12-B (now).\n\nThanks\t--J."]
)
def test_plain_texts_are_answered(text):
    """Words, figures, punctuation and white space need no tokenizer."""
    assert PLAIN.ids(text) == TOKENIZER.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    "text", ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{FIRE}", "[SEP]", "a\x00b", "\x7f", "\ud800"]
)
def test_others_are_not(text):
    """Other letters, control characters and what may be a special token are the tokenizer's."""
    assert PLAIN.ids(text) is None


def test_other_tokenizers():
    """A tokenizer that keeps capitals apart is not of the kind."""
    cased = TOKENIZER.from_str(TOKENIZER.to_str().replace('"lowercase":true', '"lowercase":false'))
    assert PlainWords.of(cased) is None
