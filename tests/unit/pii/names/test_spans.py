"""From logits to names; the shapes of words."""

import numpy as np
import pytest

from extproc.pii.names.shape import (
    DIGITS,
    DIGITS_AND_LETTERS,
    GLUED,
    INITIAL,
    LOWER,
    MIXED,
    OTHER,
    TITLE,
    TITLE_OPENING,
    UPPER,
    shape_of,
)
from extproc.pii.names.spans import LABELS, Span, clean, decode, offsets_of


def logits(*labels):
    """Logits that say these labels."""
    table = np.zeros((len(labels), len(LABELS)), dtype=np.float32)
    for row, label in enumerate(labels):
        table[row, LABELS.index(label)] = 5.0
    return table


def words(text):
    """Where the words of a text stand."""
    out, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        out.append((start, at))
    return out


@pytest.mark.parametrize(
    ("text", "labels", "names"),
    [
        ("tell Aisha Okafor now", "O B-PERSON I-PERSON O", ["Aisha Okafor"]),
        ("Aisha Okafor", "B-PERSON B-PERSON", ["Aisha", "Okafor"]),
        ("tell Aisha", "O I-PERSON", ["Aisha"]),
        ("Aisha in Enugu", "B-PERSON O B-LOCATION", ["Aisha", "Enugu"]),
        ("Aisha Enugu", "B-PERSON I-LOCATION", ["Aisha", "Enugu"]),
        ("nobody here", "O O", []),
    ],
)
def test_words_join_to_spans(text, labels, names):
    """A name begins at B, goes on with I of its type, and ends where that ends."""
    assert [text[s.start : s.end] for s in decode(logits(*labels.split()), words(text))] == names


def test_no_words_no_names():
    """An empty window is no mistake."""
    assert decode(np.zeros((0, len(LABELS)), dtype=np.float32), []) == []


@pytest.mark.parametrize(
    ("text", "found", "left"),
    [
        ("Mr. Abernathy's", "Mr. Abernathy's", "Abernathy"),
        ("Dr Imre Szabó,", "Dr Imre Szabó,", "Imre Szabó"),
        ('"Aisha"', '"Aisha"', "Aisha"),
        ("Acme Inc.", "Acme Inc.", "Acme Inc."),
        ("Mr.", "Mr", None),
        ("@okafor", "okafor", None),
        ("aisha.okafor@example.org", "aisha", None),
        ("https://okafor.example", "okafor", None),
        ("first_okafor", "okafor", None),
        ("42", "42", None),
        ("X", "X", None),
    ],
)
def test_edges_are_cleaned(text, found, left):
    """Punctuation, titles, possessives are no part of a name; handles, addresses and identifiers are no names."""
    start = text.index(found)
    spans = clean(text, [Span("PERSON", start, start + len(found), 0.9)])
    assert [text[s.start : s.end] for s in spans] == ([] if left is None else [left])


def test_a_name_in_front_of_its_address_is_kept():
    """`Aisha Okafor <aisha@example.org>`: the name stays, the address is another recognizer's."""
    text = "Aisha Okafor <aisha@example.org>"
    assert clean(text, [Span("PERSON", 0, 12, 0.9)]) == [Span("PERSON", 0, 12, 0.9)]


def test_bias_moves_a_type():
    """A constant on a type's logits makes it found more often."""
    table = logits("O", "O")
    table[:, LABELS.index("B-PERSON")] = 4.5
    assert decode(table, [(0, 2), (3, 5)]) == []
    assert len(decode(table + offsets_of({"PERSON": 1.0}), [(0, 2), (3, 5)])) == 2


@pytest.mark.parametrize(
    ("text", "word", "shape"),
    [
        ("Aisha met Ngozi", "Aisha", TITLE_OPENING),
        ("Aisha met Ngozi", "Ngozi", TITLE),
        ("Hi.\nNgozi", "Ngozi", TITLE_OPENING),
        ("name: Ngozi", "Ngozi", TITLE_OPENING),
        ("tell ngozi", "ngozi", LOWER),
        ("TELL NGOZI", "NGOZI", UPPER),
        ("J. Okafor", "J", INITIAL),
        ("McDonald", "McDonald", MIXED),
        ("room 42", "42", DIGITS),
        ("room B2", "B2", DIGITS_AND_LETTERS),
        ("@ngozi", "ngozi", GLUED),
        ("self.name", "name", GLUED),
        ("end.Then", "Then", TITLE_OPENING),
        ("a , b", ",", OTHER),
    ],
)
def test_shapes(text, word, shape):
    """What an uncased model cannot see: case, position, what a word is glued to."""
    start = text.index(word)
    assert shape_of(text, start, start + len(word)) == shape
