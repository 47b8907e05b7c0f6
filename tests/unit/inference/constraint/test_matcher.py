"""Grammars at work on a real llama.cpp: what is chosen, what is reported, when it ends."""

import json
import math

import numpy as np
import pytest

from inference.constraint.fault import NotHeldError
from inference.constraint.grammar import Grammar, from_schema, lark_json
from inference.constraint.matcher import Compiler
from inference.generation import Channel, Generation
from inference.sampling import SamplingParams
from inference.text import TextAssembler

PROMPT = list(range(300, 320))


def from_lark(text, param):
    """Texts of a grammar in llguidance's Lark, as the grammars of tool calls are written."""
    return Grammar(json.dumps({"grammars": [{"lark_grammar": text}]}), param)


@pytest.fixture(scope="module")
def compiler(engine):
    """For the model of random weights."""
    return Compiler(engine.model)


@pytest.fixture
def answer(scheduler, compiler):
    """Let the model of noise answer under a grammar: the last event of each choice, by its number."""

    def speak(grammar, count=1, **params):
        constraint = compiler.compile(grammar)
        tokens = params.pop("tokens", 200)
        for index in range(count):
            drawn = SamplingParams(seed=index, constraint=constraint, **{"temperature": 1.5, **params})
            scheduler.submit(Generation(PROMPT, drawn, tokens, (), False, Channel(), index))
        ended = []
        while not scheduler.idle:
            ended += scheduler.step()
        return [event for _, event in sorted(ended, key=lambda pair: pair[0].index)]

    return speak


def test_quotes_newlines_and_emoji_are_values_like_others(answer):
    """What JSON escapes and what takes several tokens comes out whole."""
    values = ['say "hi"', "back\\slash", "two\nlines", "😀 é", ""]
    found = {json.loads(piece.text) for piece in answer(from_schema({"enum": values}, "p"), count=24)}
    assert found <= set(values)
    assert len(found) > 1


def test_an_answer_ends_where_its_grammar_does(answer):
    """No step is computed for an end that nothing else could follow, and each choice walks its own way."""
    pieces = answer(from_lark('start: "<call>" /[a-z]{3,5}/ " " ' + lark_json({"type": "boolean"}, "p"), "p"), count=8)
    assert {piece.finish for piece in pieces} == {"stop"}
    assert len({piece.text for piece in pieces}) > 1
    for piece in pieces:
        assert piece.text.startswith("<call>")
        assert piece.text.endswith((" true", " false"))


def test_log_probabilities_are_the_models_own(answer):
    """What a grammar forbids has a probability all the same: the alternatives are those of the model."""
    [piece] = answer(from_schema({"const": "abc"}, "p"), logprobs=3)
    assert all(math.isfinite(entry.logprob) for entry in piece.logprobs)
    assert any(entry.top[0][1] > entry.logprob for entry in piece.logprobs)


def test_a_matcher_masks_and_moves(engine, compiler):
    """A token that may not follow is refused, and leaves the matcher as it was."""
    matcher = compiler.compile(from_schema({"enum": [12, 345]}, "p")).matcher()
    tokenize = engine.model.tokenize
    [one], [three] = tokenize("1", special=False, begin=False), tokenize("3", special=False, begin=False)
    logits = np.zeros(engine.model.vocabulary_size, np.float32)
    matcher.mask(logits)
    assert {one, three} == set(np.flatnonzero(logits == 0).tolist())
    [two] = tokenize("2", special=False, begin=False)
    assert not matcher.accept(two)
    assert matcher.accept(one)
    assert not matcher.ended
    assert matcher.accept(two)
    assert matcher.ended


def test_tokens_of_control_are_no_text(engine, compiler):
    """A string may hold any text, but never a token that ends a turn."""
    matcher = compiler.compile(from_schema({"type": "string"}, "p")).matcher()
    [quote] = engine.model.tokenize('"', special=False, begin=False)
    assert matcher.accept(quote)
    logits = np.zeros(engine.model.vocabulary_size, np.float32)
    matcher.mask(logits)
    shown = [token for token in range(engine.model.vocabulary_size) if not engine.model.read_piece(token)]
    assert shown
    assert not any(math.isfinite(logits[token]) for token in shown)


def test_a_grammar_that_cannot_be_compiled_names_its_field(compiler):
    """Whatever llguidance finds wrong is the request's fault."""
    with pytest.raises(NotHeldError) as caught:
        compiler.compile(from_lark("start: nowhere", "tools"))
    assert caught.value.param == "tools"


def test_characters_are_whole(answer):
    """A string of any characters is text without replacement characters."""
    for piece in answer(from_schema({"type": "string", "minLength": 20, "maxLength": 30}, "p"), count=8):
        value = json.loads(piece.text)
        assert 20 <= len(value) <= 30
        assembler = TextAssembler()
        assert "\ufffd" not in assembler.feed(piece.text.encode()) + assembler.close()
