"""Slots: where sequences live, and which one a new request is given."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inference.generation import Generation
    from inference.sampling import Sampler, TokenLogprob
    from inference.text import TextAssembler

WORTHWHILE_TOKENS = 16
"""A cached beginning shorter than this does not decide which slot is taken."""


@dataclass(slots=True)
class Speech:
    """A generation while it holds a slot."""

    generation: Generation
    sampler: Sampler
    assembler: TextAssembler
    cached_tokens: int
    next_token: int = -1
    """The token that was chosen last and is not computed yet; -1 while the prompt is being read."""
    completion_tokens: int = 0
    text: list[str] = field(default_factory=list)
    """What a request that is not streamed has so far."""
    logprobs: list[TokenLogprob] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    first_token: float = 0.0


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence of the context. An idle slot keeps what it has computed: the next prompt may begin alike."""

    index: int
    tokens: list[int] = field(default_factory=list)
    """Tokens in the cache, by position."""
    speech: Speech | None = None
    last_used: int = 0
    output: int = -1
    """Where this step's logits for the slot are, or -1."""

    @property
    def reading(self) -> bool:
        """Whether the prompt is not read to its end."""
        return self.speech is not None and self.speech.next_token < 0

    def shared(self, prompt: Sequence[int]) -> int:
        """How much of a prompt's beginning is in the cache, or will be when this slot has read its own prompt."""
        speech = self.speech
        if speech is not None and speech.next_token < 0:
            return common(speech.generation.prompt, prompt)
        return common(self.tokens, prompt)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a prompt goes: `slot`, of which `kept` tokens stay, after copying the cache of `donor` if there is one."""

    slot: Slot
    kept: int
    donor: Slot | None = None


def place(prompt: Sequence[int], slots: Sequence[Slot], copy_gain_tokens: int) -> Placement | None:
    """Choose the slot for a prompt, or None if all are busy.

    A slot that already holds much of the prompt is best. Else another slot may hold it: its cache is copied if that
    saves more than `copy_gain_tokens`. Else the slot is taken that keeps the busy ones side by side (llama.cpp
    computes neighbours together, and each gap costs a pass of its own), and of those the longest unused.
    """
    idle = [slot for slot in slots if slot.speech is None]
    if not idle:
        return None
    usable = len(prompt) - 1  # the last token is always computed: its logits choose the first token of the answer
    own, best = max(((min(usable, common(slot.tokens, prompt)), slot) for slot in idle), key=_by_length)
    kept, donor = max(((min(usable, common(slot.tokens, prompt)), slot) for slot in slots), key=_by_length)
    if own >= WORTHWHILE_TOKENS and kept - own < copy_gain_tokens:
        return Placement(best, own)
    busy = {slot.index for slot in slots if slot.speech is not None}
    target = min(idle, key=lambda slot: (_gaps(busy | {slot.index}), slot is donor, slot.last_used))
    if target is not donor and kept >= copy_gain_tokens:
        return Placement(target, kept, donor)
    return Placement(target, min(usable, common(target.tokens, prompt)))


def common(cached: Sequence[int], prompt: Sequence[int]) -> int:
    """Length of the common beginning."""
    limit = min(len(cached), len(prompt))
    at, stride = 0, 64
    while at < limit and cached[at : at + stride] == prompt[at : at + stride]:
        at += stride
    at = min(at, limit)
    while at < limit and cached[at] == prompt[at]:
        at += 1
    return at


def _by_length(candidate: tuple[int, Slot]) -> tuple[int, int]:
    return candidate[0], -candidate[1].index


def _gaps(indexes: Iterable[int]) -> int:
    ordered = sorted(indexes)
    return sum(after - before > 1 for before, after in itertools.pairwise(ordered))
