"""A grammar at work: which tokens of a vocabulary may follow, step by step.

llguidance parses; its limits bound the time of each step and the memory of each answer, so that no grammar can stop
the lane that its answer shares with others.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from inference.constraint.fault import NotHeldError
from inference.constraint.refusal import find_fault, reason_of
from inference.constraint.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.constraint.grammar import Grammar
    from inference.model import Model

_OPTIONS = '%llguidance {"no_forcing": true}\n'
"""llguidance would look ahead as far as only one text is possible, which may be a million characters, in one step."""
_LIMITS: dict[str, Any] = {
    "initial_lexer_fuel": 1_000_000,
    "step_lexer_fuel": 200_000,
    "step_max_items": 50_000,
    "max_items_in_row": 2_000,
    "max_lexer_states": 150_000,
    "max_grammar_size": 200_000,
    "precompute_large_lexemes": False,
    "verbose_errors": False,
}
"""A step of at most some 20 ms, and 60 MiB for a request."""


class Compiler:
    """Compiles grammars for one model's vocabulary; may be called from any thread."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._tokenizer: LLTokenizer | None = None

    def compile(self, grammar: Grammar) -> Constraint:
        """Compile a grammar; raises NotHeldError with the place that cannot be followed."""
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = read_vocabulary(self._model)
        return Constraint(self._tokenizer, grammar)


class Constraint:
    """A compiled grammar, for one request: its answers share what llguidance learns on the way, and its limits."""

    def __init__(self, tokenizer: LLTokenizer, grammar: Grammar) -> None:
        self.param = grammar.param
        self.vocabulary_size: int = tokenizer.vocab_size
        self._start = _native(tokenizer, grammar)
        if self._start.is_error():
            reason = reason_of(self._start.get_error())
            if grammar.schema is None:
                raise NotHeldError(f"{grammar.param}: {reason}", param=grammar.param)
            raise find_fault(grammar, lambda part: _native(tokenizer, part).is_error()).fault(reason)

    def matcher(self) -> Matcher:
        """At the grammar's beginning; any thread may ask."""
        return Matcher(self._start.deep_copy(), self)


class Matcher:
    """Follows one answer."""

    def __init__(self, native: LLMatcher, constraint: Constraint) -> None:
        self._native = native
        self._param = constraint.param
        self._size = constraint.vocabulary_size
        self._mask = np.zeros((self._size + 31) // 32, np.int32)

    @property
    def ended(self) -> bool:
        """Whether nothing can follow any more."""
        return bool(self._native.is_stopped())

    def mask(self, logits: NDArray[np.float32]) -> None:
        """Make every token that may not follow impossible, in place."""
        self._native.unsafe_compute_mask_ptr(self._mask.ctypes.data, self._mask.nbytes)
        self._check()
        allowed = np.unpackbits(self._mask.view(np.uint8), bitorder="little", count=self._size).view(np.bool_)
        if not allowed.any():
            raise NotHeldError("no token of this model can follow what the grammar began", param=self._param)
        np.copyto(logits[: self._size], -np.inf, where=~allowed)
        logits[self._size :] = -np.inf

    def accept(self, token: int) -> bool:
        """Take a token; False, and nothing is changed, where it may not follow."""
        if not self._native.validate_tokens([token]):
            return False
        self._native.consume_token(token)
        self._check()
        return True

    def _check(self) -> None:
        if self._native.is_error():
            reason = reason_of(self._native.get_error())
            raise NotHeldError(f"what the answer must be cannot be followed further: {reason}", param=self._param)


def _native(tokenizer: LLTokenizer, grammar: Grammar) -> LLMatcher:
    whole = json.loads(grammar.text)
    first = whole["grammars"][0]
    if "json_schema" in first:
        first["lark_grammar"] = "start: %json " + json.dumps(first.pop("json_schema"))
    first["lark_grammar"] = _OPTIONS + first["lark_grammar"]
    return LLMatcher(tokenizer, json.dumps(whole), log_level=0, limits=LLParserLimits(**_LIMITS))
