"""Train the detector of prompt injections and jailbreaks: `injection.npz` in `extproc/assets/guardrails`, and what was measured.

    python scripts/train_guardrails.py --shared ../shared/data [--cache /tmp/states]

Both stages are fitted on all texts, and measured, weighed and calibrated on texts that they were not fitted on: public sources
are left out as a whole, each in its turn, and pages are made of what was left out. The texts in `guardrails/unseen` are for the
last look alone. A thread for each side, one seed, some five minutes; numpy is all that it needs. Of the texts, those of
Python's library and of packages change with their versions: `digest` in `training.json` is of all that were read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from guardrails import unseen  # noqa: E402
from guardrails.decision import (  # noqa: E402
    BEGINNING,
    LOOKALIKES,
    Document,
    Harmless,
    Left,
    bare_model,
    left_out,
    limit_of,
    long_documents,
    scale_of,
    seconds_of,
    weigh,
    weighted_quantile,
)
from guardrails.fit import auroc  # noqa: E402
from guardrails.material import Row, rows  # noqa: E402
from guardrails.stages import Fitted, balanced, data_of  # noqa: E402
from guardrails.states import States  # noqa: E402

from extproc.guardrails.injection.model import ASSET, SIDES, Scale  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS = (
    {"bipia", "bipia-code-harmless", "bipia-email-harmless", "bipia-table-harmless", "clinc150", "clinc150-lists"},
    {"tasktracker", "btc", "btc-threads", "pl_pii_bench", "docstrings"},
    {"cyberseceval", "xstest-harmless", "real_use", "stdlib"},
    {"inthewild", "mitre-frr-harmless", "no_pii_probe", "python-manual", "code"},
    {
        "piguard-valid",
        "piguard-valid-harmless",
        "ambientmeta",
        "datafog_corpus",
        "pii_synthetic_nano",
        "reports",
        "wnut17",
        "wnut17-threads",
    },
)
"""Public sources that are left out together; texts of our own, and of many authors, are left out by chance."""
COMPOSED = ("-threads", "-lists")
"""Sources whose texts are several of another one: pages are made of them, and alone they are no text that anybody sent."""
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
WINDOWS_TOLD = ((1, 2), (2, 8), (8, 32), (32, 128), (128, 512), (512, 100_000))
CLINC_SHARE = 0.03
"""Of CLINC150's texts, so many may go to the second stage."""
LONG_SHARE = 0.15
"""Likewise of harmless pages: the second stage takes longer than all else."""


def fold_of(row: Row, by_chance: Random) -> int:
    """In which fold a text is left out."""
    return next((i for i, sources in enumerate(FOLDS) if row.source in sources), by_chance.randrange(len(FOLDS)))


def figures(texts: Sequence[Row], scores: NDArray[np.float64], shipped: float) -> dict[str, Any]:
    """AUROC and recall of texts that were left out, over all and by source."""
    attack = np.array([row.attack for row in texts])
    source = np.array([row.source for row in texts])
    harmless = np.sort(scores[~attack])[::-1]
    at = {rate: float(harmless[int(rate * len(harmless))]) for rate in (0.001, 0.01, 0.05)}
    public = np.array([not row.source.startswith("own-") for row in texts])
    told: dict[str, Any] = {
        "auroc": round(auroc(scores[attack], scores[~attack]), 4),
        "auroc_public": round(auroc(scores[attack & public], scores[~attack & public]), 4),
        "recall": {str(rate): round(float((scores[attack] > cut).mean()), 4) for rate, cut in at.items()},
        "false_alarms_shipped": round(float((scores[~attack] >= shipped).mean()), 4),
        "sources": {},
    }
    for name in sorted(set(source.tolist())):
        here = scores[source == name]
        told["sources"][name] = {
            "texts": len(here),
            "flagged_at_0.01": round(float((here > at[0.01]).mean()), 4),
            "flagged_at_0.05": round(float((here > at[0.05]).mean()), 4),
            "flagged_shipped": round(float((here >= shipped).mean()), 4),
        }
    by_source = [told["sources"][name]["flagged_at_0.01"] for name in sorted(set(source[attack & public].tolist()))]
    told["recall_public"] = {
        "mean": round(float(np.mean(by_source)), 4),
        "by_texts": round(float((scores[attack & public] > at[0.01]).mean()), 4),
    }
    return told


def prepare(side: str, texts: list[Row], states: States, seed: int) -> list[Left]:
    """All texts, each under stages that were fitted without its source, and long ones made of them."""
    datas = [data_of(row.text) for row in texts]
    chance = Random(seed)
    folds = np.array([fold_of(row, chance) for row in texts])
    lefts: list[Left] = []
    for fold in range(len(FOLDS)):
        began = time.monotonic()
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        fitted = Fitted([texts[i] for i in inside], [datas[i] for i in inside], states)
        single = [texts[i] for i in outside if not texts[i].source.endswith(COMPOSED)]
        composed = [texts[i] for i in outside if texts[i].source.endswith(COMPOSED)]
        documents = [Document(row) for row in single] + long_documents([*single, *composed], chance, len(lefts))
        model = bare_model(fitted)
        lefts += [left_out(document, model) for document in documents]
        print(f"{side}: fold {fold}, {time.monotonic() - began:.0f} s", flush=True)
    states.save()
    return lefts


def decide(side: str, lefts: list[Left], states: States) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays that weigh and calibrate, and what was measured with them."""
    y = np.array([float(one.document.row.attack) for one in lefts])
    texts = [one.document.row for one in lefts]
    logs = np.log([one.windows for one in lefts])
    mass = balanced([row.source for row in texts], y, np.ones(len(y)))
    bare = np.array([not row.source.startswith(("long-", "buried-")) for row in texts])
    clinc = np.array([row.source == "clinc150" for row in texts])

    alike = np.array([side == "direct" and row.source == LOOKALIKES for row in texts])
    known = Harmless(y, logs, mass, alike)

    first = weigh([one.features() for one in lefts], lefts, BEGINNING)
    lefts = [left_out(one.document, replace(one.model, first=first)) for one in lefts]  # in the order that this makes
    firsts = [one.features() for one in lefts]
    first = weigh(firsts, lefts, first)
    likeliest = [x @ first[:-1] + first[-1] for x in firsts]
    first_scale = scale_of(np.array([one.max() for one in likeliest]), np.arange(len(y)), known)
    scores = np.array([_probability(first_scale, one.max(), left) for one, left in zip(likeliest, lefts, strict=True)])
    often = np.array([one.beside.often for one in lefts])
    many = float(np.quantile(scores[~bare & (y == 0)], 1 - LONG_SHARE))
    few = float(np.quantile(scores[clinc], 1 - CLINC_SHARE)) if clinc.any() else many
    asks_from = few + (many - few) * often
    asked = np.flatnonzero(scores >= asks_from)

    chosen = [lefts[i] for i in asked]
    seconds = seconds_of(chosen, states)
    states.save()
    boths = [left.features(said) for left, said in zip(chosen, seconds, strict=True)]
    both = weigh(boths, chosen, np.concatenate([[*first[:3], 0.3], [*first[3:6], 0.0], first[6:]]))
    logits = np.array(
        [
            float((x @ both[:-1])[_asked(first_scale, likeliest[i][: len(x)], lefts[i], asks_from[i])].max()) + both[-1]
            for i, x in zip(asked, boths, strict=True)
        ]
    )
    both_scale = scale_of(logits, asked, known)
    scores[asked] = [_probability(both_scale, logit, left) for logit, left in zip(logits, chosen, strict=True)]
    reached = [
        max(
            weighted_quantile(scores[y == 0], mass[y == 0], 1 - rate),
            limit_of(scores[alike], rate, int(alike.sum())) if alike.any() else 0.0,
        )
        for rate in RATES
    ]
    arrays = {
        "first": first,
        "both": both,
        "first_counts": first_scale.counts,
        "first_offsets": first_scale.offsets,
        "first_calibration": np.array(first_scale[2:]),
        "both_counts": both_scale.counts,
        "both_offsets": both_scale.offsets,
        "both_calibration": np.array(both_scale[2:]),
        "asks_from": np.array([few, many]),
        "rates": np.array(RATES),
        "scores": np.array(reached),
    }
    cut = reached[RATES.index(0.01)]
    measured = figures([row for row, here in zip(texts, bare, strict=True) if here], scores[bare], cut)
    windows = np.exp(logs)
    measured["false_alarms_by_windows"] = {
        f"{low}-{high}": round(float((scores[(y == 0) & (windows >= low) & (windows < high)] >= cut).mean()), 4)
        for low, high in WINDOWS_TOLD
    }
    buried = np.flatnonzero(~bare & (y == 1))
    alone = np.array([lefts[i].document.bare for i in buried])
    measured["recall_bare"] = round(float((scores[alone] >= cut).mean()), 4)
    measured["recall_buried"] = round(float((scores[buried] >= cut).mean()), 4)
    sizes = np.array([len(lefts[i].data) for i in buried])
    measured["recall_buried_by_bytes"] = {
        f"{low}-{high}": [
            round(float((scores[some[here]] >= cut).mean()), 4)
            for some, here in ((alone, (sizes >= low) & (sizes < high)), (buried, (sizes >= low) & (sizes < high)))
        ]
        for low, high in ((0, 4_000), (4_000, 8_000), (8_000, 16_000), (16_000, 64_000))
    }
    measured["attack_among_candidates"] = round(float(np.mean([lefts[i].inside.any() for i in buried])), 4)
    measured["false_alarms_long"] = round(float((scores[~bare & (y == 0)] >= cut).mean()), 4)
    is_asked = np.zeros(len(y), bool)
    is_asked[asked] = True
    measured["asked"] = {
        "clinc150": round(float(is_asked[clinc].mean()), 4) if clinc.any() else None,
        "harmless_long": round(float(is_asked[~bare & (y == 0)].mean()), 4),
        "attacks": round(float(is_asked[bare & (y == 1)].mean()), 4),
        "attacks_buried": round(float(is_asked[buried].mean()), 4),
    }
    measured["weights"] = {
        "first": first.round(3).tolist(),
        "both": both.round(3).tolist(),
        "first_offsets": first_scale.offsets.round(3).tolist(),
        "both_offsets": both_scale.offsets.round(3).tolist(),
    }
    return arrays, measured


def _probability(scale: Scale, logit: float, left: Left) -> float:
    return scale.probabilities([float(logit)], left.windows)[0]


def _asked(scale: Scale, logits: NDArray[np.float64], left: Left, asks_from: float) -> NDArray[np.bool_]:
    """Of which windows of a text the second stage is asked."""
    asked = np.array(scale.probabilities(logits.tolist(), left.windows)) >= asks_from
    return asked if asked.any() else ~asked  # the likeliest of all may be one that there is no room for


def one_side(side: str, everything: list[Row], cache: Path | None, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of one side, and what was measured of it."""
    threadpool_limits(limits=1, user_api="blas")
    states = States(cache and cache / f"{side}.npz")
    texts = [row for row in everything if side[0] in row.sides]
    found, measured = decide(side, prepare(side, texts, states, seed), states)
    final = Fitted(texts, [data_of(row.text) for row in texts], states)
    states.save()
    print(side, json.dumps(measured, indent=1), flush=True)
    return found | {
        "weights": final.rounded,
        "scale": np.float64(final.scale),
        "bias": np.float64(final.bias),
        "hidden": final.network.hidden,
        "shifts": final.network.shifts,
        "outputs": final.network.outputs,
    }, measured


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shared", type=Path, required=True, help="the folder with guardrails/, intents/, names/, pii/, reports/"
    )
    parser.add_argument("--cache", type=Path, help="a folder where the encoder's states are kept between runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSET)
    args = parser.parse_args()
    everything = rows(args.shared, Random(args.seed))
    arrays: dict[str, Any] = {}
    read = hashlib.blake2b(repr(everything).encode(), digest_size=8).hexdigest()
    measured: dict[str, Any] = {
        "texts": len(everything),
        "digest": read,
        "seed": args.seed,
        "python": sys.version.split()[0],
    }
    with ProcessPoolExecutor(len(SIDES)) as pool:
        made = [pool.submit(one_side, side, everything, args.cache, args.seed) for side in SIDES]
    for side, one in zip(SIDES, made, strict=True):
        found, measured[side] = one.result()
        arrays |= {f"{side}_{name}": array for name, array in found.items()}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **arrays)
    measured["unseen"] = unseen.measured(args.out)
    args.out.with_name("training.json").write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
