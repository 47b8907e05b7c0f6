"""The corpus of the demo models: what is asked is answered in whole sentences, and placeholders are repeated."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

import pytest

from inference.demo import NAMES, model_path
from scripts.demo_models.corpus import DOMAINS, Corpus
from scripts.demo_models.noise import blur
from scripts.demo_models.patterns import Topic, choose, exchange, fill, keep, mark, read_topics, unmark
from scripts.demo_models.placeholders import PLACEHOLDER, mention, repeat
from scripts.demo_models.rephrasing import rephrase

if TYPE_CHECKING:
    from pathlib import Path


def test_choices_nest_and_may_be_empty():
    """Every path through a pattern is a sentence of its own."""
    found = {choose("a(b|c(d|))", Random(seed)) for seed in range(50)}
    assert found == {"ab", "ac", "acd"}


def test_a_slot_keeps_its_filling_within_an_exchange():
    """The answer speaks of the product that was asked about."""
    topic = Topic("price", ["how much is the {product}"], ["The {product} has a price.", "It has a price."])
    said = exchange(topic, Random(1), {"product": lambda random: random.choice("xyz")})
    assert unmark(said.ask)[-1] == said.answer.split()[1]


def test_an_answer_never_names_what_was_not_asked():
    """Where a question leaves a slot out, the answer without it is taken."""
    topic = Topic("price", ["how much is it"], ["The {product} has a price.", "It has a price."])
    assert exchange(topic, Random(1), {}).answer == "It has a price."


def test_parentheses_can_be_written():
    """Code in a question needs them."""
    assert fill("print⟨1⟩", Random(1), {}, {}) == "print(1)"


def test_rephrasing_leaves_fillings_alone():
    """An answer may name them: another word for a product would make it speak of something else."""
    ask = f"where is the {keep('phone')} of order {keep(mark('A-77'))} that I bought"
    said = [rephrase(ask, Random(seed)) for seed in range(300)]
    assert all(keep("phone") in one and keep(mark("A-77")) in one for one in said)
    assert len(set(said)) > 100


def test_rephrasing_leaves_records_alone():
    """JSON with an opener before it is no JSON."""
    assert {rephrase('{"machine": "pump"}', Random(seed)) for seed in range(50)} == {'{"machine": "pump"}'}


def test_a_mistake_in_a_topic_file_names_its_line(tmp_path: Path):
    """The files are written by hand."""
    (tmp_path / "x.txt").write_text("= one\n* two\n")
    with pytest.raises(ValueError, match=r"x.txt, line 2"):
        read_topics(tmp_path / "x.txt")


def test_carelessness_spares_what_is_copied():
    """A placeholder or an order number that was damaged could not be repeated."""
    for seed in range(300):
        assert mark("[PERSON_1]") in blur(f"please tell {mark('[PERSON_1]')} about the delivery", Random(seed))


@pytest.mark.parametrize(
    ("ask", "said", "expected"),
    [
        ("hello", "", ""),
        ("I am [PERSON_1]", "Hello [PERSON_1].", ""),
        ("to [EMAIL_ADDRESS_12]", "", " I noted the e-mail address [EMAIL_ADDRESS_12]."),
        ("[A_1] [B_2] [A_1]", "", " I noted [A_1] and [B_2]."),
        ("[A_1] [B_2] [C_3] [D_4] [E_5]", "", " I noted [A_1], [B_2], [C_3] and [D_4]."),
    ],
)
def test_placeholders_are_repeated_once_and_in_order(ask: str, said: str, expected: str):
    """What was greeted by name is not noted again, and a long list ends after four."""
    assert expected == repeat(ask, said)


def test_a_mention_carries_one_well_formed_placeholder():
    """Also those of made-up types."""
    for seed in range(300):
        assert len(PLACEHOLDER.findall(unmark(mention(Random(seed))))) == 1


@pytest.mark.parametrize("name", DOMAINS)
def test_every_answer_is_whole_and_repeats_the_placeholders(name: str):
    """What the model is shown is what it is to do."""
    random, corpus = Random(5), Corpus(DOMAINS[name])
    for _ in range(1500):
        messages = [
            message for message in corpus.conversation(random).messages if message.role in {"user", "assistant"}
        ]
        for ask, answer in zip(messages[::2], messages[1::2], strict=True):
            assert re.fullmatch(r"[A-Z0-9].*[.!?]", answer.content), answer.content
            assert not re.search(r"[{}\ue000\ue001|]", answer.content), answer.content
            first = list(dict.fromkeys(PLACEHOLDER.findall(ask.content)))[:4]
            assert set(first) <= set(PLACEHOLDER.findall(answer.content)) <= set(PLACEHOLDER.findall(ask.content))


def test_a_seed_makes_one_corpus():
    """A model can be trained again from its seed."""
    one, same = (Corpus(DOMAINS["support"]).conversation(Random(3)) for _ in range(2))
    assert one == same


def test_the_models_are_in_the_package():
    """A wheel carries them: a few megabytes each."""
    assert set(NAMES) == set(DOMAINS)
    for name in NAMES:
        assert 1e6 < model_path(name).stat().st_size < 6e6


def test_an_unknown_model_is_named():
    """The message lists those that exist."""
    with pytest.raises(ValueError, match="telemetry, support, general"):
        model_path("poetry")
