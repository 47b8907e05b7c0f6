"""What batching can gain at all with a model on this processor: the processor time of llama.cpp's steps, no server around them.

    python tests/bench/bench_steps.py --model X.gguf

A token of a prompt costs the same however many clients there are; a token of an answer costs less the more sequences
share a step, as far as llama.cpp's kernels gain from more columns. The ceiling is what a server without any cost of its
own could gain over one that answers one request after the other, at the prompts and answers of bench_inference.py.
One thread, so that the time of the thread counts and other work on the machine hardly does. Prints a JSON line per size.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench_inference import ANSWER_TOKENS, CONTEXT_TOKENS, PROMPT_TOKENS, birth_certificate

from inference.engine import Batch, Engine
from inference.model import Model
from inference.settings import Settings

CACHED = 256
"""Tokens in the cache of each sequence before the steps that are measured."""


def measure(model: Model, settings: Settings, sequences: int, steps: int) -> tuple[float, float]:
    """Milliseconds per token of a prompt, and per token of an answer, with so many sequences in a step."""
    engine, batch = Engine(model, settings, context_tokens=CONTEXT_TOKENS, slots=sequences), Batch(512)
    started = time.thread_time()
    for sequence in range(sequences):
        batch.clear()
        batch.add_run([300] * CACHED, 0, sequence, output=False)
        engine.decode(batch)
    read = (time.thread_time() - started) / (sequences * CACHED)
    spans = []
    for step in range(steps):
        batch.clear()
        for sequence in range(sequences):
            batch.add(300, CACHED + step, sequence)
        started = time.thread_time()
        engine.decode(batch)
        engine.logits(0)
        spans.append(time.thread_time() - started)
    engine.close()
    return read * 1e3, sorted(spans)[len(spans) // 2] / sequences * 1e3


def main() -> None:
    """Measure 1, 4, 8 and 16 sequences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    arguments.threads = 1
    settings = Settings(model=arguments.model, threads=1)
    model = Model(settings, lambda _: True)
    alone = None
    prompt = (
        PROMPT_TOKENS[1] - PROMPT_TOKENS[0]
    ) / 2.773  # the mean where every doubling is as likely (16 = e ** 2.773)
    for sequences in (1, 4, 8, 16):
        read, spoken = measure(model, settings, sequences, arguments.steps)
        request = prompt * read + ANSWER_TOKENS * spoken
        alone = alone or request
        row = {
            "sequences": sequences,
            "prompt_token_ms": round(read, 3),
            "answer_token_ms": round(spoken, 3),
            "ceiling": round(alone / request, 2),
        }
        print(json.dumps(row | birth_certificate(arguments)), flush=True)


if __name__ == "__main__":
    main()
