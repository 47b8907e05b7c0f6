"""A grammar at work: which tokens of a vocabulary may follow, step by step.

llguidance parses; its limits bound the time of each step and the memory of each answer, so that no grammar can stop
the lane that its answer shares with others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from inference.constraint.vocabulary import read_vocabulary
from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.constraint.grammar import Grammar
    from inference.model import Model

_KEPT_CONSTRAINTS = 32
_KEPT_CHARACTERS = 1 << 20
"""Most callers send the same few schemas again and again."""
_LIMITS: dict[str, Any] = {
    "initial_lexer_fuel": 1_000_000,
    "step_lexer_fuel": 200_000,
    "step_max_items": 50_000,
    "max_items_in_row": 2_000,
    "max_lexer_states": 20_000,
    "max_grammar_size": 200_000,
    "precompute_large_lexemes": False,
    "verbose_errors": False,
}
"""A step of at most some 20 ms, some 40 MiB for an answer."""


class ConstraintError(InvalidRequestError):
    """A grammar that cannot be compiled, or that grew too complex on the way."""


class Compiler:
    """Compiles grammars for one model's vocabulary; may be called from any thread."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._tokenizer: LLTokenizer | None = None
        self._kept: OrderedDict[str, Constraint] = OrderedDict()

    def compile(self, grammar: Grammar) -> Constraint:
        """Compile a grammar, or take it from the last ones; raises ConstraintError."""
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = read_vocabulary(self._model)
            if (kept := self._kept.get(grammar.text)) is not None:
                self._kept.move_to_end(grammar.text)
                return kept
        constraint = Constraint(self._tokenizer, grammar)
        with self._lock:
            self._kept[grammar.text] = constraint
            while len(self._kept) > 1 and self._over():
                self._kept.popitem(last=False)
        return constraint

    def _over(self) -> bool:
        return len(self._kept) > _KEPT_CONSTRAINTS or sum(map(len, self._kept)) > _KEPT_CHARACTERS


class Constraint:
    """A compiled grammar; each answer that follows it has a matcher of its own."""

    def __init__(self, tokenizer: LLTokenizer, grammar: Grammar) -> None:
        self.param = grammar.param
        self.vocabulary_size: int = tokenizer.vocab_size
        self._start = LLMatcher(tokenizer, grammar.text, log_level=0, limits=LLParserLimits(**_LIMITS))
        if self._start.is_error():
            raise ConstraintError(_first_line(self._start.get_error()), param=grammar.param)

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
            raise ConstraintError("no token of this model can follow what the grammar began", param=self._param)
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
            reason = _first_line(self._native.get_error())
            raise ConstraintError(f"this grammar became too complex while it was followed: {reason}", param=self._param)


def _first_line(text: str) -> str:
    """What llguidance complains of, without the text of the grammar that it may show below."""
    return text.strip().partition("\n")[0][:200]
