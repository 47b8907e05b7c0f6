"""One context of llama.cpp: tokens in, logits out.

With `model` and `sampling` the only module that talks to llama-cpp-python's low-level API. It knows nothing of
requests, and all of it runs on one thread.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as llama
import numpy as np

from inference import logs
from inference.errors import EngineError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inference.model import Model
    from inference.settings import Settings

_CACHE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}


class Batch:
    """The tokens of one step. Owns its arrays; llama.cpp reads them in place."""

    def __init__(self, capacity: int) -> None:
        self.size = 0
        self.capacity = capacity
        self._token = np.zeros(capacity, np.int32)
        self._pos = np.zeros(capacity, np.int32)
        self._count = np.ones(capacity, np.int32)
        self._seq = np.zeros(capacity, np.int32)
        self._output = np.zeros(capacity, np.int8)
        starts = self._seq.ctypes.data + np.arange(capacity, dtype=np.uint64) * self._seq.itemsize
        self._seq_pointers = starts.astype(np.uint64)
        self.struct = llama.llama_batch(
            n_tokens=0,
            token=self._token.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            embd=None,
            pos=self._pos.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=self._count.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=self._seq_pointers.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=self._output.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def clear(self) -> None:
        """Forget the last step."""
        self.size = 0

    @property
    def room(self) -> int:
        """Tokens that still fit."""
        return self.capacity - self.size

    def add(self, token: int, position: int, sequence: int) -> int:
        """Add one token whose logits are wanted; returns its index."""
        at = self.size
        self._token[at], self._pos[at], self._seq[at], self._output[at] = token, position, sequence, 1
        self.size = at + 1
        return at

    def add_run(self, tokens: Sequence[int], position: int, sequence: int, *, output: bool) -> int:
        """Add successive tokens of a prompt; `output` asks for the logits of the last, whose index is returned."""
        start, end = self.size, self.size + len(tokens)
        self._token[start:end] = tokens
        self._pos[start:end] = np.arange(position, position + len(tokens), dtype=np.int32)
        self._seq[start:end] = sequence
        self._output[start:end] = 0
        self._output[end - 1] = output
        self.size = end
        return end - 1

    def add_text(self, tokens: Sequence[int], sequence: int) -> None:
        """Add a whole text of which every token counts."""
        start = self.size
        self.add_run(tokens, 0, sequence, output=True)
        self._output[start : self.size] = 1


class Engine:
    """A context of a loaded model: as many sequences as `slots`, computed together on one thread."""

    def __init__(
        self, model: Model, settings: Settings, *, context_tokens: int, slots: int, embeds: bool = False
    ) -> None:
        self.model = model
        self.context = _make_context(model, settings, context_tokens, slots, embeds=embeds)
        """llama.cpp's context, for the samplers."""
        self._memory = llama.llama_get_memory(self.context)
        self.context_tokens = int(llama.llama_n_ctx_seq(self.context))
        """Context of one sequence."""

    def warm_up(self) -> None:
        """Compute a token and forget it: what cannot compute here fails before the server says that it is ready."""
        batch = Batch(1)
        batch.add_text([0], 0)
        self.decode(batch)
        self.forget(0)

    def decode(self, batch: Batch) -> None:
        """Compute one step; raises EngineError if llama.cpp could not."""
        batch.struct.n_tokens = batch.size
        result = llama.llama_decode(self.context, batch.struct)
        if result != 0:
            raise EngineError(f"llama.cpp could not compute a step of {batch.size} tokens (llama_decode gave {result})")

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits of a token of the last step; valid until the next."""
        pointer = llama.llama_get_logits_ith(self.context, index)
        return np.ctypeslib.as_array(pointer, (self.model.vocabulary_size,))

    def pooled(self, sequence: int) -> NDArray[np.float32]:
        """The embedding of a sequence of the last step, of length one; of a reranker its scores, as they are."""
        pointer = llama.llama_get_embeddings_seq(self.context, sequence)
        if not pointer:
            raise EngineError("llama.cpp gave nothing for a text")
        vector = np.ctypeslib.as_array(pointer, (self.model.embedding_size,)).copy()
        if self.model.ranks:
            return vector
        length = float(np.linalg.norm(vector))
        return (vector / length).astype(np.float32) if length else vector

    def forget(self, sequence: int, start: int = 0) -> bool:
        """Drop a sequence's cache from a position on; False if this model cannot cut there."""
        if not self._memory:  # an encoder keeps nothing
            return True
        return bool(llama.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def copy(self, source: int, target: int) -> None:
        """Make one sequence's cache a copy of another's."""
        llama.llama_memory_seq_rm(self._memory, target, -1, -1)
        llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def close(self) -> None:
        """Free the context."""
        if self.context:
            llama.llama_free(self.context)
            self.context = None


def _make_context(model: Model, settings: Settings, context_tokens: int, slots: int, *, embeds: bool) -> Any:
    parameters = llama.llama_context_default_params()
    parameters.embeddings = embeds
    parameters.n_ctx = context_tokens * slots
    parameters.n_seq_max = slots
    parameters.n_batch = max(settings.batch_tokens, context_tokens if embeds else slots)
    parameters.n_ubatch = parameters.n_batch
    threads = settings.threads_for(model.size_bytes)
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.flash_attn_type = _FLASH_ATTENTION[settings.flash_attention]
    parameters.type_k = parameters.type_v = _CACHE_TYPES[settings.cache_type]
    # A cache per sequence: with one cache for all, every token would be compared with every other request's, too.
    parameters.kv_unified = False
    parameters.no_perf = True
    context = llama.llama_init_from_model(model.handle, parameters)
    if not context:
        raise ModelFileError(
            f"llama.cpp cannot make a context of {slots} x {context_tokens} tokens: {logs.last_complaint()}"
        )
    return context
