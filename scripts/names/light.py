"""The light network as it learns: the same sums as `extproc/pii/names/light.py`, in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import nn

from extproc.pii.names.light import FORMS, GAP, LISTS, MAX_PIECES, OFFSETS, form_of, lists_of, units
from names.data import Span, label_of

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer


@dataclass(frozen=True)
class LightRow:
    """One text as numbers: a list of pieces per word, and what else is known of it."""

    pieces: list[list[int]]
    forms: list[int]
    lists: list[int]
    glued: list[bool]
    labels: list[int]


class Featuriser:
    """Texts as rows; what is known of a word is kept."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, tuple[list[int], int, int]] = {}

    def __call__(self, text: str, spans: list[Span]) -> LightRow:
        """One text with the spans of its names."""
        words, places, _ = units(text, [(0, len(text))])
        known = [self._of(word) for word in words]
        at = [(int(s), int(e)) for s, e in places]
        return LightRow(
            [k[0] for k in known],
            [k[1] for k in known],
            [k[2] for k in known],
            [bool(i and at[i][0] == at[i - 1][1]) for i in range(len(at))],
            [label_of(s, e, spans) for s, e in at],
        )

    def _of(self, word: str) -> tuple[list[int], int, int]:
        if word not in self._known:
            ids = self._tokenizer.encode(word, add_special_tokens=False).ids[:MAX_PIECES] or [0]
            self._known[word] = (ids, form_of(word), lists_of(word))
        return self._known[word]


class LightTagger(nn.Module):
    """Rows of words in, logits per word out."""

    def __init__(self, width: int, labels: int, vocabulary: int = 30522) -> None:
        super().__init__()
        self.pieces = nn.EmbeddingBag(vocabulary, width, mode="mean")
        self.forms = nn.Embedding(FORMS, width)
        self.lists = nn.Embedding(LISTS, width)
        self.glued = nn.Parameter(torch.zeros(width))
        self.layers = nn.ModuleList(nn.Linear(len(o) * width, width) for o in OFFSETS)
        self.head = nn.Linear(width, labels)
        self.drop = nn.Dropout(0.1)

    def forward(self, rows: list[LightRow], hide_forms: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and labels of all words of all rows."""
        flat = [ids for row in rows for ids in row.pieces]
        starts = np.cumsum([0, *(len(ids) for ids in flat[:-1])])
        ids = torch.tensor([i for ids in flat for i in ids])
        forms = torch.tensor([f for row in rows for f in row.forms])
        if hide_forms:
            sizes = torch.tensor([len(r.forms) for r in rows])
            hidden = torch.repeat_interleave(torch.rand(len(rows)) < hide_forms, sizes)
            forms = torch.where(hidden & (forms > 4), torch.full_like(forms, 4), forms)
        vectors = (
            self.pieces(ids, torch.tensor(starts))
            + self.forms(forms)
            + self.lists(torch.tensor([v for row in rows for v in row.lists]))
            + torch.tensor([float(g) for row in rows for g in row.glued])[:, None] * self.glued
        )
        where, at = [], GAP
        for row in rows:
            where.append(torch.arange(at, at + len(row.forms)))
            at += len(row.forms) + GAP
        place = torch.cat(where)
        x = torch.zeros(at, vectors.shape[1]).index_copy(0, place, self.drop(vectors))
        full = torch.zeros(at, 1)
        full[place] = 1
        for offsets, layer in zip(OFFSETS, self.layers, strict=True):
            reach = max(offsets)
            around = nn.functional.pad(x, (0, 0, reach, reach))
            beside = torch.cat([around[reach + o : reach + o + at] for o in offsets], 1)
            x = (x + self.drop(torch.relu(layer(beside)))) * full
        return self.head(x[place]), torch.tensor([v for row in rows for v in row.labels])

    @classmethod
    def from_backbone(cls, folder: Path, width: int, labels: int) -> LightTagger:
        """Start from the embedding model's word table, by its best approximation of `width`."""
        words = load_file(folder / "model.safetensors")
        table = next(v for k, v in words.items() if k.endswith("embeddings.word_embeddings.weight")).float()
        table = table - table.mean(0)
        values, vectors = torch.linalg.eigh(table.T @ table)
        model = cls(width, labels, len(table))
        with torch.no_grad():
            kept = table @ vectors[:, values.argsort(descending=True)[:width]]
            model.pieces.weight.copy_(kept / kept.std())
            for extra in (model.forms, model.lists):
                nn.init.normal_(extra.weight, std=0.1)
        return model

    @torch.no_grad()
    def ranges(self, rows: list[LightRow]) -> list[tuple[float, float]]:
        """Between which values the inputs of each layer lie, but for one in 100,000 at either end."""
        seen: list[list[np.ndarray]] = [[] for _ in self.layers]
        self.eval()
        hooks = [
            layer.register_forward_pre_hook(lambda _, given, into=into: into.append(given[0].numpy().ravel()[::7]))
            for layer, into in zip(self.layers, seen, strict=True)
        ]
        for at in range(0, len(rows), 96):
            self(rows[at : at + 96])
        for hook in hooks:
            hook.remove()
        self.train()
        return [tuple(map(float, np.quantile(np.concatenate(some), [1e-5, 1 - 1e-5]))) for some in seen]

    def save(self, folder: Path, rows: list[LightRow]) -> None:
        """As `LightModel` reads it: `light.npz`, the table of pieces in int8 with a scale each and what is added to a word's
        vector, and `light.onnx`, the layers in int8 for inputs as these rows give them.
        """
        table = self.pieces.weight.detach().numpy()
        scales = np.abs(table).max(axis=1) / 127 + 1e-12
        np.savez_compressed(
            folder / "light.npz",
            pieces=np.round(table / scales[:, None]).astype(np.int8),
            scales=scales.astype(np.float32),
            forms=self.forms.weight.detach().numpy(),
            lists=self.lists.weight.detach().numpy(),
            glued=self.glued.detach().numpy(),
        )
        layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in self.layers]
        head = (self.head.weight.detach().numpy(), self.head.bias.detach().numpy())
        onnx.save(graph(layers, head, self.ranges(rows)), str(folder / "light.onnx"))


Weights = tuple[np.ndarray, np.ndarray]
"""Of a linear layer: outputs x inputs, outputs."""
LARGEST = 63
"""Weights have 7 bits: with 8, two products overflow the sixteen that processors without VNNI add them up in."""


def graph(layers: list[Weights], head: Weights, ranges: list[tuple[float, float]]) -> onnx.ModelProto:
    """The layers as products of what stands beside each place with weights, in int8; fixed scales, so that no word is read
    in another way for what stands elsewhere. `ranges`: of the inputs of each layer, beyond which they are cut off.

    Inputs `vectors` (places x width) and `inside` (places x 1, 0 in the gaps between windows), output `logits` (places x
    labels).
    """
    labels, width = head[0].shape
    stored = {"head": head[0].T, "head_bias": head[1], "axis": np.array([0])}
    nodes, state = [], "vectors"
    for i, (offsets, (weight, bias), (low, high)) in enumerate(zip(OFFSETS, layers, ranges, strict=True)):
        reach = max(offsets)
        scales = np.abs(weight).max(axis=1) / LARGEST
        step = (high - low) / 255
        stored |= {
            f"weight{i}": np.round(weight / scales[:, None]).astype(np.int8).T,
            f"scales{i}": scales.astype(np.float32),
            f"bias{i}": bias,
            f"step{i}": np.float32(step),
            f"zero{i}": np.uint8(round(-low / step)),
            f"around{i}": np.array([reach, 0, reach, 0]),
        }
        nodes += [
            helper.make_node("QuantizeLinear", [state, f"step{i}", f"zero{i}"], [f"bytes{i}"]),
            helper.make_node("Pad", [f"bytes{i}", f"around{i}", f"zero{i}"], [f"wide{i}"]),
        ]
        for offset in offsets:
            stored[f"from{reach + offset}"] = np.array([reach + offset])
            stored[f"to{reach - offset}"] = np.array([offset - reach or np.iinfo(np.int64).max])
            cut = [f"wide{i}", f"from{reach + offset}", f"to{reach - offset}", "axis"]
            nodes.append(helper.make_node("Slice", cut, [f"at{offset}_{i}"]))
        product = [f"beside{i}", f"weight{i}", f"step{i}", f"scales{i}", f"zero{i}", "", f"bias{i}"]
        nodes += [
            helper.make_node("Concat", [f"at{offset}_{i}" for offset in offsets], [f"beside{i}"], axis=1),
            helper.make_node("MatMulIntegerToFloat", product, [f"sums{i}"], domain="com.microsoft"),
            helper.make_node("Relu", [f"sums{i}"], [f"new{i}"]),
            helper.make_node("Mul", [f"new{i}", "inside"], [f"kept{i}"]),
            helper.make_node("Add", [state, f"kept{i}"], [f"state{i}"]),
        ]
        state = f"state{i}"
    nodes.append(helper.make_node("Gemm", [state, "head", "head_bias"], ["logits"]))
    inputs = {"vectors": ["places", width], "inside": ["places", 1]}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "light",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["places", labels])],
            [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in stored.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=9,
    )
    onnx.checker.check_model(model, full_check=True)
    return model
