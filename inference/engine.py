"""One model and one context of llama.cpp: tokens in, logits out.

The only module that talks to llama-cpp-python's low-level API (with `sampling`). It knows nothing of requests. All of
it runs on one thread, but for `tokenize` and `piece`, which only read the vocabulary.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as llama
import numpy as np

from inference import logs
from inference.errors import EngineError, ModelFileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from inference.settings import Settings

_CACHE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
_SPLIT_MODES = {"none": 0, "layer": 1, "row": 2}
_MAP, _LOCK = 1, 2


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
    """A loaded model with its context."""

    def __init__(
        self, settings: Settings, context_tokens: int, on_progress: Callable[[float], bool], *, embeds: bool = False
    ) -> None:
        logs.listen(verbose=settings.verbose)
        llama.llama_backend_init()
        self._model = _load_model(settings, on_progress)
        self._vocab = llama.llama_model_get_vocab(self._model)
        self._context = _make_context(self._model, settings, context_tokens, embeds=embeds)
        self._memory = llama.llama_get_memory(self._context)
        self.context_tokens = int(llama.llama_n_ctx_seq(self._context))
        """Context of one sequence."""
        self.vocabulary_size = int(llama.llama_vocab_n_tokens(self._vocab))
        self.parameters = int(llama.llama_model_n_params(self._model))
        self.size_bytes = int(llama.llama_model_size(self._model))
        self.layers = int(llama.llama_model_n_layer(self._model))
        self.description = _string(llama.llama_model_desc, self._model)
        self.gpu_layers = logs.offloaded_layers()
        self.can_share = not (llama.llama_model_is_recurrent(self._model) or llama.llama_model_is_hybrid(self._model))
        """Whether the cache of a sequence can be cut at any token; not so for recurrent models."""
        ids = range(self.vocabulary_size)
        self.end_tokens = frozenset(token for token in ids if llama.llama_vocab_is_eog(self._vocab, token))
        self._pieces: dict[int, bytes] = {}

    @property
    def vocab(self) -> Any:
        """llama.cpp's vocabulary, for the samplers."""
        return self._vocab

    @property
    def context(self) -> Any:
        """llama.cpp's context, for the samplers."""
        return self._context

    @property
    def chat_template(self) -> str | None:
        """The chat template in the GGUF."""
        template = llama.llama_model_chat_template(self._model, None)
        return template.decode() if template else None

    def token_text(self, which: str) -> str:
        """Text of the `bos` or `eos` token, or nothing."""
        token = {"bos": llama.llama_vocab_bos, "eos": llama.llama_vocab_eos}[which](self._vocab)
        return "" if token < 0 else self.piece(token, special=True).decode(errors="replace")

    def control_texts(self) -> list[str]:
        """Texts that a prompt's special tokens have."""
        ids = (token for token in range(self.vocabulary_size) if llama.llama_vocab_is_control(self._vocab, token))
        return [text for token in ids if (text := self.piece(token, special=True).decode(errors="ignore"))]

    @property
    def adds_bos(self) -> bool:
        """Whether the tokenizer begins a text with a token of its own."""
        return bool(llama.llama_vocab_get_add_bos(self._vocab))

    def tokenize(self, text: str, *, special: bool, begin: bool) -> list[int]:
        """Tokens of a text; `special` reads control tokens in it, `begin` adds what begins a text."""
        data = text.encode()
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count = llama.llama_tokenize(self._vocab, data, len(data), buffer, room, begin, special)
        if count < 0:
            buffer = (ctypes.c_int32 * -count)()
            count = llama.llama_tokenize(self._vocab, data, len(data), buffer, -count, begin, special)
        return buffer[:count]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; control tokens have none unless `special`."""
        key = ~token if special else token
        if (known := self._pieces.get(key)) is not None:
            return known
        buffer = ctypes.create_string_buffer(64)
        size = llama.llama_token_to_piece(self._vocab, token, buffer, 64, 0, special)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self._vocab, token, buffer, -size, 0, special)
        self._pieces[key] = buffer.raw[:size]
        return self._pieces[key]

    def decode(self, batch: Batch) -> None:
        """Compute one step; raises EngineError if llama.cpp could not."""
        batch.struct.n_tokens = batch.size
        result = llama.llama_decode(self._context, batch.struct)
        if result != 0:
            raise EngineError(f"llama.cpp could not compute a step of {batch.size} tokens (llama_decode gave {result})")

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits of a token of the last step; valid until the next."""
        pointer = llama.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, (self.vocabulary_size,))

    def pooled(self, sequence: int) -> NDArray[np.float32]:
        """The embedding of a sequence of the last step, of length one."""
        pointer = llama.llama_get_embeddings_seq(self._context, sequence)
        vector = np.ctypeslib.as_array(pointer, (llama.llama_model_n_embd_out(self._model),)).copy()
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
        """Free the context and the model."""
        if self._context:
            llama.llama_free(self._context)
            self._context = None
        if self._model:
            llama.llama_model_free(self._model)
            self._model = None


def _load_model(settings: Settings, on_progress: Callable[[float], bool]) -> Any:
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers = settings.gpu_layers
    parameters.main_gpu = settings.main_gpu
    parameters.split_mode = _SPLIT_MODES[settings.split]
    parameters.load_mode = (_MAP if settings.mmap else 0) + (_LOCK if settings.mlock else 0)
    if settings.tensor_split:
        shares = _tensor_split(settings.tensor_split)
        parameters.tensor_split = shares

    @llama.llama_progress_callback  # type: ignore[untyped-decorator]
    def progress(share: float, _: ctypes.c_void_p) -> bool:
        return on_progress(share)

    parameters.progress_callback = progress
    if settings.gpu_layers and not llama.llama_supports_gpu_offload():
        raise SettingsError(
            f"--gpu-layers {settings.gpu_layers}: this build of llama.cpp has no GPU support; build "
            'llama-cpp-python with CMAKE_ARGS="-DGGML_CUDA=on", or set --gpu-layers 0'
        )
    model = llama.llama_model_load_from_file(str(settings.model).encode(), parameters)
    if not model:
        raise ModelFileError(f"{settings.model}: llama.cpp cannot load it: {logs.last_complaint()}")
    return model


def _tensor_split(text: str) -> Any:
    try:
        shares = [float(share) for share in text.split(",")]
    except ValueError:
        raise SettingsError(f"--tensor-split: `{text}` is not a list of numbers (as 3,1)") from None
    if len(shares) > llama.llama_max_devices():
        raise SettingsError(
            f"--tensor-split: {len(shares)} shares, and llama.cpp knows {llama.llama_max_devices()} GPUs"
        )
    return (ctypes.c_float * llama.llama_max_devices())(*shares)


def _make_context(model: Any, settings: Settings, context_tokens: int, *, embeds: bool) -> Any:
    parameters = llama.llama_context_default_params()
    parameters.embeddings = embeds
    parameters.n_ctx = context_tokens * settings.slots
    parameters.n_seq_max = settings.slots
    parameters.n_batch = max(settings.batch_tokens, context_tokens if embeds else settings.slots)
    parameters.n_ubatch = parameters.n_batch
    threads = settings.threads_for(int(llama.llama_model_size(model)))
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.flash_attn_type = _FLASH_ATTENTION[settings.flash_attention]
    parameters.type_k = parameters.type_v = _CACHE_TYPES[settings.cache_type]
    # A cache per sequence: with one cache for all, every token would be compared with every other request's, too.
    parameters.kv_unified = False
    parameters.no_perf = True
    context = llama.llama_init_from_model(model, parameters)
    if not context:
        raise ModelFileError(
            f"llama.cpp cannot make a context of {settings.slots} x {context_tokens} tokens: {logs.last_complaint()}"
        )
    return context


def _string(function: Callable[..., int], model: Any) -> str:
    buffer = ctypes.create_string_buffer(256)
    function(model, buffer, 256)
    return buffer.value.decode(errors="replace")
