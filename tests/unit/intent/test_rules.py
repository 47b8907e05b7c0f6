"""Patterns of `mesh.yaml`: what RE2 says of them is what `re` says, sooner."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.intent.rules import Pattern, Read

PATTERNS = [
    r"\b(refund|chargeback)\b.*\b(order|invoice)\b",
    r"^a\s+b",
    r"\w+-\d{2,}",
    r"a.?b\B",
    r"[^a-z]x[\s\d]",
    r"(?m)^b",
    r"(?s)a.+b",
    r"x{2}|\x61\.",
    *[r"b$", r"x{,2}b", r"[[:b]a", r"(?=a)a b", r"(a)\1", r"ſ", r"a++b", r"a\Z", r"[\t-~]b", "[\x01-z]b", r"a\f"],
]
"""The last lines: what RE2 would refuse, or take for something else."""
TEXTS = st.lists(
    st.sampled_from(
        [
            *"abxAB-. \n\t:[{,2}0",
            "\x0b",
            "\x1c",
            "é",
            "’",
            "\u00a0",
            "–",
            "ſ",
            "\u212a",
            "refund",
            " order ",
            " INVOICE",
            "12",
        ]
    ),
    max_size=12,
).map("".join)


@pytest.mark.filterwarnings("ignore:Possible nested set")
@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_both_say_the_same(pattern, text):
    """Whatever the text: what a pattern means does not depend on who looks for it."""
    assert Pattern(pattern).search(Read(text)) == (re.search(pattern, text, re.IGNORECASE) is not None)


def test_no_text_is_made_for_a_pattern():
    """`re` would try every way to part these letters, and not end."""
    assert not Pattern("(a|a)*c").search(Read("a" * 20_000))
