"""The folded text and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc import pii
from extproc.pii.fold import fold
from tests.unit.pii.shared import analyze

ODD = st.text(alphabet="a1 -é½ﬁ\u200b１：＠\u202e\u0301中😀٣", max_size=30)


@given(ODD)
@settings(deadline=None)
def test_way_back(text):
    """Every character of the folded text comes from one of the original, in order; all of it is from all of it."""
    folded = fold(text)
    at = 0
    for i in range(len(folded.text)):
        start, end = folded.origin(i, i + 1)
        assert 0 <= start < end <= len(text)
        assert start >= at - 1
        at = start
        assert fold(text[start:end]).text.count(folded.text[i])


@given(ODD, ODD)
@settings(deadline=None)
def test_value_between_odd_text(before, after):
    """A value keeps its place whatever stands around it."""
    text = f"{before}\nada@example.org\n{after}"
    assert "ada@example.org" in [text[r.start : r.end] for r in analyze(text) if r.entity_type == "EMAIL_ADDRESS"]


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text(text):
    """No text breaks the analysis; findings lie inside it, in order, apart."""
    at = 0
    for result in analyze(text):
        assert at <= result.start < result.end <= len(text)
        at = result.end


def test_plain_text_is_not_copied():
    """ASCII, and text that is already plain, is itself."""
    for text in ("abc 123", "Zażółć gęślą jaźń"):
        assert fold(text).text is text


def test_half_a_pair_does_not_stop_the_search():
    """JSON may hold half of a surrogate pair; names and numbers beside it are found all the same."""
    text = "my name is Aisha Okafor \ud800 and my mail is aisha@corp.example"
    assert {r.entity_type for r in pii.analyze(text)} == {"PERSON", "EMAIL_ADDRESS"}


IGNORABLE = [
    *map(chr, [0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0]),
    *(chr(c) for first, last in [(0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)] for c in range(first, last + 1)),
    *(chr(c) for first, last in [(0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFF8)] for c in range(first, last + 1)),
    *map(chr, [0x1BCA0, 0x1D173, 0xE0000, 0xE0001, 0xE0041, 0xE007F, 0xE0100, 0xE01EF, 0xE0FFF]),
]
"""What Unicode calls ignorable by default; of the long ranges the ends."""


@pytest.mark.parametrize(
    "value",
    ["4111 1111 1111 1111", "4111111111111111", "+49 151 23456789", "DE89370400440532013000", "ada@example.org"],
)
def test_what_is_not_seen_hides_nothing(value):
    """Wherever it stands in a value."""
    before = analyze(f"to {value} now")
    assert before
    expected = [(r.entity_type, r.start, r.end + 1) for r in before]
    for sign in IGNORABLE:
        for at in range(1, len(value)):
            found = analyze(f"to {value[:at]}{sign}{value[at:]} now")
            assert [(r.entity_type, r.start, r.end) for r in found] == expected, (hex(ord(sign)), at)


@given(st.lists(ODD, min_size=1, max_size=20))
@settings(deadline=None)
def test_long_texts_are_folded_as_short_ones(parts):
    """By blocks, whose seams are not seen."""
    text = " ".join(parts)
    short = fold(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extproc.pii.fold.LONG", 0)
        patch.setattr("extproc.pii.fold.BLOCK", 7)
        long = fold(text)
    assert long.text == short.text
    spans = [(at, at + 1) for at in range(len(short.text))]
    assert [long.origin(*span) for span in spans] == [short.origin(*span) for span in spans]
