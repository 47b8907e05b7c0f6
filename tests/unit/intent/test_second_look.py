"""The second look: how much of a text is read for it, and that what is done for many texts at once is what is done for one."""

import random

import numpy as np
import pytest

from extproc.config import parse
from extproc.intent import Classifier
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.intent.second_look import READ_TOKENS
from extproc.intent.wording import _NEUTRAL, MOST_PARTS, neutral, parts

TEXTS = {
    "printer": ["the printer is jammed", "printer prints blank pages", "how do I add a printer", "toner is empty"],
    "refund": ["I want my money back", "please refund my order", "give me a refund", "refund the amount"],
    "password": ["I forgot my password", "reset my password", "my account is locked", "unlock my account"],
}
FILLER = (
    "The bus stops at the museum. We had lunch on the corner. Trees are yellow by now. She plays the trumpet well. "
)


@pytest.fixture(scope="module")
def cascade(encoder):
    """Of three intents."""
    return Cascade.build(encoder, Examples.of_texts(TEXTS), Budget(), 0.95, lambda _: None, None)


@pytest.fixture
def read(cascade, monkeypatch):
    """The tokens of each text that the transformer reads."""
    seen = []
    before = cascade.read
    monkeypatch.setattr(
        cascade, "read", lambda views, *least: (seen.extend(len(view.ids) for view in views), before(views, *least))[1]
    )
    return seen


def test_all_at_once_is_one_by_one(cascade):
    """Vectors and odds, for texts of any length."""
    texts = [text for some in TEXTS.values() for text in some] + ["so", FILLER, "xqzt 12 ?"]
    ids = [cascade.tokenize(text) for text in texts]
    together = cascade.table.embed_all(ids)
    np.testing.assert_allclose(together, [cascade.table.embed(row) for row in ids], atol=1e-5)
    head = cascade.trained.stages["static"].head
    alone = [head.read(vector).signals[0] for vector in together]
    np.testing.assert_allclose(head.odds(together), alone, atol=1e-3)
    assert cascade.glance(["", "so"])[0][1] == 1


@pytest.mark.parametrize("length", [3, 20, 200])
def test_tokens_read_do_not_grow_with_the_text(cascade, read, length):
    """Of a text that is too long to be read whole, so many tokens."""
    text = " ".join(f"{FILLER} Number {i}." for i in range(length))
    view = cascade.look(text)
    assert not view.decided
    cascade.transform([view])
    assert 0 < sum(read) <= READ_TOKENS


def test_one_part_is_always_read(cascade, read):
    """However long it is."""
    long = "how do I get my money out of the account that was locked when my card was eaten by the machine in the wall"
    cascade.transform([cascade.look(". ".join(f"{long} and {long} {i}" for i in range(3)))])
    (tokens,) = read
    assert tokens > READ_TOKENS


def test_what_is_unlikely_as_a_whole_is_read_once(cascade, read):
    """Questions that have nothing to do with any intent, however many there are in a text."""
    view = cascade.look("where do I pay the amount due and how do I bake bread")
    assert view.several
    cascade.transform([view])
    assert len(read) == 1


def test_parts_nearest_to_one_intent_are_not_read(cascade, read):
    """They do not ask for several things."""
    view = cascade.look("my money is gone and I paid twice for my order")
    assert view.several
    cascade.transform([view])
    assert len(read) == 1


def test_what_is_unlikely_halfway_is_not_read_on(cascade):
    """Unless it may be in another language."""
    view = cascade.look("where do I pay the amount due and how do I bake bread")._replace(several=())
    whole = cascade.read([view])[0]
    (early,) = cascade.read([view], 0.99)
    assert early.score != whole.score
    assert early.intent is None
    assert cascade.read([view._replace(doubtful=True)], 0.99)[0].score == whole.score


def test_the_ask_is_found_at_either_end_and_between(encoder):
    """And by what is said of it, not by what stands around it."""
    intents = {name: {"examples": texts} for name, texts in TEXTS.items()}
    mesh = {"version": 1, "models": {"m": {"endpoints": [{"address": "127.0.0.1:1"}]}}, "default_model": "m"}
    classifier = Classifier(parse(str(mesh | {"intents": intents})), encoder, keep=False)
    for at in (0, 8, 16):
        talk = [f"{FILLER}{i}." for i in range(16)]
        talk.insert(at, "I want my money back.")
        assert classifier.classify_now(" ".join(talk)).intent == "refund"
    score = classifier.classify_now(FILLER * 8)
    assert (score.intent, score.reason) == (None, "unsure")
    classifier.close()


def test_neutral_is_what_one_expression_makes_of_it():
    """Whatever stands side by side: only words with a sign in them are looked at, and nothing else comes of it."""
    rng = random.Random(2)
    bits = [
        *("a@b.c", "[EMAIL_1]", "[A_B_22]", "http://x.y/z?q", "ftp://", "www.a", "1.2.3.4", "a:b:c:d:e:f", " ", "\n"),
        *("12345678-1234-1234-1234-123456789012", "\x1c", "\u2003", "x.", "-", "@", ":", "[", "A", "\u00e9", "1", '"'),
    ]
    for _ in range(2000):
        text = "".join(rng.choice(bits) for _ in range(rng.randrange(1, 14)))
        assert neutral(text) == _NEUTRAL.sub(" ", text)


def test_parts_are_of_both_ends():
    """Twenty from each, whatever stands between; `3.5` is one number, and CJK needs no spaces."""
    text = " ".join(f"Sentence {i} costs 3.5 dollars." for i in range(500))
    found = parts(text)
    half = MOST_PARTS // 2
    assert found[:half] == [f"Sentence {i} costs 3.5 dollars." for i in range(half)]
    assert found[half:] == [f"Sentence {i} costs 3.5 dollars." for i in range(500 - half, 500)]
    assert parts("\u4f55\uff1f\u5bd2\u3044\u3002") == ["\u4f55\uff1f", "\u5bd2\u3044\u3002"]
