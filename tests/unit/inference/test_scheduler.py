"""Continuous batching on a real llama.cpp, without threads or HTTP."""

import json

import pytest

from inference.constraint.grammar import from_schema
from inference.constraint.matcher import Compiler
from inference.errors import InvalidRequestError, UnavailableError
from inference.generation import Channel, Failure, Generation, Piece
from inference.sampling import SamplingParams

GREEDY = SamplingParams(temperature=0)


def generation(prompt, *, params=GREEDY, tokens=8, stops=(), stream=False, index=0):
    """A sequence to submit."""
    return Generation(list(prompt), params, tokens, stops, stream, Channel(), index)


def run(scheduler, *generations):
    """Submit all, step until idle; the events of each, in order."""
    for each in generations:
        scheduler.submit(each)
    events = {id(each): [] for each in generations}
    while not scheduler.idle:
        for owner, event in scheduler.step():
            events.setdefault(id(owner), []).append(event)
    return [events[id(each)] for each in generations]


def texts(scheduler, *generations):
    """The whole text of each."""
    return ["".join(event.text for event in events) for events in run(scheduler, *generations)]


def prompt(seed, length=20):
    """A prompt of tokens that differ by seed."""
    return [300 + (seed * 7919 + at * 104729) % 3000 for at in range(length)]


def test_streamed_and_whole_are_the_same_text(scheduler):
    """Pieces joined are what a request that is not streamed gets."""
    whole, streamed = texts(scheduler, generation(prompt(1)), generation(prompt(1), stream=True))
    assert whole == streamed != ""


def test_the_last_event_has_reason_and_usage(scheduler):
    """Usage counts the prompt and every chosen token."""
    [[*_, last]] = run(scheduler, generation(prompt(1), tokens=5))
    assert (last.finish, last.usage.prompt_tokens, last.usage.completion_tokens) == ("length", 20, 5)


@pytest.mark.parametrize("temperature", [0.0, 0.8, 2.0])
def test_same_seed_same_text_whatever_else_runs(scheduler, temperature):
    """A sequence's text depends on its prompt and seed, not on its neighbours in the batch."""

    def one():
        return generation(prompt(1), params=SamplingParams(temperature=temperature, seed=7), tokens=24)

    [alone] = texts(scheduler, one())
    crowd = [generation(prompt(n, 10 + 9 * n), params=SamplingParams(seed=n), tokens=30) for n in range(2, 9)]
    first, *_ = texts(scheduler, one(), *crowd)
    *_, last = texts(scheduler, *crowd, one())
    assert alone == first == last


def test_seeds_differ(scheduler):
    """Another seed gives another text."""
    params = [SamplingParams(temperature=1.5, seed=seed) for seed in (1, 2)]
    one, two = texts(scheduler, *[generation(prompt(1), params=p) for p in params])
    assert one != two


def test_more_requests_than_slots(scheduler):
    """Who finds no slot waits; all are answered; no slot stays taken."""
    events = run(scheduler, *[generation(prompt(n), tokens=3 + n) for n in range(11)])
    assert [3 + n for n in range(11)] == [last.usage.completion_tokens for [*_, last] in events]
    assert all(slot.speech is None for slot in scheduler.slots)


def test_a_long_prompt_does_not_stall_who_speaks(scheduler):
    """While a prompt of several chunks is read, the other sequence gets a token at every step."""
    speaker = generation(prompt(1), tokens=40, stream=True)
    scheduler.submit(speaker)
    scheduler.step()
    scheduler._stall_s = 1e-9  # the smallest chunk
    scheduler.submit(generation(prompt(2, 400), tokens=1))
    steps, spoken = 0, 0
    scheduler._read_tokens_per_s = 1.0
    while scheduler.waiting or any(slot.reading for slot in scheduler.slots):
        spoken += any(owner is speaker for owner, _ in scheduler.step())
        steps += 1
    assert steps >= 400 // 32
    assert spoken >= steps - 2  # a token that only begins a character shows nothing


def test_a_conversation_is_not_computed_again(scheduler):
    """The second turn finds the first in its slot."""
    run(scheduler, generation(prompt(1, 100), tokens=4))
    [[*_, last]] = run(scheduler, generation(prompt(1, 100) + prompt(2, 10), tokens=4))
    assert last.usage.cached_tokens >= 100


def test_a_shared_beginning_is_copied_from_a_speaking_slot(scheduler):
    """A long common system prompt is read once, though its first reader still speaks; the text does not change."""
    shared = prompt(1, 200)
    [alone] = texts(scheduler, generation([*shared, 400], tokens=6))
    for slot in scheduler.slots:
        scheduler._engine.forget(slot.index)
        slot.tokens.clear()
    scheduler.submit(generation(shared, tokens=100))
    while not any(slot.tokens[199:] for slot in scheduler.slots):
        scheduler.step()
    [[*_, last]] = run(scheduler, generation([*shared, 400], tokens=6))
    assert last.usage.cached_tokens == 200
    assert alone == last.text


def test_the_same_prompt_at_once_is_read_once(scheduler):
    """Who shares a long beginning with a prompt that is being read waits for it and copies it."""
    shared = prompt(1, 300)
    crowd = [generation([*shared, 400 + n], tokens=4) for n in range(4)]
    events = run(scheduler, *crowd)
    computed = sum(20 + last.usage.prompt_tokens - last.usage.cached_tokens for [*_, last] in events)
    assert computed < 301 + 4 * 60
    alone = [texts(scheduler, generation([*shared, 400 + n], tokens=4)) for n in range(4)]
    assert alone == [[last.text] for [*_, last] in events]


def test_a_client_that_leaves_frees_its_slot_within_one_step(scheduler):
    """Reading or speaking, the slot is free after the next step."""
    reader, speaker = generation(prompt(1, 300)), generation(prompt(2), tokens=100)
    scheduler.submit(speaker)
    scheduler.submit(reader)
    scheduler.step()
    reader.cancelled = speaker.cancelled = True
    assert scheduler.step() == []
    assert scheduler.idle


def test_a_waiting_client_that_leaves_is_forgotten(scheduler):
    """The queue holds nobody who has gone."""
    crowd = [generation(prompt(n), tokens=20) for n in range(5)]
    for each in crowd:
        scheduler.submit(each)
    crowd[4].cancelled = True
    scheduler.step()
    assert not scheduler.waiting
    run(scheduler)


def test_a_stop_string_ends_the_text(scheduler):
    """The text ends before the stop string, though tokens cut it anywhere."""
    [whole] = texts(scheduler, generation(prompt(1), tokens=20))
    stop = whole[9:13]
    [[last]] = run(scheduler, generation(prompt(1), tokens=20, stops=(stop,)))
    assert (whole[: whole.index(stop)], "stop") == (last.text, last.finish)


def test_the_context_ends_the_text(scheduler):
    """A sequence that fills its context ends with `length`."""
    [[*_, last]] = run(scheduler, generation(prompt(1, 505), tokens=100))
    assert (last.finish, last.usage.completion_tokens) == ("length", 8)


def test_logprobs_are_those_of_the_model(scheduler):
    """Greedy takes the likeliest; probabilities are of the whole vocabulary."""
    params = SamplingParams(temperature=0, logprobs=3)
    [[last]] = run(scheduler, generation(prompt(1), params=params, tokens=4))
    for entry in last.logprobs:
        assert len(entry.top) == 3
        assert (entry.token, entry.logprob) == entry.top[0]
        assert entry.logprob < 0
    assert len(last.logprobs) == 4


def test_logit_bias_and_penalties_are_obeyed(scheduler):
    """A banned token never comes; a penalty changes a repetitive text."""
    params = SamplingParams(temperature=0, logprobs=0)
    [[free]] = run(scheduler, generation(prompt(1), params=params, tokens=12))
    banned = free.logprobs[0].token
    params = SamplingParams(temperature=0, logprobs=0, logit_bias=((banned, -100.0),))
    [[biased]] = run(scheduler, generation(prompt(1), params=params, tokens=12))
    assert banned not in [entry.token for entry in biased.logprobs]
    params = SamplingParams(temperature=0, logprobs=0, presence_penalty=2.0, frequency_penalty=2.0)
    [[varied]] = run(scheduler, generation(prompt(1), params=params, tokens=12))
    assert len({entry.token for entry in varied.logprobs}) == 12


SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "count": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["city", "count"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_json_schema_is_followed(engine, scheduler, temperature):
    """Even noise follows the schema, next to a neighbour that speaks freely."""
    constraint = Compiler(engine.model).compile(from_schema(SCHEMA, "response_format"))
    params = SamplingParams(temperature=temperature, seed=3, constraint=constraint)
    [text, _] = texts(scheduler, generation(prompt(1), params=params, tokens=200), generation(prompt(2), tokens=50))
    value = json.loads(text)
    assert value["city"] in {"Paris", "Rome"}
    assert 0 <= value["count"] <= 99


class Exhausted:
    """A grammar that nothing can follow any more, as one that grew too complex on the way."""

    ended = False

    def matcher(self):
        """Itself."""
        return self

    def mask(self, logits):
        """Refuse."""
        raise InvalidRequestError("too complex", param="grammar")


def test_a_grammar_that_cannot_be_followed_fails_its_request_alone(scheduler):
    """The neighbour is answered."""
    bad = generation(prompt(1), params=SamplingParams(constraint=Exhausted()))
    [[failure], [*_, last]] = run(scheduler, bad, generation(prompt(2), tokens=3))
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, InvalidRequestError)
    assert isinstance(last, Piece)


def test_all_can_be_ended(scheduler):
    """On the way down everything gets an error, running and waiting."""
    crowd = [generation(prompt(n)) for n in range(6)]
    for each in crowd:
        scheduler.submit(each)
    scheduler.step()
    failed = scheduler.fail_all(UnavailableError("going down", code="shutting_down"))
    assert len(failed) == 6
    assert scheduler.idle
