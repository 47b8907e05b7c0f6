"""Judge a demo model as a user meets it: through llama.cpp, on questions that it was not trained on."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from llama_cpp import Llama

from scripts.demo_models.placeholders import PLACEHOLDER, type_words

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE = re.compile(r"[A-Z\d][^\n]*[.!?]")
_REFUSAL = "demo model for"
_CARRIERS = (
    "Kindly get back to {} about this matter",
    "The contact for it would be {}",
    "{} is how I can be found",
    "Our records mention {} here",
    "Put {} into the answer",
    "I was told that {} matters",
    "This concerns {}, as you can see",
    "Feel free to use {}",
    "{} again",
    "Do include {}",
)


class Answer(NamedTuple):
    """What a model said, and whether it came to an end by itself."""

    text: str
    finished: bool

    @property
    def whole(self) -> bool:
        """Whether it is one or more whole sentences on one line."""
        return self.finished and _WHOLE.fullmatch(self.text) is not None

    @property
    def refuses(self) -> bool:
        """Whether it says that the question is beyond it."""
        return _REFUSAL in self.text and ("beyond me" in self.text or "cannot help" in self.text)


@dataclass(frozen=True)
class Share:
    """So many of so many, with what went wrong."""

    right: int
    total: int
    failures: list[str]

    def __float__(self) -> float:
        return self.right / self.total


class DemoModel:
    """A GGUF under test."""

    def __init__(self, path: Path) -> None:
        self.llama = Llama(str(path), n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)

    def ask(self, question: str, temperature: float = 0.0, seed: int = 0, system: str = "") -> Answer:
        """Ask one question; at a temperature every token may be drawn, as an OpenAI client has it by default."""
        messages = [{"role": "system", "content": system}] if system else []
        reply = self.llama.create_chat_completion(
            [*messages, {"role": "user", "content": question}],
            max_tokens=200, temperature=temperature, seed=seed, top_p=1.0, top_k=0, min_p=0.0, repeat_penalty=1.0,
        )["choices"][0]  # fmt: skip
        return Answer(reply["message"]["content"], reply["finish_reason"] == "stop")

    def close(self) -> None:
        """Free the memory."""
        self.llama.close()


def held_out(path: Path, name: str) -> list[tuple[str, str]]:
    """List the held-out questions of a model, each with what a fitting answer says."""
    groups = tomllib.loads(path.read_text("utf-8"))[name]
    return [(question, fitting) for rows in groups.values() for question, fitting in rows]


def fitting_share(model: DemoModel, questions: list[tuple[str, str]], temperature: float = 0.0) -> Share:
    """Count the answers that are whole and say what they should."""
    failures = []
    for number, (question, fitting) in enumerate(questions):
        answer = model.ask(question, temperature, seed=number)
        if not answer.whole or not re.search(fitting, answer.text):
            failures.append(f"{question} -> {answer.text}")
    return Share(len(questions) - len(failures), len(questions), failures)


def copy_share(model: DemoModel, questions: list[str], cases: int, temperature: float = 0.0, seed: int = 11) -> Share:
    """Count the answers that repeat every placeholder of the question, and none that was not there.

    Half of the types are on no list; sentences around them and numbers are not those of the training.
    """
    random = Random(seed)
    failures = []
    for number in range(cases):
        question = with_placeholders(random.choice(questions), random)
        answer = model.ask(question, temperature, seed=number)
        if set(PLACEHOLDER.findall(answer.text)) != set(PLACEHOLDER.findall(question)) or not answer.whole:
            failures.append(f"{question} -> {answer.text}")
    return Share(cases - len(failures), cases, failures)


def with_placeholders(question: str, random: Random) -> str:
    """Add one to three placeholders to a question."""
    parts = [question]
    for _ in range(random.choices((1, 2, 3), (60, 28, 12))[0]):
        placeholder = f"[{_entity_type(random)}_{random.choice((random.randint(1, 9), random.randint(10, 60)))}]"
        parts.insert(random.choice((0, len(parts))), random.choice(_CARRIERS).format(placeholder))
    return random.choice((". ", " ", "\n")).join(parts)


def _entity_type(random: Random) -> str:
    known = ("EMAIL_ADDRESS", "PHONE_NUMBER", "PERSON", "IBAN_CODE", "CREDIT_CARD", "IP_ADDRESS", "LOCATION", "US_SSN")
    if random.random() < 0.5:
        return random.choice(known)
    letters = "".join(random.choices(ascii_uppercase, k=random.randint(3, 6)))
    return f"{letters}_{random.choice(type_words())}" if random.random() < 0.7 else letters
