"""Choosing the next token of one sequence: llama.cpp's sampler chain, a grammar if asked for, log probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as llama
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.constraint.matcher import Constraint, Matcher
    from inference.engine import Engine

_PENALTY_WINDOW = 64
_NO_PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one sequence is sampled. The defaults are llama.cpp's, which suit small quantised models."""

    temperature: float = 0.8
    """0 takes the likeliest token."""
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int = 0
    logit_bias: tuple[tuple[int, float], ...] = ()
    constraint: Constraint | None = None
    """What the answer must be."""
    logprobs: int | None = None
    """How many alternatives to report per token; None: no log probabilities at all."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A chosen token, its log probability before any sampler, and the likeliest alternatives."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]
    offset: int = 0
    """Characters of the answer before it."""


class Sampler:
    """The sampler of one sequence. `close` frees it."""

    def __init__(self, engine: Engine, params: SamplingParams) -> None:
        self._engine = engine
        self._matcher = params.constraint.matcher() if params.constraint is not None else None
        self._chain = _make_chain(engine, params)
        self._logprobs = params.logprobs
        self._own_logits: NDArray[np.float32] | None = None

    def sample(self, index: int) -> int:
        """Choose the token that follows the batch's token `index`."""
        if self._matcher is not None:
            return self._sample_allowed(index, self._matcher)
        return int(llama.llama_sampler_sample(self._chain, self._engine.context, index))

    @property
    def ended(self) -> bool:
        """Whether what the answer must be allows nothing more."""
        return self._matcher is not None and self._matcher.ended

    def logprob(self, index: int, token: int, offset: int = 0) -> TokenLogprob | None:
        """The token's log probability under the model itself, if asked for; to be called before the next step."""
        if self._logprobs is None:
            return None
        logits = (self._engine.logits(index) if self._own_logits is None else self._own_logits).astype(np.float64)
        logits -= logits.max()
        logits -= np.log(np.exp(logits).sum())
        count = min(self._logprobs, len(logits))
        best = np.argpartition(logits, -count)[-count:] if count else np.empty(0, np.int64)
        best = best[np.argsort(-logits[best], kind="stable")]
        return TokenLogprob(token, float(logits[token]), tuple((int(i), float(logits[i])) for i in best), offset)

    def close(self) -> None:
        """Free llama.cpp's side."""
        if self._chain:
            llama.llama_sampler_free(self._chain)
            self._chain = None

    def _sample_allowed(self, index: int, matcher: Matcher) -> int:
        """Mask llama.cpp's own logits, then choose as always: nothing is copied, whatever the vocabulary's size."""
        logits = self._engine.logits(index)
        if self._logprobs is not None:
            self._own_logits = logits.copy()
        matcher.mask(logits)
        token = int(llama.llama_sampler_sample(self._chain, self._engine.context, index))
        if not matcher.accept(token):  # a sum of probabilities rounded past its end
            token = int(logits.argmax())
            matcher.accept(token)
        return token


def _make_chain(engine: Engine, params: SamplingParams) -> Any:
    chain_params = llama.llama_sampler_chain_default_params()
    chain_params.no_perf = True
    chain = llama.llama_sampler_chain_init(chain_params)

    def add(sampler: Any) -> None:
        llama.llama_sampler_chain_add(chain, sampler)

    if params.logit_bias:
        biases = (llama.llama_logit_bias * len(params.logit_bias))(*params.logit_bias)
        add(llama.llama_sampler_init_logit_bias(engine.model.vocabulary_size, len(biases), biases))
    if (params.repeat_penalty, params.frequency_penalty, params.presence_penalty) != (_NO_PENALTY, 0.0, 0.0):
        add(
            llama.llama_sampler_init_penalties(
                engine.model.vocabulary_size,
                _PENALTY_WINDOW if params.repeat_penalty != _NO_PENALTY else engine.context_tokens,
                params.repeat_penalty,
                params.frequency_penalty,
                params.presence_penalty,
            )
        )
    if params.temperature <= 0:
        add(llama.llama_sampler_init_greedy())
        return chain
    if params.top_k > 0:
        add(llama.llama_sampler_init_top_k(params.top_k))
    if params.top_p < 1:
        add(llama.llama_sampler_init_top_p(params.top_p, 1))
    if params.min_p > 0:
        add(llama.llama_sampler_init_min_p(params.min_p, 1))
    add(llama.llama_sampler_init_temp(params.temperature))
    add(llama.llama_sampler_init_dist(params.seed & 0xFFFFFFFF))
    return chain
