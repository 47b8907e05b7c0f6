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
@settings(max_examples=200, deadline=None)
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
@settings(max_examples=200, deadline=None)
def test_value_between_odd_text(before, after):
    """A value keeps its place whatever stands around it."""
    text = f"{before}\nada@example.org\n{after}"
    assert "ada@example.org" in [text[r.start : r.end] for r in analyze(text) if r.entity_type == "EMAIL_ADDRESS"]


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
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


@given(st.lists(ODD, min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
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
