"""Random-weight GGUF files: the right tensors in the right form, and the same file for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest

from scripts.gguf_writer import MARKERS, QUANTISATIONS, Identity, LlamaShape, LlamaWriter
from scripts.make_gguf import PRESETS, Preset, letter_vocabulary, make_gguf

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Preset(LlamaShape(layers=1, width=256, feed_forward=512, heads=4, kv_heads=2), 300)


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_weights_are_finite_and_small_in_every_quantisation(tmp_path: Path, quantisation: str):
    """Read back, the drawn weights have mean 0 and the deviation that keeps a deep model finite."""
    path = tmp_path / "small.gguf"
    make_gguf(path, SMALL, quantisation)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert list(SMALL.shape.tensors(SMALL.vocabulary)) == list(tensors)
    gate = tensors["blk.0.ffn_gate.weight"]
    weights = gguf.dequantize(gate.data, gate.tensor_type)
    assert weights.shape == (512, 256)
    assert pytest.approx(0, abs=0.003) == float(np.mean(weights))
    assert pytest.approx(0.02, rel=0.1) == float(np.std(weights))


def test_same_seed_same_file(tmp_path: Path):
    """A seed names one file, byte for byte; another seed another."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        make_gguf(tmp_path / name / "small.gguf", SMALL, seed=seed)
    one, same, other = ((tmp_path / name / "small.gguf").read_bytes() for name in "abc")
    assert one == same
    assert one != other


def test_vocabulary_has_markers_bytes_and_merges_that_exist():
    """Every merge joins two tokens of the vocabulary into a third, so any text can be encoded and decoded."""
    vocabulary = letter_vocabulary(4096)
    known = set(vocabulary.tokens)
    assert 4096 == len(vocabulary.tokens) == len(known)
    assert tuple(vocabulary.tokens[:3]) == MARKERS
    for merge in vocabulary.merges:
        left, right = merge.split(" ")
        assert {left, right, left + right} <= known


def test_presets_have_the_size_they_are_named_after():
    """The benches quote the sizes by these names."""
    sizes = {name: preset.shape.parameters(preset.vocabulary) / 1e6 for name, preset in PRESETS.items()}
    assert sizes["tiny"] < 1
    assert 100 <= sizes["100m"] < 120
    assert 3_700 <= sizes["phi-4-mini"] < 3_900
    assert 7_400 <= sizes["llama-3.1-8b"] < 8_100  # the embedding is shared with the output: 0.5 thousand million fewer


def test_a_width_that_cannot_be_quantised_is_refused(tmp_path: Path):
    """The message names the field and the multiple it needs."""
    shape = LlamaShape(layers=1, width=96, feed_forward=256, heads=4, kv_heads=4)
    with pytest.raises(ValueError, match="width is 96: q4_k needs a multiple of 256"):
        LlamaWriter(tmp_path / "x.gguf", shape, letter_vocabulary(300), Identity("x", "x"), "q4_k")


def test_tensors_in_the_wrong_order_are_refused(tmp_path: Path):
    """A tensor under another's name would load, and answer nonsense."""
    writer = LlamaWriter(tmp_path / "x.gguf", SMALL.shape, letter_vocabulary(300), Identity("x", "x"), "f16")
    with pytest.raises(ValueError, match="where token_embd"):
        writer.write(iter([("output_norm.weight", np.ones((1, 256), np.float32))] * 11))
