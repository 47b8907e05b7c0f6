"""How fast personal data is found, beside Presidio and DataFog where they are installed, in one run and one thread.

    python tests/bench/bench_pii.py [--repeat 5]

The rules alone: `bench_names.py` measures the name model. Presidio runs its pattern recognizers on spaCy's blank English
pipeline, without a model, so both sides do the same work. Install the peers with the extra `bench`. One JSON line per
detector and input; times are CPU time of the thread, the best of `--repeat` rounds for each piece, p50 over the pieces.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from machine import birth_certificate  # noqa: E402

from extproc.config.pii import PACKS, PiiSettings  # noqa: E402
from extproc.pii import Analyzer  # noqa: E402

_RANDOM = random.Random(11)
PROSE = (
    "Hello team, the quarterly review moved to Thursday because the venue in the city was booked twice. ",
    "Could you summarise the attached report in three sentences and keep the tone friendly? ",
    "My order has not arrived yet; the tracking page says it left the warehouse on 12 March at 14:30. ",
    "Please write to ada.lovelace@example.org or call (415) 555-0132 when the parts are in stock. ",
    "We measured 3.7 bar at pump 12 and replaced the seal, see section 4.2 of the manual (page 118). ",
    "The customer pays with 4111 1111 1111 1111 and asks for an invoice to DE89 3704 0044 0532 0130 00. ",
    "Server 81.2.69.142 answered 502 for 17 minutes, then the standby took over and all was well. ",
    "There are 24 boxes of 36 bulbs each; if 5 % break, how many whole bulbs does the shop still have? ",
)


def prose(size: int) -> str:
    """Sentences as people type them, one in four with personal data."""
    text = ""
    while len(text) < size:
        text += _RANDOM.choice(PROSE) + ("\n" if _RANDOM.random() < 0.2 else "")
    return text[:size]


def digits(size: int) -> str:
    """Numbers of all lengths, on lines."""
    numbers = (str(_RANDOM.randrange(10 ** _RANDOM.choice((3, 5, 9, 10, 11, 13, 16)))) for _ in range(size // 4))
    return "".join(number + _RANDOM.choice(" ,\n ;") for number in numbers)[:size]


def records(size: int) -> str:
    """JSON records of numbers and short strings."""
    rows = [
        {
            "id": _RANDOM.randrange(10**9),
            "amount": round(_RANDOM.random() * 1000, 2),
            "ts": _RANDOM.randrange(10**13),
            "state": "open",
        }
        for _ in range(size // 60)
    ]
    return json.dumps(rows)[:size]


def vector(size: int) -> str:
    """An embedding as it stands in a body."""
    return "[" + ", ".join(f"{_RANDOM.gauss(0, 0.05):.17f}" for _ in range(size // 20))[:size] + "]"


INPUTS = {
    "prose, 100 pieces of 500": [prose(500) for _ in range(100)],
    "prose, 8 KB": [prose(8_000)],
    "prose, 32 KB": [prose(32_000)],
    "prose, 100 KB": [prose(100_000)],
    "digits, 100 KB": [digits(100_000)],
    "records, 100 KB": [records(100_000)],
    "embedding, 32 KB": [vector(32_000)],
}


def intentmesh():
    """Every pack, no name model."""
    return Analyzer(PiiSettings(packs=PACKS, names={"enabled": False})).analyze


def presidio():
    """Presidio's default English pattern recognizers."""
    for name in (
        "presidio-analyzer",
        "tldextract",
    ):  # the latter asks the network for a list, and says at length that it cannot
        logging.getLogger(name).setLevel(logging.CRITICAL)
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    neural = ("SpacyRecognizer", "StanzaRecognizer", "TransformersRecognizer")
    registry.recognizers = [r for r in registry.recognizers if type(r).__name__ not in neural]
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    return lambda text: engine.analyze(text=text, language="en")


def datafog():
    """DataFog's regular expressions."""
    os.environ["DATAFOG_NO_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "1"
    import datafog as package

    return lambda text: package.scan(text).entities


def best(detect, text, repeat):
    """Seconds of this thread, the best of several."""
    times = []
    for _ in range(repeat):
        start = time.thread_time()
        detect(text)
        times.append(time.thread_time() - start)
    return min(times)


def main() -> None:
    """Measure every detector that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    for make in (intentmesh, datafog, presidio):
        try:
            detect = make()
        except ImportError as error:
            print(json.dumps({"bench": "pii", "detector": make.__name__, "skipped": str(error)}))
            continue
        detect(prose(2_000))
        for name, pieces in INPUTS.items():
            repeat = arguments.repeat if make is intentmesh or len(pieces) > 1 else 1
            seconds = sorted(best(detect, piece, repeat) for piece in pieces)
            size = sum(map(len, pieces))
            result = {
                "bench": "pii",
                "detector": make.__name__,
                "input": name,
                "ms_p50": round(statistics.median(seconds) * 1e3, 3),
                "ms_p95": round(seconds[int(len(seconds) * 0.95)] * 1e3, 3),
                "ms_p99": round(seconds[int(len(seconds) * 0.99)] * 1e3, 3),
                "mb_per_s": round(size / sum(seconds) / 1e6, 2),
            }
            print(json.dumps(result | birth_certificate()), flush=True)


if __name__ == "__main__":
    main()
