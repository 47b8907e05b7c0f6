"""Train the detector of prompt injections and jailbreaks: `injection.npz` in `extproc/assets/guardrails`, and what was measured.

    python scripts/train_guardrails.py --shared ../shared/data [--cache /tmp/states.npz]

Both stages are fitted on all texts, and measured, weighed and calibrated on texts that they were not fitted on: public sources
are left out as a whole, each in its turn, and pages are made of what was left out. The texts in `guardrails/unseen` are for the
last look alone. One thread, one seed, some ten minutes of a core; numpy is all that it needs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from guardrails import unseen  # noqa: E402
from guardrails.decision import (  # noqa: E402
    Document,
    Left,
    Read,
    bare_model,
    left_out,
    long_documents,
    offsets_of,
    read,
    weigh,
    weighted_quantile,
)
from guardrails.fit import auroc, dense  # noqa: E402
from guardrails.material import Row, rows  # noqa: E402
from guardrails.stages import Fitted, balanced, data_of  # noqa: E402
from guardrails.states import States  # noqa: E402

from extproc.guardrails.injection.model import ASSET, SIDES, probability  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS = (
    {"bipia", "bipia-code-harmless", "bipia-email-harmless", "bipia-table-harmless", "clinc150"},
    {"tasktracker", "tweets", "pl_pii_bench"},
    {"cyberseceval", "xstest-harmless", "real_use", "stdlib"},
    {"inthewild", "mitre-frr-harmless", "no_pii_probe", "python-manual"},
    {
        "piguard-valid",
        "piguard-valid-harmless",
        "ambientmeta",
        "datafog_corpus",
        "pii_synthetic_nano",
        "manual",
        "reports",
    },
)
"""Public sources that are left out together; texts of our own, and of many authors, are left out by chance."""
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
WINDOWS_TOLD = ((1, 2), (2, 8), (8, 32), (32, 128), (128, 512), (512, 100_000))
CLINC_SHARE = 0.03
"""Of CLINC150's texts, so many may go to the second stage."""
MISSED = 0.005
"""Of attacks, so many may be lost because the second stage is not asked."""


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
        left = [texts[i] for i in outside]
        documents = [Document(row) for row in left] + long_documents(left, chance, len(lefts))
        lefts += left_out(documents, bare_model(fitted))
        print(f"{side}: fold {fold}, {time.monotonic() - began:.0f} s", flush=True)
    states.save()
    return lefts


def decide(lefts: list[Left], states: States) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays that weigh and calibrate, and what was measured with them."""
    everything = np.array([1.0, -0.5, 0.0, 0.0])
    alone = weigh([one.marks for one in lefts], [one.inside for one in lefts], lefts, everything)
    found: list[Read] = read(lefts, alone, states)
    states.save()
    both = weigh([one.x for one in found], [one.inside for one in found], lefts, np.array([1.0, *alone]))
    y = np.array([float(one.document.row.attack) for one in lefts])
    texts = [one.document.row for one in lefts]
    clinc = np.array([row.source == "clinc150" for row in texts])
    first = np.array([one.firsts.max() for one in found])
    asks_from = float(np.quantile(first[y == 1], MISSED))
    if clinc.any():
        asks_from = max(asks_from, float(np.quantile(first[clinc], 1 - CLINC_SHARE)))
    asked = first >= asks_from
    logits = np.array(
        [
            max((one.x[one.firsts >= asks_from] @ both[:-1]).max(), -np.inf) + both[-1]
            if here
            else float(one.x[0, 1:] @ alone[:-1] + alone[-1])
            for one, here in zip(found, asked, strict=True)
        ]
    )
    logs = np.log([one.windows for one in lefts])
    mass = balanced([row.source for row in texts], y, np.ones(len(y)))
    counts, offsets = offsets_of(logits[y == 0], logs[y == 0], mass[y == 0])
    logits -= np.interp(logs, counts, offsets)
    calibration = dense(logits[:, None], y, mass, 1e-3)
    scores = probability(logits * calibration[0] + calibration[1])
    reached = [weighted_quantile(scores[y == 0], mass[y == 0], 1 - rate) for rate in RATES]
    arrays = {
        "alone": alone,
        "both": both,
        "counts": counts,
        "offsets": offsets,
        "calibration": calibration,
        "asks_from": np.float64(asks_from),
        "rates": np.array(RATES),
        "scores": np.array(reached),
    }
    bare = np.array([not row.source.startswith(("long-", "buried-")) for row in texts])
    cut = reached[RATES.index(0.01)]
    measured = figures([row for row, here in zip(texts, bare, strict=True) if here], scores[bare], cut)
    windows = np.exp(logs)
    measured["false_alarms_by_windows"] = {
        f"{low}-{high}": round(float((scores[(y == 0) & (windows >= low) & (windows < high)] >= cut).mean()), 4)
        for low, high in WINDOWS_TOLD
    }
    buried = np.flatnonzero(~bare & (y == 1))
    alike = np.array([lefts[i].document.bare for i in buried])
    measured["recall_bare"] = round(float((scores[alike] >= cut).mean()), 4)
    measured["recall_buried"] = round(float((scores[buried] >= cut).mean()), 4)
    sizes = np.array([len(lefts[i].data) for i in buried])
    measured["recall_buried_by_bytes"] = {
        f"{low}-{high}": [
            round(float((scores[some[here]] >= cut).mean()), 4)
            for some, here in ((alike, (sizes >= low) & (sizes < high)), (buried, (sizes >= low) & (sizes < high)))
        ]
        for low, high in ((0, 4_000), (4_000, 8_000), (8_000, 16_000), (16_000, 64_000))
    }
    measured["attack_among_candidates"] = round(float(np.mean([found[i].inside.any() for i in buried])), 4)
    measured["false_alarms_long"] = round(float((scores[~bare & (y == 0)] >= cut).mean()), 4)
    measured["asked"] = {
        "clinc150": round(float(asked[clinc].mean()), 4) if clinc.any() else None,
        "attacks": round(float(asked[y == 1].mean()), 4),
    }
    measured["weights"] = {
        "alone": alone.round(3).tolist(),
        "both": both.round(3).tolist(),
        "offsets": offsets.round(3).tolist(),
    }
    return arrays, measured


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shared", type=Path, required=True, help="the folder with guardrails/, intents/, names/, pii/, reports/"
    )
    parser.add_argument("--cache", type=Path, help="where the encoder's states are kept between runs (.npz)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSET)
    args = parser.parse_args()
    threadpool_limits(limits=1, user_api="blas")
    everything = rows(args.shared, ROOT / "docs", Random(args.seed))
    states = States(args.cache)
    arrays: dict[str, Any] = {}
    measured: dict[str, Any] = {"texts": len(everything), "seed": args.seed}
    for side in SIDES:
        texts = [row for row in everything if side[0] in row.sides]
        found, measured[side] = decide(prepare(side, texts, states, args.seed), states)
        final = Fitted(texts, [data_of(row.text) for row in texts], states)
        found |= {
            "weights": final.rounded,
            "scale": np.float64(final.scale),
            "bias": np.float64(final.bias),
            "hidden": final.network.hidden,
            "shifts": final.network.shifts,
            "outputs": final.network.outputs,
        }
        arrays |= {f"{side}_{name}": array for name, array in found.items()}
        print(json.dumps(measured[side], indent=1), flush=True)
    states.save()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **arrays)
    measured["unseen"] = unseen.measured(args.out)
    args.out.with_name("training.json").write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
