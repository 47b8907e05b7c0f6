"""A GGUF that llama.cpp has loaded: its weights, its vocabulary, what it says of itself. Shared by all contexts.

After loading everything here only reads, and may be called from any thread.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as llama

from inference import backends, logs
from inference.errors import ModelFileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from inference.settings import Settings

_SPLIT_MODES = {"none": 0, "layer": 1, "row": 2}
_MAP, _LOCK = 1, 2
_TURNS = (("<|", "|>"), ("<｜", "｜>"))
_WORD_PIECES = 3
"""llama.cpp's kind of vocabulary that BERT has."""


class Model:
    """A loaded model."""

    def __init__(self, settings: Settings, on_progress: Callable[[float], bool], *, ranks: bool = False) -> None:
        logs.listen(verbose=settings.verbose)
        # should llama.cpp ever abort, its own line says why: no debugger on top of it
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")
        backends.load()
        llama.llama_backend_init()
        self.handle = _load_model(settings, on_progress)
        """llama.cpp's model."""
        self.vocab = llama.llama_model_get_vocab(self.handle)
        """llama.cpp's vocabulary, for the samplers."""
        _check_vocabulary(self.vocab, settings)
        self.vocabulary_size = int(llama.llama_vocab_n_tokens(self.vocab))
        self.ranks = ranks
        """Whether it scores pairs of texts (a reranker), instead of giving each a vector."""
        # how many numbers llama.cpp gives for a text: one more read would be beyond its buffer
        size = llama.llama_model_n_cls_out if ranks else llama.llama_model_n_embd_out
        self.embedding_size = int(size(self.handle))
        self.parameters = int(llama.llama_model_n_params(self.handle))
        self.size_bytes = int(llama.llama_model_size(self.handle))
        self.layers = int(llama.llama_model_n_layer(self.handle))
        self.description = _string(llama.llama_model_desc, self.handle)
        self.gpu_layers = logs.offloaded_layers()
        self.can_cut = not (llama.llama_model_is_recurrent(self.handle) or llama.llama_model_is_hybrid(self.handle))
        """Whether the cache of a sequence can be cut at any token; not so for recurrent models."""
        ids = range(self.vocabulary_size)
        self.end_tokens = frozenset(token for token in ids if llama.llama_vocab_is_eog(self.vocab, token))
        self._pieces: dict[int, bytes] = {}

    @property
    def chat_template(self) -> str | None:
        """The chat template in the GGUF."""
        template = llama.llama_model_chat_template(self.handle, None)
        return template.decode() if template else None

    @property
    def rerank_template(self) -> str | None:
        """How a reranker that is no encoder wants its pairs."""
        template = llama.llama_model_chat_template(self.handle, b"rerank")
        return template.decode() if template else None

    def pair_markers(self) -> tuple[list[int], list[int], list[int]]:
        """What stands before a pair, behind each of its texts, and between them."""
        vocab = self.vocab
        end = llama.llama_vocab_eos(vocab)
        end = end if end >= 0 else llama.llama_vocab_sep(vocab)
        wanted = (
            (llama.llama_vocab_get_add_bos(vocab), llama.llama_vocab_bos(vocab)),
            (llama.llama_vocab_get_add_eos(vocab), end),
            (llama.llama_vocab_get_add_sep(vocab), llama.llama_vocab_sep(vocab)),
        )
        first, last, between = ([int(token)] if adds and token >= 0 else [] for adds, token in wanted)
        return first, last, between

    def token_text(self, which: str) -> str:
        """Text of the `bos` or `eos` token, or nothing."""
        token = {"bos": llama.llama_vocab_bos, "eos": llama.llama_vocab_eos}[which](self.vocab)
        return "" if token < 0 else self.piece(token, special=True).decode(errors="replace")

    @functools.cached_property
    def control_tokens(self) -> Mapping[int, str]:
        """Special tokens, each with the text that stands for it in a prompt."""
        ids = (token for token in range(self.vocabulary_size) if llama.llama_vocab_is_control(self.vocab, token))
        return {token: text for token in ids if (text := self.piece(token, special=True).decode(errors="ignore"))}

    @functools.cached_property
    def turn_texts(self) -> frozenset[str]:
        """Texts of tokens that were added by hand and are written as control tokens are, as gpt-oss's `<|start|>`.

        llama.cpp reads them in any text, whatever it is told of special tokens.
        """
        ids = (token for token in range(self.vocabulary_size) if self._is_user_defined(token))
        texts = (self.piece(token).decode(errors="ignore") for token in ids)
        return frozenset(text for text in texts if len(text) > 4 and (text[:2], text[-2:]) in _TURNS)

    def marker_tokens(self, texts: Collection[str]) -> dict[str, int]:
        """Those of some texts that are tokens which no text makes: control tokens, and such that were added by hand."""
        found = {text: token for token, text in self.control_tokens.items() if text in texts}
        for text in set(texts) - found.keys():
            tokens = self.tokenize(text, special=True, begin=False)
            if len(tokens) == 1 and text[0] + text[-1] == "<>" and self._is_user_defined(tokens[0]):
                found[text] = tokens[0]
        return found

    def _is_user_defined(self, token: int) -> bool:
        return bool(llama.llama_token_get_attr(self.vocab, token) & llama.LLAMA_TOKEN_ATTR_USER_DEFINED)

    @property
    def adds_bos(self) -> bool:
        """Whether the tokenizer begins a text with a token of its own."""
        return bool(llama.llama_vocab_get_add_bos(self.vocab))

    def tokenize(self, text: str, *, special: bool, begin: bool) -> list[int]:
        """Tokens of a text; `special` reads control tokens in it, `begin` adds what begins a text."""
        data = text.encode(errors="replace")  # half a surrogate pair is no character
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count = llama.llama_tokenize(self.vocab, data, len(data), buffer, room, begin, special)
        if count < 0:
            buffer = (ctypes.c_int32 * -count)()
            count = llama.llama_tokenize(self.vocab, data, len(data), buffer, -count, begin, special)
        return buffer[:count]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; control tokens have none unless `special`."""
        key = ~token if special else token
        if (known := self._pieces.get(key)) is None:
            known = self._pieces[key] = self.read_piece(token, special=special)
        return known

    def read_piece(self, token: int, *, special: bool = False) -> bytes:
        """The same from llama.cpp itself, for who asks once."""
        buffer = ctypes.create_string_buffer(64)
        size = llama.llama_token_to_piece(self.vocab, token, buffer, 64, 0, special)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self.vocab, token, buffer, -size, 0, special)
        return buffer.raw[:size]

    def close(self) -> None:
        """Free the weights; every engine must be closed by then."""
        if self.handle:
            llama.llama_model_free(self.handle)
            self.handle = None


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


def _check_vocabulary(vocab: Any, settings: Settings) -> None:
    """Refuse what llama.cpp would end the process for, at the first text."""
    if llama.llama_vocab_type(vocab) != _WORD_PIECES:
        return
    if min(llama.llama_vocab_bos(vocab), llama.llama_vocab_sep(vocab)) < 0:
        raise ModelFileError(
            f"{settings.model}: its tokenizer names no [CLS] or no [SEP] token (tokenizer.ggml.bos_token_id, "
            "tokenizer.ggml.seperator_token_id); convert the model again"
        )


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


def _string(function: Callable[..., int], model: Any) -> str:
    buffer = ctypes.create_string_buffer(256)
    function(model, buffer, 256)
    return buffer.value.decode(errors="replace")
