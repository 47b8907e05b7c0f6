"""A model's vocabulary as llguidance takes it: the bytes that each token adds to an answer."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import llama_cpp.llama_cpp as llama
from llguidance import LLTokenizer

if TYPE_CHECKING:
    from inference.model import Model

_SPECIAL = b"\xff"
"""Marks a token that is more than its text: no text in a grammar matches it, only its name does."""
_USER_DEFINED = int(llama.LLAMA_TOKEN_ATTR_USER_DEFINED)


def read_vocabulary(model: Model) -> LLTokenizer:
    """Read every token once: 1 s for 150,000 of them, and 60 MiB."""
    tokens = [_bytes_of(model, token) for token in range(model.vocabulary_size)]
    tokenize = ctypes.cast(llama._lib.llama_tokenize, ctypes.c_void_p).value  # noqa: SLF001 - has no other name
    return LLTokenizer.from_llamacpp(
        tokens=tokens,
        vocab_ptr=model.vocab,
        tokenize_fptr=tokenize,
        eos_token=sorted(model.end_tokens),
        slices=LLTokenizer.json_slices(),
    )


def _bytes_of(model: Model, token: int) -> bytes:
    text = model.read_piece(token)
    if not text:  # a control token
        return _SPECIAL + model.read_piece(token, special=True)
    if _is_named(text) and llama.llama_token_get_attr(model.vocab, token) & _USER_DEFINED:
        return _SPECIAL + text
    return text


def _is_named(text: bytes) -> bool:
    """Whether a token added by hand is written as control tokens are, as `<tool_call>`."""
    return text.startswith(b"<") and text.endswith(b">")
