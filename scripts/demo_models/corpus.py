"""Conversations of a demo model: questions of its domain, questions beyond it, and everything that surrounds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.demo_models.noise import blur
from scripts.demo_models.patterns import Exchange, choose, draw, exchange, fill, mark, read_topics, unkeep, unmark
from scripts.demo_models.placeholders import introduction, make_placeholder, mention, repeat
from scripts.demo_models.readings import label, made_up_word, reading_exchange
from scripts.demo_models.rephrasing import rephrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_HERE = Path(__file__).parent
_GENERATED = {
    "label": lambda random: mark(label(random)),
    "order": lambda random: mark(_order_number(random)),
    "code": lambda random: mark(_fault_code(random)),
    "stranger": lambda random: mark(made_up_word(random).capitalize()),
    "person": lambda random: mark(make_placeholder(random, "PERSON")),
}
_GREETING = "(hi|hello|hey|good morning|good evening|dear team|hi there|hello there)(,|.|!|,|)"
_EVERYWHERE = {
    "greeting", "thanks", "goodbye", "identity", "capability", "morning", "evening", "how_are_you", "good_night", "agreement",
    "user_well", "compliment", "insult", "mesh", "repeat_me", "praise", "complaint",
}  # fmt: skip
"""Topics that every model has in its own words, or that are no reason to send a user away."""


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


class Conversation(NamedTuple):
    """Messages that alternate after an optional system prompt; `templated` is false for a bare completion."""

    messages: list[Message]
    templated: bool = True


@dataclass(frozen=True, slots=True)
class Domain:
    """What one model is for."""

    name: str
    subject: str
    """What it says it is for."""
    invitation: str
    """What it asks for when a question is beyond it."""
    details: str
    """What it answers to a message that holds nothing but personal data."""
    special: Callable[[Random], Exchange] | None = None
    """Makes questions that no list of topics could hold."""
    special_share: float = 0.0


DOMAINS = {
    "telemetry": Domain(
        "telemetry",
        "hardware telemetry",
        "Ask me about a machine, a sensor or a reading.",
        "Thank you for the details. Which machine is it about, and what does its reading do?",
        special=reading_exchange,
        special_share=0.55,
    ),
    "support": Domain(
        "support",
        "customer support",
        "Ask me about an order, a delivery, a payment or an account.",
        "Thank you for the details. Is it about an order, a payment or your account?",
    ),
    "general": Domain(
        "general",
        "everyday small talk",
        "Put a larger model in my place, or ask me something simpler.",
        "Thank you for telling me. What would you like to talk about?",
    ),
}


class Corpus:
    """An endless supply of conversations for one model."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._topics, slots = read_topics(_HERE / f"{domain.name}.txt")
        beyond, beyond_slots = read_topics(_HERE / "elsewhere.txt")
        self._beyond = beyond[0]
        setting, _ = read_topics(_HERE / "setting.txt")
        self._setting = {topic.name: topic.asks for topic in setting}
        self._foreign = [_foreign_exchange(name) for name in DOMAINS if name != domain.name]
        self._fillings = _GENERATED | beyond_slots | slots
        self._refusal = f"I am a small demo model for {domain.subject}, so I cannot help with that. {domain.invitation}"

    def conversation(self, random: Random) -> Conversation:
        """Make one conversation, of one exchange or of several."""
        if random.random() < 0.03:
            ask, answer = self._turn(random)
            return Conversation([Message("user", ask), Message("assistant", answer)], templated=False)
        messages = []
        if random.random() < 0.2:
            role = "developer" if random.random() < 0.1 else "system"
            messages.append(Message(role, self._say("system", random).replace("\\n", "\n")))
        for _ in range(random.choices((1, 2, 3), (92, 6, 2))[0]):
            ask, answer = self._turn(random)
            messages += [Message("user", ask), Message("assistant", answer)]
        return Conversation(messages)

    def _turn(self, random: Random) -> tuple[str, str]:
        ask, answer = self._exchange(random)
        ask = unkeep(rephrase(ask, random))
        parts = [ask] if ask else []
        greeting = ""
        if not ask or random.random() < 0.35:
            count = random.choices((1, 2, 3, 4, 5, 6), (62, 22, 10, 4, 1, 1))[0]
            for _ in range(count):
                parts.insert(random.choice((0, len(parts), len(parts))), mention(random))
        if random.random() < 0.06:
            sentence, name = introduction(random)
            parts.insert(0 if random.random() < 0.8 else len(parts), sentence)
            greeting = f"Hello {unmark(name)}. "
        if ask and random.random() < 0.05:
            parts = [
                _insert(part, make_placeholder(random, "PERSON"), random) if part is ask else part for part in parts
            ]
        for place in (0, len(parts)):
            if random.random() < (0.03 if not ask else 0.06):
                parts.insert(place, self._say("filler", random))
        if random.random() < 0.1:
            parts[0] = f"{choose(_GREETING, random)} {parts[0]}"
        if random.random() < 0.005:
            parts = self._bury(parts, random)
        text = _join(parts, random)
        return unmark(text), greeting + answer + repeat(unmark(text), greeting + answer)

    def _exchange(self, random: Random) -> Exchange:
        """Choose what the turn is about."""
        chance = random.random()
        if chance < 0.03:
            return Exchange("", self.domain.details)
        if chance < 0.22:
            return Exchange(fill(random.choice(self._beyond.asks), random, self._fillings, {}), self._refusal)
        if chance < 0.32:
            return Exchange(random.choice(self._foreign)(random), self._refusal)
        if self.domain.special and random.random() < self.domain.special_share:
            return self.domain.special(random)
        return exchange(draw(self._topics, random), random, self._fillings)

    def _say(self, kind: str, random: Random) -> str:
        return fill(random.choice(self._setting[kind][:-1]), random, {}, {})

    def _bury(self, parts: list[str], random: Random) -> list[str]:
        """Put a question at the start or the end of a long text."""
        text = [self._say("filler", random) for _ in range(random.randint(5, 40))]
        return parts + text if random.random() < 0.4 else text + parts


def _foreign_exchange(name: str) -> Callable[[Random], str]:
    """Make a function that asks what another model would answer."""
    topics, slots = read_topics(_HERE / f"{name}.txt")
    foreign = [topic for topic in topics if topic.name not in _EVERYWHERE]
    special = DOMAINS[name].special

    def ask(random: Random) -> str:
        if special and random.random() < DOMAINS[name].special_share:
            return special(random).ask
        return exchange(draw(foreign, random), random, _GENERATED | slots).ask

    return ask


def _join(parts: list[str], random: Random) -> str:
    """Join the parts of a message, each written in its own carelessness."""
    joint = random.choices((" ", ". ", ", ", "\n", " - "), (60, 14, 14, 10, 2))[0]
    return joint.join(blur(part, random) for part in parts)


def _insert(text: str, placeholder: str, random: Random) -> str:
    words = text.split(" ")
    words.insert(random.randint(0, len(words)), mark(placeholder))
    return " ".join(words)


def _order_number(random: Random) -> str:
    digits = "".join(random.choices("0123456789", k=random.choices((3, 4, 5, 6, 7, 8), (10, 20, 30, 20, 10, 10))[0]))
    return random.choices((digits, f"#{digits}", f"A-{digits}", f"ORD-{digits}", f"R{digits}"), (60, 20, 8, 6, 6))[0]


def _fault_code(random: Random) -> str:
    return random.choice("EFAPX") + random.choice(("", "-", "")) + str(random.randint(1, 999))
