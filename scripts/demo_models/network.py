"""The network: a llama, as small as one can be and still copy and answer. Its layout is llama.cpp's, so no weight is permuted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from scripts.demo_models.copying import first_weights, turning_rates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from scripts.gguf_writer import LlamaShape


class Llama(nn.Module):
    """RMS norms, rotary positions, gated feed-forward, the embedding shared with the output.

    Several models are trained as one: each domain adds a vector of its own to every embedding, and shares the rest.
    Written to a file, the vector is part of the embedding; in the output it adds the same to every token, which no
    softmax sees.
    """

    def __init__(self, shape: LlamaShape, vocabulary: int, domains: int = 1) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(vocabulary, shape.width)
        self.domains = nn.Embedding(domains, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        first_weights(self)

    def forward(self, tokens: Tensor, domains: Tensor) -> Tensor:
        """Give the last hidden state at every position."""
        hidden = self.embedding(tokens) + self.domains(domains)[:, None]
        length = tokens.shape[1]
        turns = _rotations(length, self.shape)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        for block in self.blocks:
            hidden = block(hidden, turns, future)
        return self.norm(hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every token of the vocabulary."""
        return functional.linear(hidden, self.embedding.weight)

    def tensors(self, domain: int, sharpness: float) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Name the weights of one domain as a GGUF does. The last norm is scaled: the model then is as sure at temperature 1 as
        it was at 1 / sharpness.
        """
        yield "token_embd.weight", _array(self.embedding.weight + self.domains.weight[domain])
        for layer, block in enumerate(self.blocks):
            for name, part in block.named_children():
                yield f"blk.{layer}.{name}.weight", _array(part.weight)
        yield "output_norm.weight", _array(self.norm.weight * sharpness)

    @torch.no_grad()
    def load(self, files: Sequence[Mapping[str, NDArray[np.float32]]], sharpness: float) -> None:
        """Take the weights of files that `tensors` made, one for each domain."""
        shared = {name: torch.tensor(weights) for name, weights in files[0].items()}
        self.embedding.weight.copy_(shared["token_embd.weight"])
        for domain, file in enumerate(files):
            shift = torch.tensor(file["token_embd.weight"]) - shared["token_embd.weight"]
            self.domains.weight[domain] = shift.mean(0)
        for layer, block in enumerate(self.blocks):
            for name, part in block.named_children():
                part.weight.copy_(shared[f"blk.{layer}.{name}.weight"])
        self.norm.weight.copy_(shared["output_norm.weight"] / sharpness)


class _Block(nn.Module):
    """One layer; its parts are called, and ordered, as in a GGUF."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_v = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, hidden: Tensor, turns: tuple[Tensor, Tensor], future: Tensor) -> Tensor:
        normed = self.attn_norm(hidden)
        query = _rotate(self._split(self.attn_q(normed), self.heads), turns)
        key = _rotate(self._split(self.attn_k(normed), self.heads), turns)
        value = self._split(self.attn_v(normed), self.heads)
        # at these lengths four times as fast on a CPU as torch's own fused attention with its backward pass
        scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
        mixed = torch.softmax(scores.masked_fill(future, -torch.inf), -1, dtype=value.dtype) @ value
        hidden = hidden + self.attn_output(mixed.transpose(1, 2).flatten(2))
        normed = self.ffn_norm(hidden)
        return hidden + self.ffn_down(functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    @staticmethod
    def _split(states: Tensor, heads: int) -> Tensor:
        return states.unflatten(-1, (heads, -1)).transpose(1, 2)


def _rotations(length: int, shape: LlamaShape) -> tuple[Tensor, Tensor]:
    angles = torch.outer(torch.arange(length), turning_rates(shape))
    return angles.cos(), angles.sin()


def _rotate(states: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Turn neighbouring pairs, which is how llama.cpp pairs the dimensions of a llama."""
    cosine, sine = (part.to(states.dtype) for part in turns)
    even, odd = states[..., 0::2], states[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


def _array(weights: Tensor) -> NDArray[np.float32]:
    return weights.detach().float().numpy()
