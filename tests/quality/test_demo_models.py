"""The demo models through the real llama.cpp: whole fitting sentences, honest refusals, placeholders copied letter by letter.

Larger runs: `python -m scripts.check_demo_models --cases 500`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("llama_cpp", reason="the inference extra is not installed")
pytest.importorskip("gguf")

from inference.demo import NAMES, model_path
from scripts.demo_models.corpus import DOMAINS, Conversation, Corpus, Message
from scripts.demo_models.evaluation import DemoModel, copy_share, fitting_share, held_out
from scripts.demo_models.tokens import Encoder, read_tokenizer
from scripts.gguf_writer import CHATML

PROMPTS = Path(__file__).with_name("demo_prompts.toml")
FITTING, REFUSING, COPYING = 0.80, 0.90, 0.95
"""Floors; measured values stand in docs/demo-models.md."""


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    """Each demo model, loaded once."""
    loaded = DemoModel(model_path(request.param))
    loaded.name = request.param
    yield loaded
    loaded.close()


def test_held_out_questions_are_answered(model):
    """Questions in other words than the patterns' get an answer that fits."""
    share = fitting_share(model, held_out(PROMPTS, model.name))
    assert float(share) >= FITTING, share.failures


def test_temperature_one_stays_sane(model):
    """It is what an OpenAI client asks with by default."""
    share = fitting_share(model, held_out(PROMPTS, model.name), temperature=1.0)
    assert float(share) >= FITTING - 0.05, share.failures


def test_beyond_its_domain_it_says_that_it_is_a_demo_model(model):
    """No pretence: a poem, a sum or a diagnosis is refused in one honest sentence."""
    share = fitting_share(model, held_out(PROMPTS, "beyond"))
    assert float(share) >= REFUSING, share.failures


def test_placeholders_are_copied(model):
    """Known and unknown types, any number: so a masked request comes back restored."""
    share = copy_share(model, [question for question, _ in held_out(PROMPTS, model.name)], cases=60)
    assert float(share) >= COPYING, share.failures


def test_the_same_question_has_the_same_answer(model):
    """At temperature 0 nothing is drawn."""
    question = held_out(PROMPTS, model.name)[0][0]
    assert model.ask(question) == model.ask(question)


def test_a_system_prompt_and_a_long_text_do_not_confuse_it(model):
    """Applications send both."""
    question, _ = held_out(PROMPTS, model.name)[0]
    padding = "We have looked at the manual and asked a colleague about it. " * 12
    for asked, system in ((question, "You are a polite assistant of Example Ltd. Be brief."), (padding + question, "")):
        assert model.ask(asked, system=system).whole


def test_held_out_questions_are_not_in_the_corpus(model):
    """A question that was trained on would prove nothing."""
    random, corpus = Random(1), Corpus(DOMAINS[model.name])
    trained = {
        message.content.lower().strip("?!. ") for _ in range(5000) for message in corpus.conversation(random).messages
    }
    repeated = [question for question, _ in held_out(PROMPTS, model.name) if question.lower().strip("?!. ") in trained]
    assert len(repeated) <= 3, repeated  # the shortest ones can be said in few ways


def test_llama_cpp_cuts_texts_as_the_training_did(model):
    """Token by token, chat template included: or the model would see other words than it learnt."""
    encoder, random, corpus = Encoder(read_tokenizer(model_path(model.name))), Random(2), Corpus(DOMAINS[model.name])
    odd = Conversation([Message("user", "Größe? 12.5 °C — it's [X_9]_[Y_10]\n\n  two  spaces, 漢字 🙂")])
    for conversation in [odd, *(corpus.conversation(random) for _ in range(300))]:
        text = encoder.text(conversation).encode()
        assert encoder.encode(conversation, random).tokens == model.llama.tokenize(text, add_bos=True, special=True)


def test_the_file_says_what_it_is(model):
    """Architecture, template, licence, and that an answer ends with `<|im_end|>`."""
    metadata = model.llama.metadata
    assert metadata["general.architecture"] == "llama"
    assert metadata["general.name"] == f"intentmesh-demo-{model.name}"
    assert metadata["general.license"] == "apache-2.0"
    assert metadata["tokenizer.chat_template"] == CHATML
    assert model.llama.detokenize([model.llama.token_eos()], special=True) == b"<|im_end|>"
