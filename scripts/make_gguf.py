"""Make a GGUF of random weights: for tests that need a model of a certain size, and for benches.

    python -m scripts.make_gguf tiny.gguf                            # 0.4 million parameters
    python -m scripts.make_gguf bench.gguf --preset 100m --quantisation q8_0
    python -m scripts.make_gguf big.gguf --preset llama-3.1-8b --quantisation q4_k

What such a model says is noise, how fast it says it is not. The same seed makes the same file, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING

import click
import numpy as np

from scripts.gguf_writer import MARKERS, QUANTISATIONS, Identity, LlamaShape, LlamaWriter, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Preset:
    """A shape with the size of its vocabulary."""

    shape: LlamaShape
    vocabulary: int


PRESETS = {
    "tiny": Preset(LlamaShape(layers=2, width=64, feed_forward=192, heads=4, kv_heads=2), 4096),
    "3m": Preset(LlamaShape(layers=4, width=192, feed_forward=512, heads=6, kv_heads=6), 4096),
    "demo": Preset(
        LlamaShape(layers=4, width=256, feed_forward=576, heads=4, kv_heads=4, context=2048, rope_base=5e5), 2048
    ),
    "100m": Preset(LlamaShape(layers=12, width=768, feed_forward=2048, heads=12, kv_heads=12, context=4096), 32_000),
    "phi-4-mini": Preset(
        LlamaShape(layers=32, width=3072, feed_forward=8192, heads=24, kv_heads=8, context=131_072), 200_064
    ),
    "llama-3.1-8b": Preset(
        LlamaShape(layers=32, width=4096, feed_forward=14_336, heads=32, kv_heads=8, context=131_072, rope_base=5e5),
        128_256,
    ),
}
_DEVIATION = 0.02
"""Of the random weights: small enough that the activations of a deep model stay finite."""


def make_gguf(path: Path, preset: Preset, quantisation: str = "q8_0", seed: int = 0) -> None:
    """Write a model of random weights."""
    vocabulary = letter_vocabulary(preset.vocabulary)
    identity = Identity(path.stem, "random weights: what it says is noise")
    writer = LlamaWriter(path, preset.shape, vocabulary, identity, quantisation)
    writer.write_raw(_random_tensors(writer, quantisation, seed))


def letter_vocabulary(size: int) -> Vocabulary:
    """Make a vocabulary without a corpus: the bytes, then every pair of letters, every three letters and so on."""
    tokens = [*MARKERS, *_byte_letters()]
    merges: list[str] = []
    if size < len(tokens):
        raise ValueError(f"a vocabulary has at least {len(tokens)} tokens: the markers and the bytes")
    for length in (2, 3, 4):
        letters = product("Ġ" + ascii_lowercase, *[ascii_lowercase] * (length - 1))
        for word in islice(letters, size - len(tokens)):
            tokens.append("".join(word))
            merges.append("".join(word[:-1]) + " " + word[-1])
    return Vocabulary(tokens, merges)


def _byte_letters() -> list[str]:
    """Give each byte the letter that stands for it in a byte-level vocabulary: itself where it can be printed."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(0x100) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + n) for n, byte in enumerate(hidden)}
    return [letters[byte] for byte in range(0x100)]


def _random_tensors(writer: LlamaWriter, quantisation: str, seed: int) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield each tensor as it lies in the file; the quantised ones are drawn as such, which makes gigabytes in seconds."""
    random = np.random.default_rng(seed)
    for name in writer.shape.tensors(len(writer.vocabulary.tokens)):
        shape, dtype, _ = writer.storage(name)
        if len(shape) == 1:
            yield name, np.ones(shape, np.float32)
        elif dtype == np.float16:
            yield name, random.normal(0, _DEVIATION, shape).astype(np.float16)
        else:
            yield name, _RANDOM_BLOCKS[quantisation](random, shape)


def _scales(deviation_of_one: float) -> NDArray[np.uint8]:
    return np.frombuffer(np.float16(_DEVIATION / deviation_of_one).tobytes(), np.uint8)


def _simple_blocks(
    random: np.random.Generator, shape: tuple[int, ...], size: int, deviation: float
) -> NDArray[np.uint8]:
    """Blocks of one float16 scale and random numbers."""
    blocks = np.frombuffer(random.bytes(shape[0] * shape[1]), np.uint8).reshape(-1, size).copy()
    blocks[:, :2] = _scales(deviation)
    return blocks.reshape(shape)


def _q8_0(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return _simple_blocks(random, shape, 34, 73.9)  # int8: the deviation of -128..127


def _q4_0(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return _simple_blocks(random, shape, 18, 4.61)  # four bits: the deviation of -8..7


def _q4_k(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Super-blocks of 256: scale, minimum, twelve bytes of eight 6-bit pairs (all one here), then the four-bit numbers."""
    blocks = np.frombuffer(random.bytes(shape[0] * shape[1]), np.uint8).reshape(-1, 144).copy()
    blocks[:, 0:2] = _scales(4.61)
    blocks[:, 2:4] = _scales(4.61 / 7.5)  # the minimum is subtracted, and 7.5 is the mean of 0..15
    blocks[:, 4:12] = 1
    blocks[:, 12:16] = 0x11
    return blocks.reshape(shape)


_RANDOM_BLOCKS = {"q8_0": _q8_0, "q4_0": _q4_0, "q4_k": _q4_k}


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--preset", type=click.Choice(list(PRESETS)), default="tiny", show_default=True)
@click.option("--quantisation", type=click.Choice(QUANTISATIONS), default="q8_0", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(path: Path, preset: str, quantisation: str, seed: int) -> None:
    """Make a GGUF of random weights at PATH."""
    make_gguf(path, PRESETS[preset], quantisation, seed)
    chosen = PRESETS[preset]
    millions = chosen.shape.parameters(chosen.vocabulary) / 1e6
    print(f"{path}: {millions:,.1f} million parameters, {path.stat().st_size / 1e6:,.1f} MB, {quantisation}")


if __name__ == "__main__":
    main()
