"""What the server measures, in Prometheus form. Counts, times and sizes; never text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from inference.generation import Usage

_PREFIX = "intentmesh_inference_"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """All instruments of one server."""

    def __init__(self, slots: int = 0, cache_tokens: int = 0) -> None:
        self.registry = CollectorRegistry()
        self._busy = self._gauge("slots_busy", "Slots that hold a request.")
        self._slots = self._gauge("slots", "Slots in all.")
        self.active = self._gauge("requests_active", "Sequences accepted and not yet ended.")
        self.waiting = self._gauge("queue_length", "Requests that wait for a slot.")
        self._cache_tokens = self._gauge("kv_cache_tokens", "Tokens in the KV cache, those of idle slots included.")
        self._cache_share = self._gauge("kv_cache_usage_ratio", "Share of the KV cache that holds tokens.")
        self._speed = self._gauge("tokens_per_second", "Answer tokens per second of the last finished request.")
        self._prompt = self._counter("prompt_tokens", "Prompt tokens of finished requests.")
        self._cached = self._counter("prompt_tokens_cached", "Prompt tokens that did not have to be computed.")
        self._completion = self._counter("completion_tokens", "Answer tokens of finished requests.")
        self._steps = self._counter("steps", "Steps computed.")
        self._read = self._counter("prompt_tokens_computed", "Prompt tokens computed.")
        self.cancelled = self._counter("requests_cancelled", "Sequences whose client went away.")
        self.rejected = self._counter("requests_rejected", "Requests refused because the queue was full.")
        self.requests = Counter(
            _PREFIX + "requests", "HTTP requests, by path and status.", ["path", "status"], registry=self.registry
        )
        self._first_token = self._histogram("time_to_first_token_seconds", "From the request to its first token.")
        self.queue_seconds = self._histogram("queue_seconds", "Time in the queue.")
        self._step_seconds = self._histogram("step_seconds", "Time of one step in llama.cpp.")
        self._slots.set(slots)
        self._capacity = cache_tokens
        self._lanes: dict[int, tuple[int, int]] = {0: (0, 0)}

    def render(self) -> bytes:
        """Prometheus' text."""
        return generate_latest(self.registry)

    def set_capacity(self, slots: int, cache_tokens: int, lanes: int) -> None:
        """Say how many slots, cache tokens and lanes there are, once the model is loaded."""
        self._lanes = dict.fromkeys(range(lanes), (0, 0))
        self._slots.set(slots)
        self._capacity = cache_tokens

    def observe_lane(self, lane: int, *, busy: int, cached_tokens: int) -> None:
        """The state of a lane after a step."""
        self._lanes[lane] = (busy, cached_tokens)
        busy, cached_tokens = map(sum, zip(*self._lanes.values(), strict=True))
        self._busy.set(busy)
        self._cache_tokens.set(cached_tokens)
        self._cache_share.set(cached_tokens / self._capacity if self._capacity else 0)

    def observe_step(self, seconds: float, prompt_tokens: int) -> None:
        """One step was computed."""
        self._steps.inc()
        self._read.inc(prompt_tokens)
        self._step_seconds.observe(seconds)

    def observe_first_token(self, seconds: float) -> None:
        """A request got its first token."""
        self._first_token.observe(seconds)

    def observe_finish(self, usage: Usage, speaking_s: float) -> None:
        """A sequence was finished, `speaking_s` after its first token."""
        self._prompt.inc(usage.prompt_tokens)
        self._cached.inc(usage.cached_tokens)
        self._completion.inc(usage.completion_tokens)
        if usage.completion_tokens > 1 and speaking_s > 0:
            self._speed.set((usage.completion_tokens - 1) / speaking_s)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(_PREFIX + name, text, registry=self.registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(_PREFIX + name, text, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(_PREFIX + name, text, registry=self.registry, buckets=_SECONDS)
