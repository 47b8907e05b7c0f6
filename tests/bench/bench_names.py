"""What names cost: ms per text for the recognizer of names, and how often its model runs; presidio-analyzer's rules beside it.

    python tests/bench/bench_names.py [--queries clinc150.jsonl] [--probe no_pii_probe.jsonl] [--sentences names.jsonl]

One thread. CLINC150 test texts one by one; prompts of 2,000 tokens made of the texts of each file: queries, code, maths, and
tweets, where nearly every sentence holds a name. One JSON line per kind. Presidio runs when it is installed:

    pip install presidio-analyzer
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tokenizers import Tokenizer  # noqa: E402

from extproc.config.names import NAME_TYPES_BY_DEFAULT, NameSettings  # noqa: E402
from extproc.pii.names import recognizer  # noqa: E402
from tests.bench.machine import birth_certificate  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHARED = ROOT.parent / "shared" / "data"
PROMPT_TOKENS = 2000
PROMPTS = 12
QUERIES = 2000


def rows(path: Path) -> list[dict]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prompts(texts: Iterable[str], between: str) -> list[str]:
    """Texts put together until each prompt has its tokens."""
    file = ROOT / "extproc" / "assets" / "all-MiniLM-L6-v2" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    out: list[str] = []
    parts: list[str] = []
    size = 0
    for text in texts:
        parts.append(text)
        size += len(tokenizer.encode(text, add_special_tokens=False))
        if size >= PROMPT_TOKENS:
            out.append(between.join(parts))
            parts, size = [], 0
        if len(out) == PROMPTS:
            break
    return out


def presidio() -> Callable[[str], object] | None:
    """Presidio's rules for English, without a language model."""
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        return None

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    return lambda text: engine.analyze(text, language="en")


def times(call: Callable[[str], object], texts: list[str]) -> dict[str, float]:
    """Milliseconds per text: the least of three calls each, so that a neighbour's work does not count."""
    for text in texts[:5]:
        call(text)
    best = []
    for text in texts:
        taken = []
        for _ in range(3):
            started = time.perf_counter()
            call(text)
            taken.append(time.perf_counter() - started)
        best.append(min(taken) * 1000)
    best.sort()
    p50, p95, p99 = (best[int(len(best) * share)] for share in (0.5, 0.95, 0.99))
    return {"mean_ms": sum(best) / len(best), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def main() -> None:
    """Measure each kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=Path, default=SHARED / "intents" / "clinc150.jsonl")
    parser.add_argument("--probe", type=Path, default=SHARED / "pii" / "no_pii_probe.jsonl")
    parser.add_argument("--sentences", type=Path, default=SHARED / "names" / "names.jsonl")
    args = parser.parse_args()
    queries = [row["text"] for row in rows(args.queries) if row["split"] == "test"]
    probe = rows(args.probe)
    kinds = {
        "queries": queries[:: max(1, len(queries) // QUERIES)],
        "2000 tokens of queries": prompts(queries, ". "),
        "2000 tokens of code": prompts((r["text"] for r in probe if r["kind"] == "python-code"), "\n\n"),
        "2000 tokens of maths": prompts((r["text"] for r in probe if r["kind"] == "maths-prompt"), "\n\n"),
        "2000 tokens of tweets": prompts((row["text"] for row in rows(args.sentences)), "\n"),
    }
    rules = presidio()
    for kind, texts in kinds.items():
        find = recognizer(NameSettings(), frozenset(NAME_TYPES_BY_DEFAULT))
        assert find is not None
        for text in texts:
            find(text)
        counts = find.counts
        line = {
            "bench": "names",
            "kind": kind,
            "texts": len(texts),
            "model_ran": round(counts.read / counts.texts, 4),
            **{name: round(value, 4) for name, value in times(find, texts).items()},
        }
        if rules:
            line["presidio_rules_mean_ms"] = round(times(rules, texts[:200])["mean_ms"], 3)
        print(json.dumps(line | birth_certificate()), flush=True)


if __name__ == "__main__":
    main()
