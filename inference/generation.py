"""One sequence to be generated, what becomes of it, and the channel on which the event loop hears of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.errors import InferenceError
    from inference.sampling import SamplingParams, TokenLogprob

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one sequence."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that became certain; `finish` and `usage` come with the last one."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    usage: Usage | None = None
    stop: str | None = None
    """The stop string that ended it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The sequence ended without an answer."""

    error: InferenceError


@dataclass(frozen=True, slots=True)
class Vector:
    """The embedding of a text."""

    values: NDArray[np.float32]
    tokens: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The client closed the connection."""


Event = Piece | Vector | Failure | Gone


@dataclass(slots=True, eq=False)
class Generation:
    """A sequence on its way: made by the API, advanced by the scheduler."""

    prompt: list[int]
    params: SamplingParams
    max_tokens: int
    stops: tuple[str, ...]
    stream: bool
    """Whether each piece is wanted as it comes; if not, one event holds all."""
    channel: Channel
    index: int = 0
    """Which choice of its request this is."""
    shown: frozenset[int] = frozenset()
    """Control tokens whose text is part of the answer: they tell its parser where a call begins."""
    cancelled: bool = False
    """Set by the event loop when the client has gone; the scheduler looks at every step."""
    submitted: float = field(default_factory=time.perf_counter)


@dataclass(slots=True, eq=False)
class Embedding:
    """A text to be embedded."""

    prompt: list[int]
    channel: Channel
    index: int = 0
    cancelled: bool = False
    submitted: float = field(default_factory=time.perf_counter)


Task = Generation | Embedding


class Channel:
    """Events of one HTTP request, from the computing thread (in batches, by the event loop) to its handler."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, Event]] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, index: int, event: Event) -> None:
        """Add an event of choice `index`; on the event loop only."""
        self._events.append((index, event))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> list[tuple[int, Event]]:
        """Wait for events and take all that are there."""
        if not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        events = list(self._events)
        self._events.clear()
        return events
