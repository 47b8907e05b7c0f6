"""Train the light name model: `light.npz` and `light.onnx` in `extproc/assets/names`, and what was measured on the way.

    pip install -e '.[train]'
    python scripts/train_light_names.py --backbone DIR --sentences names.jsonl

The same arguments and texts as `train_names.py`; no text is seen twice. One thread, one seed, about ten minutes of a core.
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

from names.data import IGNORE, LABELS, TYPES, held_out, read_sentences, texts  # noqa: E402
from names.light import Featuriser, LightTagger  # noqa: E402
from names.score import Tally  # noqa: E402

from extproc.pii.names.light import LightModel, units  # noqa: E402
from extproc.pii.names.spans import clean, decode  # noqa: E402

BATCH = 96


def train(model: LightTagger, rows, args: argparse.Namespace) -> None:
    """AdamW with a short warm-up and a linear fall."""
    table = [model.pieces.weight]
    rest = [p for name, p in model.named_parameters() if name != "pieces.weight"]
    optimiser = torch.optim.AdamW(
        [{"params": table, "lr": args.rate / 2, "weight_decay": 0.0}, {"params": rest, "lr": args.rate}],
        weight_decay=0.01,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / 100) * max(0.02, 1 - s / args.steps)
    )
    rng, losses, started = Random(args.seed), [], time.monotonic()
    step = 0
    while step < args.steps:
        pool = list(islice(rows, BATCH * 100))
        rng.shuffle(pool)
        for at in range(0, len(pool), BATCH):
            # the letters are hidden at times, so that words in the wrong case are known by themselves
            logits, labels = model(pool[at : at + BATCH], hide_forms=0.03)
            loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE, label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            step += 1
            if step % 500 == 0:
                minutes = (time.monotonic() - started) / 60
                print(f"step {step} loss {np.mean(losses[-500:]):.4f} minutes {minutes:.1f}", flush=True)
            if step == args.steps:
                break


def score(model: LightModel, rows) -> Tally:
    """What the written file finds when it reads whole texts."""
    tally = Tally()
    for text, spans in rows:
        words, places, begins = units(text, [(0, len(text))])
        found = clean(text, decode(model.logits(words, places, begins), places.tolist()))
        tally.add(
            [s for s in spans if s[2] != "IGNORE"],
            [(f.start, f.end, f.entity_type) for f in found],
            [s for s in spans if s[2] == "IGNORE"],
        )
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "extproc" / "assets" / "names")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=14000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--real", type=float, default=0.35, help="share of real sentences among the rows")
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(args.backbone / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    sentences = read_sentences(args.sentences)
    featurise = Featuriser(tokenizer)
    rows = (featurise(text, spans) for text, spans in texts(sentences, args.seed, args.real) if text)
    model = LightTagger.from_backbone(args.backbone, args.width, len(LABELS))
    train(model, rows, args)
    args.out.mkdir(parents=True, exist_ok=True)
    model.save(args.out, list(islice(rows, 3000)))
    report = {}
    for name, part in held_out(sentences, args.seed).items():
        tally = score(LightModel(args.out), part)
        report[name] = {label: tally.figures(label) for label in TYPES}
        print(name, *tally.lines(TYPES), sep="\n  ", flush=True)
    settings = {k: v for k, v in vars(args).items() if k not in {"backbone", "sentences", "out"}}
    (args.out / "light_training.json").write_text(
        json.dumps({"settings": settings, "held_out": report}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
