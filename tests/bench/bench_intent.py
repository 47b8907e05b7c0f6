"""Intent classification side by side: ours, ours without the cascade, a centroid router, semantic-router from PyPI.

    python tests/bench/bench_intent.py [--per-intent 10] [--systems intentmesh,centroid] [--peer-python PYTHON]

One run, one machine, one thread, the same bundled encoder for all, each system in a process of its own so that its
memory is its own. Rows: CLINC150 (`../shared/data/intents`). The peer is run by an interpreter that has
`semantic-router` (extra `bench-peer`); it gets the validation split to calibrate on, as its README recommends,
which nobody else does. A JSON line per system, then a table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
DATA = ROOT.parent / "shared" / "data" / "intents" / "clinc150.jsonl"
SYSTEMS = ("intentmesh", "transformer-alone", "centroid", "semantic-router")
COLUMNS = ("accuracy", "auroc", "reached", "precision", "outside_accepted", "mean_us", "p99_us", "rss_mb", "start_s")
NOTES = """outside_accepted: read it beside `reached`. A fixed threshold of 0.7 accepts little of all; ours keeps a precision.
p99_us: more than one text in a hundred needs the transformer, so its slowest texts are everybody's.
rss_mb: ours keeps three heads, with 16 prototypes an intent at most, and a table of 30,522 tokens; the centroid router
one vector an intent.
start_s: ours learns; what it learned is kept for the next start (here it is not)."""
CENTROID_THRESHOLD = 0.7
CALLERS = 8
TURN = 25
"""Texts in a row by one way before the other has its turn."""


def main() -> None:
    """Run each system in a process of its own, print what it reports, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-intent", type=int)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--alone", choices=SYSTEMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(ALONE[options.alone](rows(options.per_intent))))
        return
    from tests.bench.machine import birth_certificate

    lines = []
    for system in options.systems.split(","):
        python = options.peer_python if system == "semantic-router" else sys.executable
        command = [python, str(Path(__file__)), "--alone", system]
        command += ["--per-intent", str(options.per_intent)] if options.per_intent else []
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **limits}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
            print(json.dumps({"bench": "intent", "system": system, "skipped": reason}), flush=True)
            continue
        line = {
            "bench": "intent",
            "system": system,
            "per_intent": options.per_intent,
            **json.loads(done.stdout.splitlines()[-1]),
        }
        lines.append(line)
        print(json.dumps({**line, **birth_certificate()}), flush=True)
    print(f"\n{'':<18}" + "".join(f"{name:>18}" for name in COLUMNS))
    for line in lines:
        print(f"{line['system']:<18}" + "".join(f"{line[name]:>18}" for name in COLUMNS))
    print(f"\n{NOTES}")


def rows(per_intent: int | None) -> dict[str, list[dict]]:
    """Rows by split; of the training rows no out-of-scope ones, and so many of each intent, evenly spaced."""
    splits: dict[str, list[dict]] = {}
    for line in DATA.read_text().splitlines():
        row = json.loads(line)
        if row["split"] != "train" or row["intent"] is not None:
            splits.setdefault(row["split"], []).append(row)
    if per_intent:
        by_intent: dict[str, list[dict]] = {}
        for row in splits["train"]:
            by_intent.setdefault(row["intent"], []).append(row)
        splits["train"] = [some[len(some) * i // per_intent] for some in by_intent.values() for i in range(per_intent)]
    return splits


def report(test: list[dict], decisions: list[tuple], start_s: float, base_mb: float, **more: object) -> dict:
    """Figures of a system from one (best, score, accepted, seconds) per test row."""
    inside = [(row, d) for row, d in zip(test, decisions, strict=True) if row["intent"] is not None]
    outside = [d for row, d in zip(test, decisions, strict=True) if row["intent"] is None]
    accepted = [(row, d) for row, d in zip(test, decisions, strict=True) if d[2]]
    times = sorted(d[3] * 1e6 for d in decisions)
    return {
        "accuracy": round(sum(d[0] == row["intent"] for row, d in inside) / len(inside), 4),
        "auroc": auroc([d[1] for _, d in inside], [d[1] for d in outside]),
        "reached": round(sum(d[2] and d[0] == row["intent"] for row, d in inside) / len(inside), 4),
        "precision": round(sum(d[0] == row["intent"] for row, d in accepted) / max(len(accepted), 1), 4),
        "outside_accepted": round(sum(bool(d[2]) for d in outside) / len(outside), 4),
        "mean_us": round(sum(times) / len(times), 1),
        **{f"p{q}_us": round(times[min(len(times) * q // 100, len(times) - 1)], 1) for q in (50, 95, 99)},
        "rss_mb": round(memory_mb()),
        "rss_before_mb": round(base_mb),
        "start_s": round(start_s, 1),
        **more,
    }


def auroc(inside: list[float], outside: list[float]) -> float:
    """Probability that a text of an intent scores higher than one of none."""
    from bisect import bisect_left, bisect_right

    ranked = sorted(outside)
    wins = sum((bisect_left(ranked, score) + bisect_right(ranked, score)) / 2 for score in inside)
    return round(wins / (len(inside) * len(outside)), 4)


def memory_mb() -> float:
    """Resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def timed(decide, test: list[dict]) -> list[tuple]:
    """One decision per row, one at a time, the first hundred run before as a warm-up."""
    for row in test[:100]:
        decide(row["text"])
    decisions = []
    for row in test:
        start = time.perf_counter()
        decision = decide(row["text"])
        decisions.append((*decision, time.perf_counter() - start))
    return decisions


def intentmesh(splits: dict[str, list[dict]], *, alone: bool = False) -> dict:
    """Ours. `alone`: every text goes through the transformer."""
    from extproc.intent.reporting import last_score

    base = memory_mb()
    start = time.perf_counter()
    classifier, took = built(splits), time.perf_counter() - start
    cascade = classifier.cascade

    def decide(text):
        view = cascade.look(text)
        score = view.score
        if alone:
            score = last_score(cascade, view)
        elif not view.decided:
            (score,) = cascade.transform([view])
        return score.best, score.score, score.intent is not None

    decisions = timed(decide, splits["test"])
    rss = round(memory_mb())
    inside = [row for row in splits["test"] if row["intent"]]
    more = (
        {} if alone else {**paired(cascade, splits["test"]), **concurrency(classifier, [row["text"] for row in inside])}
    )
    if not alone:
        views = [cascade.look(row["text"]) for row in inside]
        asked = [view for view in views if not view.decided]
        early = sum(cascade.transform([view])[0].reason == "early" for view in asked)
        more |= {"transformer_share": round(len(asked) / len(views), 4), "halfway_share": round(early / len(views), 4)}
    return {**report(splits["test"], decisions, took, base, **more), "rss_mb": rss}


def paired(cascade, test: list[dict]) -> dict[str, float]:
    """What a text costs in the cascade over what it costs without one, taken by turns of 25 texts.

    Without: in our own graph, run whole for every text (`transformer`), and as one would build it with fastembed,
    `TextEmbedding.embed` and a linear head (`fastembed`). By turns and in processor time, because a machine is never as
    quiet in one minute as in the next. `mean` is over the whole split, of which 18 in 100 texts are out of scope;
    `in_scope` over the rest.
    """
    embedding = fastembed_alone(cascade)

    def by_cascade(text: str) -> None:
        view = cascade.look(text)
        if not view.decided:
            cascade.transform([view])

    ways = {"cascade": by_cascade, "transformer": cascade.alone, "fastembed": embedding}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for start in range(0, len(test), TURN):
        for name, decide in ways.items():
            for row in test[start : start + TURN]:
                before = time.thread_time()
                decide(row["text"])
                times[name].append((time.thread_time() - before) * 1e6)
    inside = [i for i, row in enumerate(test) if row["intent"]]
    ours = times["cascade"]
    found = {}
    for name in ("transformer", "fastembed"):
        other = times[name]
        found |= {
            f"{name}_ratio_mean": round(sum(ours) / sum(other), 3),
            f"{name}_ratio_mean_in_scope": round(sum(ours[i] for i in inside) / sum(other[i] for i in inside), 3),
            f"{name}_ratio_p50": round(percentile(ours, 50) / percentile(other, 50), 3),
            f"{name}_ratio_p99": round(percentile(ours, 99) / percentile(other, 99), 3),
        }
    return found


def percentile(times: list[float], q: int) -> float:
    """Of the times, sorted here."""
    return sorted(times)[min(len(times) * q // 100, len(times) - 1)]


def fastembed_alone(cascade):
    """Embed by fastembed, then a linear head: what most people would write."""
    import numpy as np
    from fastembed import TextEmbedding

    from extproc.embedding.encoder import BUNDLED_FOLDER

    (name,) = (m["model"] for m in TextEmbedding.list_supported_models() if m["model"].startswith("intentmesh/"))
    model = TextEmbedding(name, specific_model_path=str(BUNDLED_FOLDER), threads=1, cuda=False)
    head = np.zeros((384, len(cascade.examples.intents) + 1), np.float32)

    def decide(text: str) -> int:
        (vector,) = model.embed([text])
        return int((np.asarray(vector, np.float32) @ head).argmax())

    return decide


def built(splits: dict[str, list[dict]]):
    """The classifier as a user has it: a mesh.yaml with examples, nothing kept from a former start."""
    from extproc.config.mesh import Mesh
    from extproc.intent import Classifier

    intents: dict[str, dict[str, list[str]]] = {}
    for row in splits["train"]:
        intents.setdefault(row["intent"], {"examples": []})["examples"].append(row["text"])
    models = {"general": {"endpoints": [{"address": "127.0.0.1:8081"}]}}
    mesh = Mesh.model_validate(
        {
            "version": 1,
            "models": models,
            "default_model": "general",
            "intents": intents,
            "classifier": {"cache_size": 0},
        }
    )
    return Classifier(mesh, keep=False)


def concurrency(classifier, texts: list[str]) -> dict[str, float]:
    """Texts a second of 8 concurrent callers, with shared passes of the transformer and with one pass a text.

    Only texts that the static stage hands on are asked: the others never wait for anybody.
    """
    from extproc.intent.batching import Batcher

    cascade = classifier.cascade
    hard = [view for view in (cascade.look(text) for text in texts) if not view.decided]
    hard = hard[:800]

    async def ask(largest: int) -> float:
        batcher = Batcher(cascade.transform, lambda view: len(view.ids), largest)
        waiting = iter(hard)

        async def caller() -> None:
            for view in waiting:
                await batcher.submit(view)

        start = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        took = time.perf_counter() - start
        batcher.close()
        return len(hard) / took

    single, shared = asyncio.run(ask(1)), asyncio.run(ask(16))
    return {
        "callers": CALLERS,
        "texts_per_s_single": round(single),
        "texts_per_s_batched": round(shared),
        "batching_gain": round(shared / single, 2),
    }


def centroid(splits: dict[str, list[dict]]) -> dict:
    """The usual way: the mean of an intent's examples, cosine, one fixed threshold."""
    base = memory_mb()
    import numpy as np

    from extproc.embedding.encoder import Encoder

    start = time.perf_counter()
    encoder = Encoder.load()
    names = sorted({row["intent"] for row in splits["train"]})
    sums = dict.fromkeys(names, 0)
    ordered = sorted(splits["train"], key=lambda row: len(row["text"]))
    for i in range(0, len(ordered), 16):
        batch = ordered[i : i + 16]
        for row, vector in zip(batch, encoder.embed([encoder.tokenize(r["text"], 128) for r in batch]), strict=True):
            sums[row["intent"]] = sums[row["intent"]] + vector
    centroids = np.stack([sums[name] / np.linalg.norm(sums[name]) for name in names])
    took = time.perf_counter() - start

    def decide(text):
        cosines = centroids @ encoder.embed([encoder.tokenize(text, 128)])[0]
        best = int(cosines.argmax())
        return names[best], float(cosines[best]), bool(cosines[best] >= CENTROID_THRESHOLD)

    return report(splits["test"], timed(decide, splits["test"]), took, base)


def semantic_router(splits: dict[str, list[dict]]) -> dict:
    """Its README's set-up: an index of all utterances, calibrated by `fit`, acting from an even chance on."""
    base = memory_mb()
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType
    from semantic_router import IndexedRouter, Route
    from semantic_router.encoders import FastEmbedEncoder

    folder = ROOT / "extproc" / "assets" / "all-MiniLM-L6-v2"

    class Bundled(FastEmbedEncoder):
        """Its fastembed encoder, with our model."""

        def _initialize_client(self):
            TextEmbedding.add_custom_model(
                model="bench/all-MiniLM-L6-v2", pooling=PoolingType.MEAN, normalization=True,
                sources=ModelSource(url="file:///dev/null"), dim=384, model_file="model.onnx",
                output_name="last_hidden_state",
            )  # fmt: skip
            return TextEmbedding("bench/all-MiniLM-L6-v2", specific_model_path=str(folder), threads=1, cuda=False)

    start = time.perf_counter()
    texts: dict[str, list[str]] = {}
    for row in splits["train"]:
        texts.setdefault(row["intent"], []).append(row["text"])
    routes = [Route(name=name, utterances=utterances) for name, utterances in texts.items()]
    router = IndexedRouter(encoder=Bundled(name="bench/all-MiniLM-L6-v2"), routes=routes)
    router.fit(X=[row["text"] for row in splits["val"]], y=[row["intent"] for row in splits["val"]])
    took = time.perf_counter() - start

    def decide(text):
        choice = router(text)
        return choice.name, choice.confidence, choice.confidence >= 0.5

    return report(splits["test"], timed(decide, splits["test"]), took, base, version=version("semantic-router"))


ALONE = {
    "intentmesh": intentmesh,
    "transformer-alone": lambda splits: intentmesh(splits, alone=True),
    "centroid": centroid,
    "semantic-router": semantic_router,
}

if __name__ == "__main__":
    main()
