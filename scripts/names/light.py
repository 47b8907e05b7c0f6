"""The light network as it learns: the same sums as `extproc/pii/names/light.py`, in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
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

    def save(self, path: Path) -> None:
        """As `LightModel` reads it: the table of pieces in int8 with a scale each, the rest in float32."""
        table = self.pieces.weight.detach().numpy()
        scales = np.abs(table).max(axis=1) / 127 + 1e-12
        arrays = {
            "pieces": np.round(table / scales[:, None]).astype(np.int8),
            "scales": scales.astype(np.float32),
            "forms": self.forms.weight.detach().numpy(),
            "lists": self.lists.weight.detach().numpy(),
            "glued": self.glued.detach().numpy(),
            "head": self.head.weight.detach().numpy().T.copy(),
            "head_bias": self.head.bias.detach().numpy(),
        }
        for i, layer in enumerate(self.layers):
            arrays[f"weight{i}"] = layer.weight.detach().numpy().T.copy()
            arrays[f"bias{i}"] = layer.bias.detach().numpy()
        np.savez_compressed(path, **arrays)
