"""Which slot a prompt is given."""

import pytest

from inference.slots import Slot, common, place

BUSY = object()
NO_COPY = 1 << 30


def slots(*cached, busy=()):
    """Slots with these cached tokens; those in `busy` hold a request."""
    made = [Slot(index, list(tokens), last_used=index) for index, tokens in enumerate(cached)]
    for index in busy:
        made[index].speech = BUSY
    return made


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 200])
def test_common_beginning(length):
    """The common beginning is found to the token."""
    a = list(range(length)) + [-1] * 80
    b = list(range(length)) + [-2] * 70
    assert length == common(a, b)


def test_no_slot_when_all_are_busy():
    """A prompt waits while every slot speaks."""
    assert place([1, 2], slots([], [], busy=(0, 1)), NO_COPY) is None


def test_the_slot_that_holds_the_prompt_is_taken():
    """A conversation goes on where its beginning is cached."""
    prompt = list(range(100))
    placement = place(prompt, slots([], prompt[:80], []), NO_COPY)
    assert (placement.slot.index, placement.kept, placement.donor) == (1, 80, None)


def test_the_last_token_is_always_computed():
    """A prompt that is cached whole still needs its last token's logits."""
    prompt = list(range(50))
    assert place(prompt, slots([*prompt, 7], []), NO_COPY).kept == 49


def test_a_busy_slot_lends_its_cache():
    """A beginning that a speaking slot holds is copied, not computed again."""
    prompt = list(range(100))
    placement = place(prompt, slots(prompt[:90], [], busy=(0,)), 32)
    assert (placement.slot.index, placement.kept, placement.donor.index) == (1, 90, 0)


def test_a_small_gain_is_not_worth_a_copy():
    """Below the gain that a copy costs, the prompt is computed."""
    prompt = list(range(100))
    placement = place(prompt, slots(prompt[:20], [], busy=(0,)), 32)
    assert (placement.kept, placement.donor) == (0, None)


def test_busy_slots_stay_side_by_side():
    """llama.cpp computes neighbours together, so a new request goes beside those that run."""
    assert place([1], slots([], [], [], busy=(0, 2)), NO_COPY).slot.index == 1


def test_of_equal_slots_the_longest_unused_is_taken():
    """What was cached last is kept longest."""
    free = slots([1], [2], [3])
    free[0].last_used, free[1].last_used, free[2].last_used = 5, 1, 9
    assert place([8, 9], free, NO_COPY).slot.index == 1
