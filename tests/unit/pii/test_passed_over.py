"""What is passed over without a search would have been searched in vain."""

import random

import pytest

from extproc.config.names import NameSettings
from extproc.config.operators import Operator
from extproc.config.pii import PACKS, PiiSettings
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer, secrets
from extproc.pii.anonymizer import _NUMBERED, _SHORT_CODE, without_guesses

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def everything():
    """Every pack, and what nearly is personal data."""
    return Analyzer(PiiSettings(packs=PACKS, names=NameSettings(enabled=False)), eager=True)


def digits(rng, most):
    """Some."""
    return "".join(rng.choices("0123456789", k=rng.randint(1, most)))


def test_numbered_words_hold_nothing(everything):
    """Labels, beginnings of keys and words of no meaning, with a number."""
    rng = random.Random(3)
    labels = [word for word in everything._vocabulary.first if word.isascii() and word.isalpha() and len(word) <= 12]
    begun = [key for key in secrets.KEYS if key.isascii()]
    made = 0
    while made < 3_000:
        words = [
            rng.choice([rng.choice(labels), rng.choice(begun), "".join(rng.choices(LETTERS, k=rng.randint(1, 12)))])
            for _ in range(rng.randint(1, 2))
        ]
        text = "_".join(words) + rng.choice(["", "_"]) + digits(rng, 5)
        if _NUMBERED.fullmatch(text):
            made += 1
            assert not without_guesses(everything.patterns(text)), text


def test_short_codes_hold_nothing(everything):
    """Whatever stands before the number, under no key and under keys that say nothing."""
    rng = random.Random(4)
    for _ in range(3_000):
        text = "".join(rng.choices(LETTERS, k=rng.randint(0, 2))) + digits(rng, 5)
        assert _SHORT_CODE.fullmatch(text)
        for key in (None, "foo", "content"):
            assert not everything.analyze(text, key), (text, key)


def test_a_key_that_says_what_it_is():
    """Then the shortest value is looked at."""
    settings = PiiSettings(names=NameSettings(enabled=False), remember_texts=0)
    analyzer = Analyzer(settings)
    anonymizer = Anonymizer(settings, analyzer)
    seen = 0
    for key in filter(str.isascii, analyzer._vocabulary.first):
        for text in ("12345", "a1234"):
            found = analyzer.analyze(text, key)
            seen += bool(found)
            assert found == anonymizer._find(Segment(text, key), None, ""), (text, key)
    assert seen > 100


def test_what_the_user_looks_for():
    """A list of the user's own may hold anything."""
    settings = PiiSettings(
        names=NameSettings(enabled=False),
        deny={"PROJECT": ("v42", "key_00042")},
        entities={"PROJECT": Operator(operator="replace")},
    )
    key = Segment("key_00042", None, kind="key")
    assert Anonymizer(settings, Analyzer(settings)).anonymize([Segment("v42", "foo"), key]).texts == [
        "[PROJECT_1]",
        "[PROJECT_2]",
    ]


def test_keys_with_long_numbers_are_read_alike(everything):
    """And as each would be on its own."""
    rng = random.Random(6)
    labels = [word for word in everything._vocabulary.first if word.isascii()]
    for _ in range(2000):
        key = (
            "_".join(rng.choices(labels, k=2))
            + rng.choice(["", "_"])
            + digits(rng, 8)
            + rng.choice(["", "_", rng.choice(labels)])
        )
        assert everything._vocabulary.of_key(key) == everything._vocabulary._read_key(key[:80]), key
