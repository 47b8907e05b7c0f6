"""Continuous batching: who is in the next step, and what becomes of each token. No threads, no HTTP, no clock but to measure.

A step is: take what waits into idle slots; compute one token for each that speaks and a chunk of the prompts that are
being read; choose the next tokens. One step is one llama_decode.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from inference.engine import Batch
from inference.errors import EngineError, InferenceError
from inference.generation import Failure, Generation, Piece, Usage
from inference.sampling import Sampler
from inference.slots import WORTHWHILE_TOKENS, Slot, Speech, place
from inference.text import TextAssembler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engine import Engine
    from inference.generation import Event, FinishReason
    from inference.metrics import Metrics
    from inference.slots import Placement

_SMALLEST_CHUNK = 32
_NEVER = 1 << 30
_COPY_BYTES_PER_S = 4e9
"""A copied cache moves at about this rate; only the order of magnitude matters."""
_EASE = 0.8
"""Weight of the past in the moving average of the reading speed."""


class Scheduler:
    """All sequences of one engine. Everything here runs on the computing thread."""

    def __init__(
        self,
        engine: Engine,
        metrics: Metrics,
        *,
        slots: int,
        batch_tokens: int,
        stall_s: float,
        slot_cache_bytes: int,
        lane: int = 0,
    ) -> None:
        self.slots = [Slot(index) for index in range(slots)]
        self.waiting: deque[Generation] = deque()
        self._engine = engine
        self._metrics = metrics
        self._lane = lane
        self._batch = Batch(max(batch_tokens, slots))
        self._stall_s = stall_s
        self._copy_s = slot_cache_bytes / _COPY_BYTES_PER_S
        self._read_tokens_per_s = 0.0
        self._clock = 0
        self._events: list[tuple[Generation, Event]] = []

    @property
    def idle(self) -> bool:
        """Nothing to do."""
        return not self.waiting and all(slot.speech is None for slot in self.slots)

    @property
    def room(self) -> int:
        """How many sequences could begin with the next step."""
        return sum(slot.speech is None for slot in self.slots) - len(self.waiting)

    @property
    def load(self) -> int:
        """How many sequences are in progress."""
        return len(self.slots) - self.room

    def overlap(self, prompt: Sequence[int]) -> int:
        """How many tokens of a prompt are in one of the caches, or soon will be, if they are worth going there for."""
        longest = max(slot.shared(prompt) for slot in self.slots)
        return longest if longest >= WORTHWHILE_TOKENS else 0

    def submit(self, generation: Generation) -> None:
        """Queue a sequence."""
        self.waiting.append(generation)

    def step(self) -> list[tuple[Generation, Event]]:
        """Compute one step and return what happened in it."""
        self._events = []
        self._release_cancelled()
        self._admit()
        self._fill_batch()
        if self._batch.size:
            self._compute()
        self._metrics.observe_lane(
            self._lane,
            busy=sum(slot.speech is not None for slot in self.slots),
            cached_tokens=sum(len(slot.tokens) for slot in self.slots),
        )
        return self._events

    def fail_all(self, error: InferenceError) -> list[tuple[Generation, Event]]:
        """End everything, running and waiting, with this error."""
        self._events = []
        for slot in self.slots:
            if slot.speech is not None:
                self._fail(slot, error)
        for generation in self.waiting:
            self._events.append((generation, Failure(error)))
        self.waiting.clear()
        return self._events

    def _release_cancelled(self) -> None:
        for slot in self.slots:
            if slot.speech is not None and slot.speech.generation.cancelled:
                self._metrics.cancelled.inc()
                self._release(slot)
        if any(generation.cancelled for generation in self.waiting):
            kept = [generation for generation in self.waiting if not generation.cancelled]
            self._metrics.cancelled.inc(len(self.waiting) - len(kept))
            self.waiting = deque(kept)

    def _admit(self) -> None:
        gain = max(_SMALLEST_CHUNK, int(self._copy_s * self._read_tokens_per_s))
        if not self._engine.model.can_cut:
            gain = _NEVER
        later: deque[Generation] = deque()
        while self.waiting:
            generation = self.waiting.popleft()
            placement = place(generation.prompt, self.slots, gain)
            if placement is None or self._worth_waiting(generation, placement.kept + gain):
                later.append(generation)
            else:
                self._begin(generation, placement)
        self.waiting = later

    def _worth_waiting(self, generation: Generation, tokens: int) -> bool:
        """Whether more than so many tokens of a prompt are being read in another slot just now."""
        return any(
            slot.speech is not None and slot.reading and slot.shared(generation.prompt) > tokens for slot in self.slots
        )

    def _begin(self, generation: Generation, placement: Placement) -> None:
        try:
            sampler = Sampler(self._engine, generation.params)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's fault alone
            self._events.append((generation, Failure(_as_ours(error))))
            return
        slot, kept = placement.slot, placement.kept
        if placement.donor is not None:
            self._engine.copy(placement.donor.index, slot.index)
            slot.tokens = list(placement.donor.tokens)
        if not self._engine.forget(slot.index, kept):
            self._engine.forget(slot.index)
            kept = 0
        del slot.tokens[kept:]
        slot.speech = Speech(generation, sampler, TextAssembler(generation.stops), kept)
        self._metrics.queue_seconds.observe(slot.speech.started - generation.submitted)

    def _fill_batch(self) -> None:
        batch = self._batch
        batch.clear()
        reading = []
        for slot in self.slots:
            slot.output = -1
            if slot.speech is None:
                continue
            if slot.reading:
                reading.append(slot)
            else:
                slot.output = batch.add(slot.speech.next_token, len(slot.tokens), slot.index)
                slot.tokens.append(slot.speech.next_token)
        room = self._reading_room() if batch.size else batch.room
        reading.sort(key=lambda slot: slot.speech.started if slot.speech else 0.0)
        for slot in reading:
            assert slot.speech is not None
            prompt, start = slot.speech.generation.prompt, len(slot.tokens)
            chunk = prompt[start : start + room]
            if not chunk:
                break
            last = start + len(chunk) == len(prompt)
            at = batch.add_run(chunk, start, slot.index, output=last)
            slot.output = at if last else -1
            slot.tokens.extend(chunk)
            room -= len(chunk)

    def _reading_room(self) -> int:
        """Tokens of prompts that may join those who speak, so that they wait about as long as was set."""
        if not self._read_tokens_per_s:
            return self._batch.room
        return min(self._batch.room, max(_SMALLEST_CHUNK, int(self._read_tokens_per_s * self._stall_s)))

    def _compute(self) -> None:
        speaking = sum(slot.output >= 0 for slot in self.slots)
        started = time.perf_counter()
        try:
            self._engine.decode(self._batch)
        except EngineError as error:
            for slot in self.slots:
                if slot.speech is not None:
                    self._fail(slot, error)
            return
        took = time.perf_counter() - started
        read = self._batch.size - speaking
        self._metrics.observe_step(took, read)
        if read >= _SMALLEST_CHUNK:
            speed = self._batch.size / took
            past = self._read_tokens_per_s or speed
            self._read_tokens_per_s = _EASE * past + (1 - _EASE) * speed
        for slot in self.slots:
            if slot.output >= 0:
                try:
                    self._speak(slot)
                except Exception as error:  # noqa: BLE001 - the others go on
                    self._fail(slot, _as_ours(error))

    def _speak(self, slot: Slot) -> None:
        speech = slot.speech
        assert speech is not None
        generation = speech.generation
        if not generation.max_tokens:
            self._finish(slot, "length", "")
            return
        token = speech.sampler.sample(slot.output)
        if not speech.completion_tokens:
            speech.first_token = time.perf_counter()
            self._metrics.observe_first_token(speech.first_token - generation.submitted)
        speech.completion_tokens += 1
        if token in self._engine.model.end_tokens:
            self._finish(slot, "stop", "")
            return
        speech.next_token = token
        if (logprob := speech.sampler.logprob(slot.output, token, speech.assembler.length)) is not None:
            speech.logprobs.append(logprob)
        text = speech.assembler.feed(self._engine.model.piece(token, special=token in generation.shown))
        if speech.assembler.stopped is not None or speech.sampler.ended:
            self._finish(slot, "stop", text)
        elif speech.completion_tokens >= generation.max_tokens or len(slot.tokens) >= self._engine.context_tokens:
            self._finish(slot, "length", text)
        elif not generation.stream:
            speech.text.append(text)
        elif text:
            self._events.append((generation, Piece(text, tuple(speech.logprobs))))
            speech.logprobs.clear()

    def _finish(self, slot: Slot, reason: FinishReason, text: str) -> None:
        speech = slot.speech
        assert speech is not None
        generation = speech.generation
        usage = Usage(len(generation.prompt), speech.cached_tokens, speech.completion_tokens)
        whole = "".join((*speech.text, text, speech.assembler.close()))
        self._events.append((generation, Piece(whole, tuple(speech.logprobs), reason, usage, speech.assembler.stopped)))
        self._metrics.observe_finish(usage, time.perf_counter() - speech.first_token)
        self._release(slot)

    def _fail(self, slot: Slot, error: InferenceError) -> None:
        assert slot.speech is not None
        self._events.append((slot.speech.generation, Failure(error)))
        self._engine.forget(slot.index)
        slot.tokens.clear()
        self._release(slot)

    def _release(self, slot: Slot) -> None:
        assert slot.speech is not None
        slot.speech.sampler.close()
        slot.speech = None
        self._clock += 1
        slot.last_used = self._clock


def _as_ours(error: Exception) -> InferenceError:
    return error if isinstance(error, InferenceError) else InferenceError(f"internal error ({type(error).__name__})")
