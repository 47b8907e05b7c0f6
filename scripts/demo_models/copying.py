"""The first weights of a demo model: drawn at random, except for the two steps of copying, which are laid out.

To repeat `[EMAIL_ADDRESS_1]` a transformer looks, from the token it just wrote, for the place in the question whose
predecessor was that token, and says what stands there. Left to itself, this network still copied nothing after 1.3
million tokens; laid out, it does so from the first steps, and training sharpens it.

An embedding starts as: dimension 0, the same for every token, a foothold for heads that look at distance alone;
`WHO`, which token it is; the rest at random. The first layer writes the token before into `BEFORE` and the one before
that into `EARLIER`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from scripts.demo_models.network import Llama
    from scripts.gguf_writer import LlamaShape

WHO, BEFORE, EARLIER = 1, 128, 192
"""Where each part of the residual stream starts; each is as wide as one head."""
_FOOTHOLD, _CLARITY = 0.2, 0.08
_PULL, _MATCH = 8.0, 1.5
_FAST_PAIRS, _SLOW_PAIR = 10, 12
"""Rotary pairs that tell neighbours apart, and the first that hardly turns within a conversation."""


def turning_rates(shape: LlamaShape) -> Tensor:
    """By how much each rotary pair turns from one position to the next."""
    return shape.rope_base ** (-torch.arange(0, shape.head_width, 2) / shape.head_width)


@torch.no_grad()
def first_weights(model: Llama) -> None:
    """Draw the weights and lay out copying in the first two layers."""
    shape = model.shape
    for parameter in model.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.02)
    for block in model.blocks:
        for last in (block.attn_output, block.ffn_down):
            nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * shape.layers))
    embedding = model.embedding.weight
    embedding[:, WHO : WHO + shape.head_width].normal_(std=_CLARITY)
    embedding[:, 0] = _FOOTHOLD
    foothold = _FOOTHOLD / embedding.square().mean(-1).sqrt().mean()  # behind the norm
    for head, into in enumerate((BEFORE, EARLIER)):
        _look_back(model.blocks[0], shape, head, head + 1, _PULL / foothold)
        _carry(model.blocks[0], shape, head, into, 0.05)
    for head in range(2):
        _find_again(model.blocks[1], shape, head, tokens=head + 1)
        _carry(model.blocks[1], shape, head, WHO, 0.1)


def _look_back(block: nn.Module, shape: LlamaShape, head: int, distance: int, pull: Tensor) -> None:
    """Let a head look at the token so many places before: the key is turned by as much, so the two meet there."""
    _clear(block, shape, head)
    for pair, rate in enumerate(turning_rates(shape)[:_FAST_PAIRS]):
        row = head * shape.head_width + 2 * pair
        block.attn_q.weight[row, 0] = pull
        block.attn_k.weight[row, 0] = pull * torch.cos(distance * rate)
        block.attn_k.weight[row + 1, 0] = pull * torch.sin(distance * rate)


def _find_again(block: nn.Module, shape: LlamaShape, head: int, tokens: int) -> None:
    """Let a head look for the place where the last one or two tokens stood before."""
    _clear(block, shape, head)
    slow = range(2 * _SLOW_PAIR, shape.head_width)
    for index, dimension in enumerate(slow):
        here, there = (WHO, BEFORE) if tokens == 1 or index < len(slow) // 2 else (BEFORE, EARLIER)
        row = head * shape.head_width + dimension
        block.attn_q.weight[row, here + index] = _MATCH
        block.attn_k.weight[row, there + index] = _MATCH


def _carry(block: nn.Module, shape: LlamaShape, head: int, into: int, strength: float) -> None:
    """Let a head carry which token it looks at into a part of the residual stream."""
    rows = slice(head * shape.head_width, (head + 1) * shape.head_width)
    identity = torch.eye(shape.head_width)
    block.attn_v.weight[rows, WHO : WHO + shape.head_width] = identity
    block.attn_output.weight[into : into + shape.head_width, rows] = strength * identity


def _clear(block: nn.Module, shape: LlamaShape, head: int) -> None:
    rows = slice(head * shape.head_width, (head + 1) * shape.head_width)
    for part in (block.attn_q, block.attn_k, block.attn_v):
        part.weight[rows] = 0
