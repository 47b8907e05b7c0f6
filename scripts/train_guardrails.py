"""Train the detector of prompt injections and jailbreaks: `injection.npz` in `extproc/assets/guardrails`, and what was measured.

    python scripts/train_guardrails.py --shared ../shared/data [--cache /tmp/states.npz]

Both stages are fitted on all texts, and measured and calibrated on texts that they were not fitted on: public sources are left
out as a whole, each in its turn. What the length of a window changes (`SideModel.loss`) is not in these figures. One thread, one
seed, some ten minutes of a core; numpy is all that it needs.
"""

from __future__ import annotations

import argparse
import hashlib
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

from guardrails.fit import Hashed, auroc, dense  # noqa: E402
from guardrails.material import Row, rows  # noqa: E402

from extproc.embedding.encoder import Encoder  # noqa: E402
from extproc.guardrails.injection.detector import BYTES_PER_WINDOW, WINDOW_TOKENS  # noqa: E402
from extproc.guardrails.injection.model import ASSET, LAYERS, SIDES, features  # noqa: E402
from extproc.guardrails.injection.windows import LONGEST, boundaries, scan  # noqa: E402
from extproc.pii.fold import fold  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

FOLDS = (
    {"bipia", "bipia-code-harmless", "bipia-email-harmless", "bipia-table-harmless"},
    {"tasktracker", "tweets"},
    {"cyberseceval", "xstest-harmless", "real_use"},
    {"inthewild", "mitre-frr-harmless", "no_pii_probe"},
    {"piguard-valid", "piguard-valid-harmless", "ambientmeta", "pl_pii_bench", "datafog_corpus", "pii_synthetic_nano"},
    {"clinc150", "stdlib", "python-manual", "manual", "reports"},
)
"""Public sources that are left out together; texts of our own are left out by chance."""
FIRST_PENALTY, SECOND_PENALTY = 3.0, 300.0
MOST_CHUNKS = 12
MINED = 3
"""Windows of a text that are learned from beside its pieces: those that the first stage took most for an attack."""
LONG_TEXTS = 400
LONG_BYTES = (2_000, 4_000, 8_000, 16_000, 32_000)
STRATA = ((1, 1.5), (1.5, 8), (8, 32), (32, 128), (128, 512), (512, 1e9))
"""Numbers of windows that are calibrated together."""
FEWEST_IN_STRATUM = 100
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
CLINC_SHARE = 0.015
"""Of CLINC150's texts, so many may go to the second stage."""
MISSED = 0.005
"""Of attacks, so many may be lost because the second stage is not asked."""


class States:
    """What the encoder says of windows, kept on disk."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._encoder = Encoder.load()
        self._known: dict[bytes, NDArray[np.float16]] = {}
        if path is not None and path.exists():
            with np.load(path) as arrays:
                self._known = dict(zip((bytes(key) for key in arrays["keys"]), arrays["states"], strict=True))

    def of(self, texts: Sequence[bytes]) -> NDArray[np.float32]:
        """One row a text."""
        keys = [hashlib.blake2b(text, digest_size=16).digest() for text in texts]
        todo = sorted(
            {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}.items(),
            key=lambda one: len(one[1]),
        )
        for at in range(0, len(todo), 8):
            batch = todo[at : at + 8]
            ids = [self._encoder.tokenize(text.decode(errors="replace"), WINDOW_TOKENS) or [0] for _, text in batch]
            halfway = self._encoder.start(ids, LAYERS)
            sizes = (
                halfway.feed["attention_mask"].sum(axis=1).tolist()
                if "attention_mask" in halfway.feed
                else [len(one) + 2 for one in ids]
            )
            made = features(halfway.outputs, halfway.states, sizes)
            self._known |= {key: row.astype(np.float16) for (key, _), row in zip(batch, made, strict=True)}
        return np.stack([self._known[key] for key in keys]).astype(np.float32)

    def save(self) -> None:
        """Keep them."""
        if self._path is not None:
            keys = np.array([list(key) for key in self._known], np.uint8)
            np.savez(self._path, keys=keys, states=np.stack(list(self._known.values())))


def data_of(text: str) -> bytes:
    """As the detector reads it."""
    return fold(text).text.encode(errors="replace")


def pieces(data: bytes) -> list[bytes]:
    """A text in pieces of a window's length."""
    if len(data) <= LONGEST:
        return [data]
    at = boundaries(data)
    found, start = [], 0
    for i in range(1, len(at)):
        if i == len(at) - 1 or at[i + 1] - start > LONGEST:
            found.append(data[start : at[i]])
            start = at[i]
    found = [piece for piece in found if len(piece.strip()) > 3]
    if len(found) > MOST_CHUNKS:
        found = [found[i] for i in np.linspace(0, len(found) - 1, MOST_CHUNKS).astype(int)]
    return found


class Samples:
    """Windows to learn from."""

    def __init__(self, windows: list[bytes], owner: list[int], texts: list[Row]) -> None:
        self.windows = windows
        self.y = np.array([float(texts[i].attack) for i in owner])
        shares = 1 / np.bincount(owner)[owner]
        names, which = np.unique([texts[i].source for i in owner], return_inverse=True)
        totals = np.bincount(which, shares, len(names))
        # of a source, the root of its size counts, so that no large one drowns the others; both classes count the same
        mass = shares / np.sqrt(totals)[which]
        for attack in (0.0, 1.0):
            mass[self.y == attack] *= len(owner) / 2 / mass[self.y == attack].sum()
        self.mass = mass


class Fitted:
    """Both stages of one side."""

    def __init__(self, texts: list[Row], datas: list[bytes], states: States) -> None:
        owner, windows = [], []
        for i, data in enumerate(datas):
            for piece in pieces(data):
                windows.append(piece)
                owner.append(i)
        samples = Samples(windows, owner, texts)
        self._first(samples)
        for i, data in enumerate(datas):
            if len(data) > 60:
                found = scan(data, self.weights, self.bias)
                best = np.argsort(-found.scores)[: 1 if texts[i].attack else MINED]
                for at in best:
                    if texts[i].attack or found.scores[at] > -2:
                        windows.append(data[found.starts[at] : found.ends[at]])
                        owner.append(i)
        samples = Samples(windows, owner, texts)
        self._first(samples)
        x = states.of(samples.windows)
        centre, spread = x.mean(0), x.std(0) + 1e-6
        w = dense((x - centre) / spread, samples.y, samples.mass, SECOND_PENALTY)
        self.head = np.append(w[:-1] / spread, w[-1] - (w[:-1] / spread) @ centre).astype(np.float32)

    def _first(self, samples: Samples) -> None:
        w = Hashed(samples.windows).fit(np.arange(len(samples.windows)), samples.y, samples.mass, FIRST_PENALTY)
        self.scale = float(np.abs(w[:-1]).max() / 127)
        self.rounded = np.round(w[:-1] / self.scale).astype(np.int8)
        self.weights, self.bias = self.rounded.astype(np.float32) * np.float32(self.scale), float(w[-1])

    def read(self, datas: Iterable[bytes], states: States) -> NDArray[np.float64]:
        """Of each text: the logits of both stages, the log of the number of windows."""
        firsts, counts, best = [], [], []
        owner = []
        for i, data in enumerate(datas):
            found = scan(data, self.weights, self.bias)
            firsts.append(float(found.scores.max()))
            counts.append(len(found.scores))
            allowed = 1 + len(data) // BYTES_PER_WINDOW
            for at in np.argsort(-found.scores, kind="stable")[:allowed]:
                best.append(data[found.starts[at] : found.ends[at]])
                owner.append(i)
        seconds = np.full(len(firsts), -np.inf)
        np.maximum.at(seconds, owner, states.of(best) @ self.head[:-1] + self.head[-1])
        return np.stack([firsts, seconds, np.log(counts)], axis=1)


def long_texts(texts: list[Row], rng: Random) -> list[Row]:
    """Harmless texts of 500 to 8,000 tokens, and the same with an attack somewhere in them."""
    harmless = [
        row
        for row in texts
        if not row.attack and row.source not in ("clinc150", "xstest-harmless", "mitre-frr-harmless")
    ]
    attacks = [row for row in texts if row.attack]
    found = []
    for _ in range(LONG_TEXTS):
        size, parts = rng.choice(LONG_BYTES), []
        while sum(map(len, parts)) < size:
            parts.append(rng.choice(harmless).text)
        found.append(Row("\n".join(parts), False, "di", "long-harmless"))
        attack = rng.choice(attacks)
        at = rng.randrange(len(parts) + 1)
        found.append(Row("\n".join([*parts[:at], attack.text, *parts[at:]]), True, "di", f"buried-{attack.source}"))
    return found


def fold_of(row: Row, by_chance: Random) -> int:
    """In which fold a text is left out."""
    return next((i for i, sources in enumerate(FOLDS) if row.source in sources), by_chance.randrange(len(FOLDS)))


def balanced(texts: list[Row]) -> NDArray[np.float64]:
    """How much each counts, as among the samples."""
    return Samples([b""] * len(texts), list(range(len(texts))), texts).mass


def figures(texts: list[Row], scores: NDArray[np.float64]) -> dict[str, Any]:
    """AUROC and recall of texts that were left out, over all and by source."""
    attack = np.array([row.attack for row in texts])
    source = np.array([row.source for row in texts])
    harmless = np.sort(scores[~attack])[::-1]
    at = {rate: float(harmless[int(rate * len(harmless))]) for rate in (0.001, 0.01, 0.05)}
    told: dict[str, Any] = {
        "auroc": round(auroc(scores[attack], scores[~attack]), 4),
        "recall": {str(rate): round(float((scores[attack] > cut).mean()), 4) for rate, cut in at.items()},
        "sources": {},
    }
    for name in sorted(set(source.tolist())):
        here = scores[source == name]
        told["sources"][name] = {
            "texts": len(here),
            "flagged_at_0.01": round(float((here > at[0.01]).mean()), 4),
            "flagged_at_0.05": round(float((here > at[0.05]).mean()), 4),
        }
    return told


def offsets_of(
    logits: NDArray[np.float64], logs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What harmless texts of so many windows reach once in a hundred times, beyond those of one window."""
    counts, reached = [], []
    for low, high in STRATA:
        here = (logs >= np.log(low)) & (logs < np.log(high))
        if here.sum() >= FEWEST_IN_STRATUM:
            counts.append(float(np.median(logs[here])))
            reached.append(float(np.quantile(logits[here], 0.99)))
    rising = np.maximum.accumulate(np.array(reached))
    return np.array(counts), rising - rising[0]


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits as probabilities."""
    return 1 / (1 + np.exp(-z))


def train_side(side: str, texts: list[Row], states: States, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of one side, and what was measured."""
    texts = [row for row in texts if side[0] in row.sides]
    datas = [data_of(row.text) for row in texts]
    chance = Random(seed)
    folds = np.array([fold_of(row, chance) for row in texts])
    seen, read = [], []
    for left_out in range(len(FOLDS)):
        began = time.monotonic()
        inside, outside = np.flatnonzero(folds != left_out), np.flatnonzero(folds == left_out)
        fitted = Fitted([texts[i] for i in inside], [datas[i] for i in inside], states)
        left = [texts[i] for i in outside]
        left += (
            long_texts(left, chance) if any(row.attack for row in left) and any(not row.attack for row in left) else []
        )
        read.append(fitted.read([data_of(row.text) for row in left], states))
        seen += left
        print(f"{side}: fold {left_out}, {time.monotonic() - began:.0f} s", flush=True)
        states.save()
    x = np.concatenate(read)
    y, mass = np.array([float(row.attack) for row in seen]), balanced(seen)
    both, alone = dense(x[:, :2], y, mass, 1e-3), dense(x[:, :1], y, mass, 1e-3)
    clinc = np.array([row.source == "clinc150" for row in seen])
    asks_from = float(np.quantile(x[y == 1, 0], MISSED))
    if clinc.any():
        asks_from = max(asks_from, float(np.quantile(x[clinc, 0], 1 - CLINC_SHARE)))
    asked = x[:, 0] >= asks_from
    logits = np.where(asked, x[:, :2] @ both[:-1] + both[-1], x[:, :1] @ alone[:-1] + alone[-1])
    counts, offsets = offsets_of(logits[y == 0], x[y == 0, 2])
    logits -= np.interp(x[:, 2], counts, offsets)
    calibration = dense(logits[:, None], y, mass, 1e-3)
    scores = sigmoid(logits * calibration[0] + calibration[1])
    bare = np.array([not row.source.startswith(("long-", "buried-")) for row in seen])
    harmless = scores[y == 0]
    measured = figures([row for row, here in zip(seen, bare, strict=True) if here], scores[bare])
    measured["first_stage_alone"] = figures([row for row, here in zip(seen, bare, strict=True) if here], x[bare, 0])[
        "recall"
    ]
    windows = np.exp(x[:, 2])
    cut = float(np.quantile(harmless, 0.99))
    measured["false_alarms_by_windows"] = {
        f"{low}-{high}": round(float((scores[(y == 0) & (windows >= low) & (windows < high)] > cut).mean()), 4)
        for low, high in ((1, 2), (2, 8), (8, 32), (32, 128), (128, 512), (512, 100_000))
    }
    buried = ~bare & (y == 1)
    measured["recall_bare"] = round(float((scores[bare & (y == 1)] > cut).mean()), 4)
    measured["recall_buried"] = round(float((scores[buried] > cut).mean()), 4)
    measured["asked"] = {
        "clinc150": round(float(asked[clinc].mean()), 4) if clinc.any() else None,
        "attacks": round(float(asked[y == 1].mean()), 4),
    }
    final = Fitted(texts, datas, states)
    arrays = {
        "weights": final.rounded,
        "scale": np.float64(final.scale),
        "bias": np.float64(final.bias),
        "head": final.head,
        "alone": alone,
        "both": both,
        "counts": counts,
        "offsets": offsets,
        "calibration": calibration,
        "asks_from": np.float64(asks_from),
        "rates": np.array(RATES),
        "scores": np.array([float(np.quantile(harmless, 1 - rate)) for rate in RATES]),
    }
    return {f"{side}_{name}": array for name, array in arrays.items()}, measured


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
    texts = rows(args.shared, ROOT / "docs", Random(args.seed))
    states = States(args.cache)
    arrays: dict[str, Any] = {}
    measured: dict[str, Any] = {"texts": len(texts), "seed": args.seed}
    for side in SIDES:
        found, measured[side] = train_side(side, texts, states, args.seed)
        arrays |= found
    states.save()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **arrays)
    args.out.with_name("training.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
