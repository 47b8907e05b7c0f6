"""What is known about a request when something is decided: the one account of it that every step adds to."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from extproc.identity import ANONYMOUS, Caller

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from extproc.config.models import Capability
    from extproc.decision.verdict import Duty, Unenforced, Verdict

_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
_NONE: Final[Mapping[str, int]] = MappingProxyType({})
_ALL: Final[Mapping[str, float]] = MappingProxyType({})


class Learned(TypedDict, total=False):
    """What a step may add."""

    model: str
    streamed: bool
    tools: tuple[str, ...]
    uses: frozenset[Capability]
    tokens: int
    output_limit: int | None
    answers: int
    entities: Mapping[str, int]
    language: str
    turns: int
    images: bool
    audio: bool
    unsearched: int
    code: float
    difficulty: float
    intent: str | None
    intents: tuple[str, ...]
    score: float
    destination: str
    fallback: tuple[str, ...]
    budget_left: Mapping[str, float]


AT_THE_HEADERS: Final = frozenset({"caller", "method", "path", "headers"})
"""Known of every request, before its body."""


class Facts(NamedTuple):
    """Total: what is not known yet has the value that says the least, and `knows` tells the two apart."""

    caller: Caller = ANONYMOUS
    method: str = ""
    path: str = ""
    """Without the query."""
    headers: Mapping[str, str] = _EMPTY
    """Names in lower case."""
    model: str = ""
    """The one that the body asks for."""
    streamed: bool = False
    """The caller asked for a streamed answer."""
    tools: tuple[str, ...] = ()
    """Names of the tools that it offers to the model."""
    uses: frozenset[Capability] = frozenset()
    """What it asks of a model beyond answering text with text; known where a route asks for it."""
    tokens: int = 0
    """Of the body, by its size."""
    language: str = ""
    """Of what is asked, by its code in ISO 639: `de`; empty where it is not likely to be any."""
    turns: int = 0
    """Of people, in the conversation that the body holds."""
    images: bool = False
    """The body brings an image, or names one."""
    audio: bool = False
    """Likewise, sound."""
    unsearched: int = 0
    """Bytes of the body in which nobody looked: pictures, sound, films, documents, archives, what a rule did not select."""
    code: float = 0.0
    """Share of what is asked that looks like code or a log."""
    difficulty: float = 0.0
    """How hard what is asked is likely to be for a small model, from 0 to 1; known where a rule asks for it."""
    output_limit: int | None = None
    """Tokens that each answer may have, as the body says; None: it does not."""
    answers: int = 1
    """That the body asks for."""
    entities: Mapping[str, int] = _NONE
    """Type of personal data -> how many were found, whatever is done with them."""
    intent: str | None = None
    """None: no intent is likely enough, or none is known yet."""
    intents: tuple[str, ...] = ()
    """All that are likely enough, `intent` first: a text may ask for several things."""
    score: float = 0.0
    """How likely the intent is."""
    destination: str = ""
    """The model that it is to go to, a name in the registry."""
    fallback: tuple[str, ...] = ()
    """The models that may stand in for it, in this order; known where it has some."""
    budget_left: Mapping[str, float] = _ALL
    """Name of a budget -> what is left of it."""
    verdicts: tuple[Verdict, ...] = ()
    """Of all steps so far."""
    duties: tuple[Duty, ...] = ()
    """That earlier steps have laid on later ones."""
    unenforced: tuple[Unenforced, ...] = ()
    """What gates and judges would have said and could not."""
    known: frozenset[str] = AT_THE_HEADERS
    """Names of the facts that are known; verdicts and duties always are, as far as they go."""

    def with_(self, **facts: Unpack[Learned]) -> Facts:
        """These facts, and more."""
        # what `_replace` does takes four times as long, and every request pays for it at each step
        values: list[Any] = list(self)
        for name, value in facts.items():
            values[_AT[name]] = value
        values[_KNOWN] = self.known.union(facts)
        return tuple.__new__(Facts, values)

    def knows(self, *names: str) -> bool:
        """Whether all of these facts are known: a rule is asked as soon as those are that it names."""
        return self.known.issuperset(names)

    def enforced(self) -> tuple[Verdict, ...]:
        """The verdicts that count."""
        return tuple(verdict for verdict in self.verdicts if verdict.enforced)


_AT: Final = {name: at for at, name in enumerate(Facts._fields)}
_KNOWN: Final = _AT["known"]
