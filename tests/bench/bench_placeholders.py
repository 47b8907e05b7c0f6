"""What each form of a placeholder costs in tokens, and how often small models copy it whole: one JSON line per case.

    python tests/bench/bench_placeholders.py [--cases 100] [--vocabulary ggml-vocab-*.gguf ...]

The models are the three that come with the package, through llama.cpp at temperature 0: they were trained on numbered
placeholders, so that what they do with the other forms is what a model does with a word that it has never seen. Any GGUF
file with a vocabulary, as llama.cpp's sources have them, tells the tokens that its model takes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from llama_cpp import Llama

from extproc.payload.channel import Channel
from extproc.pii import Vault
from extproc.pii.keys import Keys
from inference.demo import NAMES, model_path
from scripts.demo_models.evaluation import DemoModel, held_out
from tests.bench.machine import birth_certificate

PROMPTS = Path(__file__).parents[1] / "quality" / "demo_prompts.toml"
KEYS = Keys(b"a key for a bench only")
VALUES = (
    ("EMAIL_ADDRESS", "jane.doe@example.com"),
    ("PHONE_NUMBER", "+1 415 555 0132"),
    ("PERSON", "Jane Doe"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("US_SSN", "536-22-1845"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
)


def numbered(entity_type: str, value: str) -> tuple[str, Vault]:
    """A counter."""
    vault = Vault()
    return vault.placeholder(entity_type, value), vault


def hashed(entity_type: str, value: str) -> tuple[str, Vault]:
    """Letters of a keyed hash."""
    vault = Vault(key=KEYS.of_caller("bench"))
    return vault.placeholder(entity_type, value), vault


def encrypted(entity_type: str, value: str) -> tuple[str, Vault]:
    """A token."""
    vault = Vault()
    return vault.admit(KEYS.encrypted(entity_type, value), value), vault


FORMS = {"counter": numbered, "keyed hash": hashed, "encrypt": encrypted}


def report(**figures: object) -> None:
    """One line."""
    print(json.dumps({"bench": "placeholders", **figures, **birth_certificate()}))


def tokens(path: str) -> None:
    """Tokens of each form, on average over types."""
    model = Llama(path, vocab_only=True, verbose=False)

    def count(text: str) -> int:
        return len(model.tokenize(text.encode(), add_bos=False, special=False))

    for name, make in {"the value": lambda _, value: (value, None), **FORMS}.items():
        mean = sum(count(make(*pair)[0]) for pair in VALUES) / len(VALUES)
        report(vocabulary=Path(path).stem.removeprefix("ggml-vocab-"), form=name, tokens=round(mean, 1))


def copies(cases: int) -> None:
    """How often an answer holds the placeholder whole, and how often its value comes back."""
    for name in NAMES:
        model = DemoModel(model_path(name))
        questions = [question for question, _ in held_out(PROMPTS, name)]
        for form, make in FORMS.items():
            random = Random(11)
            whole = restored = 0
            for number in range(cases):
                entity_type, value = random.choice(VALUES)
                value = f"{value}{random.randrange(10**6)}"
                placeholder, vault = make(entity_type, value)
                said = model.ask(f"{random.choice(questions)} It is about {placeholder}.", seed=number).text
                whole += placeholder in said
                restored += value in Channel(vault.restorer()).feed(said, end=True)
            report(model=name, form=form, cases=cases, whole=whole / cases, restored=restored / cases)
        model.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--cases", type=int, default=100)
    options.add_argument("--vocabulary", nargs="*", default=[])
    chosen = options.parse_args()
    for vocabulary in chosen.vocabulary:
        tokens(vocabulary)
    copies(chosen.cases)
