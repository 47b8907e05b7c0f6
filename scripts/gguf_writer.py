"""Write a `llama`-architecture GGUF file: the one place that knows its keys and the names of its tensors.

Two scripts use it: `train_demo_models.py` (trained weights) and `make_gguf.py` (random weights for tests and benches).
Tensors are written one at a time, so that a file larger than the memory can be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import gguf
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML: llama.cpp knows it by its markers, Jinja renders it."""

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
MARKERS = (PAD, START, END)
"""The control tokens, in the order of their ids: 0, 1, 2. `<|im_end|>` ends an answer."""

_UNQUANTISED = gguf.GGMLQuantizationType.F32
_FILE_TYPES = {
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
    "q4_k": gguf.LlamaFileType.MOSTLY_Q4_K_S,
}
QUANTISATIONS = tuple(_FILE_TYPES)


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The sizes of a llama-architecture model."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    context: int = 2048
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """The width of one attention head."""
        return self.width // self.heads

    def parameters(self, vocabulary: int) -> int:
        """Count the weights, the embedding shared with the output."""
        return sum(rows * columns for rows, columns in self.tensors(vocabulary).values())

    def tensors(self, vocabulary: int) -> dict[str, tuple[int, int]]:
        """Name every tensor with its rows and columns, in file order; a vector has one row."""
        kv_width = self.kv_heads * self.head_width
        shapes = {"token_embd.weight": (vocabulary, self.width)}
        for layer in range(self.layers):
            shapes |= {
                f"blk.{layer}.attn_norm.weight": (1, self.width),
                f"blk.{layer}.attn_q.weight": (self.width, self.width),
                f"blk.{layer}.attn_k.weight": (kv_width, self.width),
                f"blk.{layer}.attn_v.weight": (kv_width, self.width),
                f"blk.{layer}.attn_output.weight": (self.width, self.width),
                f"blk.{layer}.ffn_norm.weight": (1, self.width),
                f"blk.{layer}.ffn_gate.weight": (self.feed_forward, self.width),
                f"blk.{layer}.ffn_up.weight": (self.feed_forward, self.width),
                f"blk.{layer}.ffn_down.weight": (self.width, self.feed_forward),
            }
        return shapes | {"output_norm.weight": (1, self.width)}


class Vocabulary(NamedTuple):
    """A byte-level BPE vocabulary; the first ids are `MARKERS`."""

    tokens: Sequence[str]
    merges: Sequence[str]


class Identity(NamedTuple):
    """What a file says about itself."""

    name: str
    description: str
    license: str = "apache-2.0"


class LlamaWriter:
    """A GGUF file that is being written: metadata first, then each tensor in the order of `LlamaShape.tensors`."""

    def __init__(
        self, path: Path, shape: LlamaShape, vocabulary: Vocabulary, identity: Identity, quantisation: str
    ) -> None:
        if quantisation not in _FILE_TYPES:
            raise ValueError(f"unknown quantisation {quantisation!r}; known: {', '.join(QUANTISATIONS)}")
        self.shape, self.vocabulary = shape, vocabulary
        self._type = gguf.GGMLQuantizationType[quantisation.upper()]
        self._check_widths()
        self._writer = gguf.GGUFWriter(path, "llama")
        self._write_identity(identity, _FILE_TYPES[quantisation])
        self._write_shape()
        self._write_vocabulary()

    def write(self, tensors: Iterator[tuple[str, NDArray[np.float32]]]) -> None:
        """Quantise and write the tensors, then close the file."""
        self.write_raw((name, self._quantise(name, weights)) for name, weights in tensors)

    def write_raw(self, tensors: Iterator[tuple[str, NDArray[np.generic]]]) -> None:
        """Write tensors that already are in the form `storage` tells, then close the file."""
        expected = self.shape.tensors(len(self.vocabulary.tokens))
        for name in expected:
            shape, dtype, kind = self.storage(name)
            self._writer.add_tensor_info(name, shape, dtype, int(np.prod(shape)) * dtype.itemsize, raw_dtype=kind)
        try:
            self._writer.write_header_to_file()
            self._writer.write_kv_data_to_file()
            self._writer.write_ti_data_to_file()
            for name, (written, data) in zip(expected, tensors, strict=True):
                if (name, self.storage(name)[0]) != (written, data.shape):
                    raise ValueError(f"tensor {written} {data.shape} where {name} {self.storage(name)[0]} was due")
                self._writer.write_tensor_data(data)
        finally:
            self._writer.close()

    def storage(self, name: str) -> tuple[tuple[int, ...], np.dtype[np.generic], gguf.GGMLQuantizationType]:
        """Tell how a tensor lies in the file: shape of the array, its element type, GGML's type. Vectors stay float32."""
        rows, columns = self.shape.tensors(len(self.vocabulary.tokens))[name]
        if rows == 1:
            return (columns,), np.dtype(np.float32), _UNQUANTISED
        if self._type is gguf.GGMLQuantizationType.F16:
            return (rows, columns), np.dtype(np.float16), self._type
        block, size = gguf.GGML_QUANT_SIZES[self._type]
        return (rows, columns // block * size), np.dtype(np.uint8), self._type

    def _quantise(self, name: str, weights: NDArray[np.float32]) -> NDArray[np.generic]:
        _, _, kind = self.storage(name)
        if kind is _UNQUANTISED:
            return weights.reshape(-1).astype(np.float32)
        return gguf.quantize(weights.astype(np.float32), kind)

    def _check_widths(self) -> None:
        block, _ = gguf.GGML_QUANT_SIZES[self._type]
        for name, width in {"width": self.shape.width, "feed_forward": self.shape.feed_forward}.items():
            if width % block:
                raise ValueError(f"{name} is {width}: {self._type.name.lower()} needs a multiple of {block}")
        if self.shape.width % self.shape.heads or self.shape.heads % self.shape.kv_heads:
            raise ValueError("width must be a multiple of heads, and heads of kv_heads")

    def _write_identity(self, identity: Identity, file_type: gguf.LlamaFileType) -> None:
        self._writer.add_name(identity.name)
        self._writer.add_description(identity.description)
        self._writer.add_license(identity.license)
        self._writer.add_file_type(file_type)
        self._writer.add_quantization_version(gguf.GGML_QUANT_VERSION)

    def _write_shape(self) -> None:
        shape, writer = self.shape, self._writer
        writer.add_context_length(shape.context)
        writer.add_embedding_length(shape.width)
        writer.add_block_count(shape.layers)
        writer.add_feed_forward_length(shape.feed_forward)
        writer.add_head_count(shape.heads)
        writer.add_head_count_kv(shape.kv_heads)
        writer.add_rope_dimension_count(shape.head_width)
        writer.add_rope_freq_base(shape.rope_base)
        writer.add_layer_norm_rms_eps(shape.norm_epsilon)
        writer.add_vocab_size(len(self.vocabulary.tokens))

    def _write_vocabulary(self) -> None:
        tokens, merges = self.vocabulary
        if tuple(tokens[: len(MARKERS)]) != MARKERS:
            raise ValueError(f"a vocabulary starts with {', '.join(MARKERS)}")
        plain = [gguf.TokenType.NORMAL] * (len(tokens) - len(MARKERS))
        self._writer.add_tokenizer_model("gpt2")
        self._writer.add_tokenizer_pre("smollm")  # GPT-2's splitting, and every digit by itself
        self._writer.add_token_list(list(tokens))
        self._writer.add_token_types([gguf.TokenType.CONTROL] * len(MARKERS) + plain)
        self._writer.add_token_merges(list(merges))
        ids: Mapping[str, int] = {token: index for index, token in enumerate(MARKERS)}
        self._writer.add_bos_token_id(ids[PAD])
        self._writer.add_pad_token_id(ids[PAD])
        self._writer.add_eos_token_id(ids[END])
        self._writer.add_add_bos_token(value=False)
        self._writer.add_chat_template(CHATML)


def read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a file back, as exactly as its quantisation kept them."""
    return {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors}
