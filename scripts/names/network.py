"""The network that learns: the first layers of all-MiniLM-L6-v2, an embedding for the shape of each word, one label per token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN, HEADS, FULL_INNER = 384, 12, 1536


@dataclass(frozen=True)
class Size:
    """How much of the backbone is kept."""

    layers: int = 3
    inner: int = FULL_INNER
    rank: int = 128
    """Width of the factorised word embedding: 30,522 x 384 numbers would be most of the file."""


class Layer(nn.Module):
    """One transformer layer, post-normalised as BERT's are."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.up = nn.Linear(HIDDEN, inner)
        self.down = nn.Linear(inner, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, drop: float, asked: torch.Tensor | None = None
    ) -> torch.Tensor:
        """`mask` is added to the attention scores: 0 for a token, a large negative number for padding.

        `asked`: the tokens that are wanted, as `NameTagger` takes them.
        """
        weight, bias = self.qkv.weight, self.qkv.bias
        k, v = _heads(nn.functional.linear(x, weight[HIDDEN:], bias[HIDDEN:]), 2)
        if asked is not None:
            x = x.reshape(-1, HIDDEN)[asked]
        (q,) = _heads(nn.functional.linear(x, weight[:HIDDEN], bias[:HIDDEN]), 1)
        scores = q @ k.transpose(-1, -2) * (HIDDEN // HEADS) ** -0.5 + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = self.norm1(x + nn.functional.dropout(self.out(mixed), drop, self.training))
        return self.norm2(x + nn.functional.dropout(self.down(nn.functional.gelu(self.up(x))), drop, self.training))


def _heads(x: torch.Tensor, parts: int) -> tuple[torch.Tensor, ...]:
    """What one product gave for several uses, each as (batch, head, token, width)."""
    batch, length, _ = x.shape
    return x.view(batch, length, parts, HEADS, HIDDEN // HEADS).permute(2, 0, 3, 1, 4).unbind(0)


class NameTagger(nn.Module):
    """Token ids and shape ids in; logits per token and label out."""

    def __init__(self, size: Size, labels: int, shapes: int, vocabulary: int = 30522) -> None:
        super().__init__()
        self.size = size
        self.words = nn.Embedding(vocabulary, size.rank)
        self.widen = nn.Linear(size.rank, HIDDEN, bias=False)
        self.positions = nn.Embedding(512, HIDDEN)
        self.shapes = nn.Embedding(shapes, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.layers = nn.ModuleList(Layer(size.inner) for _ in range(size.layers))
        self.head = nn.Linear(HIDDEN, labels)
        self.drop = 0.1

    def forward(self, ids: torch.Tensor, shapes: torch.Tensor, asked: torch.Tensor | None = None) -> torch.Tensor:
        """Padding is id 0. `asked` (batch x wanted): the tokens for which logits are wanted, None for all, numbered through
        the batch; the last layer reads all and goes on with those.
        """
        mask = (ids == 0).to(torch.float32)[:, None, None, :] * -1e4
        place = torch.arange(ids.shape[1])
        x = self.norm(self.widen(self.words(ids)) + self.positions(place)[None] + self.shapes(shapes))
        x = nn.functional.dropout(x, self.drop, self.training)
        for layer in self.layers[:-1]:
            x = layer(x, mask, self.drop)
        return self.head(self.layers[-1](x, mask, self.drop, asked))

    @classmethod
    def from_backbone(cls, folder: Path, size: Size, labels: int, shapes: int) -> NameTagger:
        """Start from the embedding model's weights: embeddings by their best approximation of `rank`, the widest inner rows."""
        weights = {k.removeprefix("bert."): v.float() for k, v in load_file(folder / "model.safetensors").items()}
        words = weights["embeddings.word_embeddings.weight"]
        model = cls(size, labels, shapes, len(words))
        centre = words.mean(0)
        values, vectors = torch.linalg.eigh((words - centre).T @ (words - centre))
        basis = vectors[:, values.argsort(descending=True)[: size.rank]]
        with torch.no_grad():
            model.words.weight.copy_((words - centre) @ basis)
            model.widen.weight.copy_(basis)
            model.positions.weight.copy_(
                weights["embeddings.position_embeddings.weight"]
                + weights["embeddings.token_type_embeddings.weight"][0]
                + centre
            )
            nn.init.normal_(model.shapes.weight, std=0.02)
            _copy(model.norm, weights, "embeddings.LayerNorm")
            for i, layer in enumerate(model.layers):
                _copy_layer(layer, weights, f"encoder.layer.{i}", size.inner)
        return model


def _copy(module: nn.Module, weights: dict[str, torch.Tensor], name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    module.bias.copy_(weights[f"{name}.bias"])


def _copy_layer(layer: Layer, weights: dict[str, torch.Tensor], name: str, inner: int) -> None:
    for part in ("weight", "bias"):
        three = [weights[f"{name}.attention.self.{which}.{part}"] for which in ("query", "key", "value")]
        getattr(layer.qkv, part).copy_(torch.cat(three))
    _copy(layer.out, weights, f"{name}.attention.output.dense")
    _copy(layer.norm1, weights, f"{name}.attention.output.LayerNorm")
    up, down = weights[f"{name}.intermediate.dense.weight"], weights[f"{name}.output.dense.weight"]
    keep = (up.norm(dim=1) * down.norm(dim=0)).argsort(descending=True)[:inner].sort().values
    layer.up.weight.copy_(up[keep])
    layer.up.bias.copy_(weights[f"{name}.intermediate.dense.bias"][keep])
    layer.down.weight.copy_(down[:, keep])
    layer.down.bias.copy_(weights[f"{name}.output.dense.bias"])
    _copy(layer.norm2, weights, f"{name}.output.LayerNorm")
