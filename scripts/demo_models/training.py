"""Train the demo models together and write them: one thread, one seed, so many minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from scripts.demo_models.corpus import DOMAINS, Corpus
from scripts.demo_models.network import Llama
from scripts.demo_models.tokens import Encoded, Encoder, read_tokenizer, train_tokenizer, vocabulary
from scripts.gguf_writer import Identity, LlamaShape, LlamaWriter, read_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tokenizers import Tokenizer

    from scripts.demo_models.corpus import Conversation

SHAPE = LlamaShape(layers=4, width=256, feed_forward=576, heads=4, kv_heads=4, context=2048, rope_base=500_000.0)
SHARPNESS = 2.0
"""Clients ask with temperature 1 unless told otherwise, where a model this small would ramble now and then."""
_SAVE_EVERY = 100
_CUT_SHARE, _CUT = 0.6, (4, 14)
"""What an answer is about shows in its first words, and the rest follows. So of most answers only so many tokens are learnt, and
more questions fit into the time."""


@dataclass(frozen=True)
class Plan:
    """How to train."""

    minutes: float = 80.0
    """For all three, by the clock; the learning rate falls with them."""
    batch_tokens: int = 3072
    vocabulary: int = 2048
    peak_rate: float = 2e-3
    warmup_steps: int = 40
    seed: int = 7
    pool: int = 1024
    """So many conversations are sorted by length at a time, to be padded little."""


class _Batch(NamedTuple):
    tokens: Tensor
    targets: Tensor
    """-1 where the model does not speak."""
    domains: Tensor


def train(folder: Path, plan: Plan, earlier: Path | None = None) -> None:
    """Train the models of all domains together, and write each to its file in `folder`; or train `earlier` ones on."""
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    random = Random(plan.seed)
    corpora = [Corpus(domain) for domain in DOMAINS.values()]
    files = [earlier / f"{name}.gguf" for name in DOMAINS] if earlier else []
    sample = (corpus.conversation(random) for _ in range(4000) for corpus in corpora)
    tokenizer = read_tokenizer(files[0]) if files else train_tokenizer(sample, plan.vocabulary)
    model = Llama(SHAPE, tokenizer.get_vocab_size(), len(corpora))
    if files:
        model.load([read_tensors(file) for file in files], SHARPNESS)
    print(f"{sum(weights.numel() for weights in model.parameters()) / 1e6:.2f} million parameters", flush=True)
    for step in _optimise(model, _batches(corpora, Encoder(tokenizer, unusual=0.1), plan, random), plan):
        if step % _SAVE_EVERY == 0:
            _write(model, tokenizer, folder)
    _write(model, tokenizer, folder)


def _write(model: Llama, tokenizer: Tokenizer, folder: Path) -> None:
    for index, (name, domain) in enumerate(DOMAINS.items()):
        about = f"A demo model for {domain.subject}, trained from scratch on sentences written for it."
        writer = LlamaWriter(
            folder / f"{name}.gguf", SHAPE, vocabulary(tokenizer), Identity(f"intentmesh-demo-{name}", about), "q8_0"
        )
        writer.write(model.tensors(index, SHARPNESS))


def _optimise(model: Llama, batches: Iterator[_Batch], plan: Plan) -> Iterator[int]:
    """Train, and yield the number of each step."""
    inner = [weights for weights in model.blocks.parameters() if weights.dim() == 2]
    outer = [model.embedding.weight, model.domains.weight]
    vectors = [weights for weights in model.parameters() if weights.dim() == 1]
    groups = [{"params": outer, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    optimisers = (
        torch.optim.Muon(inner, lr=plan.peak_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=plan.peak_rate, betas=(0.9, 0.98), fused=True),
    )
    started, computed, losses, step = time.monotonic(), time.process_time(), [], 0
    while (passed := (time.monotonic() - started) / 60) < plan.minutes:
        share = min((step + 1) / plan.warmup_steps, 1 - passed / plan.minutes)
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = plan.peak_rate * share
        batch = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(batch.tokens, batch.domains)
            places = batch.targets >= 0
            logits = model.logits(hidden[places])
        loss = functional.cross_entropy(logits.float(), batch.targets[places])
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        losses.append(loss.item())
        step += 1
        if step % 20 == 0:
            cpu = (time.process_time() - computed) / 60
            print(f"step {step} loss {sum(losses) / len(losses):.4f} minutes {passed:.1f} of cpu {cpu:.1f}", flush=True)
            losses.clear()
        yield step


def _batches(corpora: Sequence[Corpus], encoder: Encoder, plan: Plan, random: Random) -> Iterator[_Batch]:
    """Yield conversations of every domain, of about the same length, padded at the end."""
    while True:
        drawn = random.choices(range(len(corpora)), k=plan.pool)
        pool = [(_encoded(corpora[index].conversation(random), encoder, random), index) for index in drawn]
        pool.sort(key=lambda one: len(one[0].tokens))
        cut: list[list[tuple[Encoded, int]]] = [[]]
        for one in pool:
            if cut[-1] and (len(cut[-1]) + 1) * len(one[0].tokens) > plan.batch_tokens:
                cut.append([])
            cut[-1].append(one)
        random.shuffle(cut)
        yield from map(_padded, cut)


def _encoded(conversation: Conversation, encoder: Encoder, random: Random) -> Encoded:
    """Encode a conversation; most of the time keep only the start of the last answer, unless it ends with placeholders."""
    one = encoder.encode(conversation, random)
    if "[" in conversation.messages[-1].content or random.random() > _CUT_SHARE:
        return one
    last = len(one.spoken) - one.spoken[::-1].index(False)
    end = last + random.randint(*_CUT)
    return Encoded(one.tokens[:end], one.spoken[:end])


def _padded(rows: list[tuple[Encoded, int]]) -> _Batch:
    length = max(len(one.tokens) for one, _ in rows) - 1
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), -1)
    for row, (one, _) in enumerate(rows):
        ids, spoken = torch.tensor(one.tokens), torch.tensor(one.spoken)
        tokens[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = torch.where(spoken[1:], ids[1:], -1)
    return _Batch(tokens, targets, torch.tensor([index for _, index in rows]))
