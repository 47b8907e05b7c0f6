"""What requests and answers must not try, say or hold, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.fields import MeshPath
from extproc.config.models import ZONES
from extproc.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Place = Literal["user", "system", "assistant", "tool", "document", "answer"]
"""Where a text stands. user: what the caller writes, and every text of a body without roles; system: instructions, and what
tools are described as; assistant: earlier answers and calls of tools; tool: results of tools; document: files and sources;
answer: what the model says now."""
IN_REQUESTS: Final[tuple[Place, ...]] = ("user", "system", "assistant", "tool", "document")
GuardName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
GuardAction = Literal["flag", "block", "confine", "reroute", "redact", "ask"]


class Guard(Section):
    """What all guardrails have in common."""

    action: GuardAction = "flag"
    """`flag`: told and counted; `block`: the request is refused; `confine`: it travels no farther than the zone `to`;
    `reroute`: the model `to` gets it; `redact`: personal data of the model's own is masked in the answer; `ask`: the guardrail
    `ask` decides."""
    to: str | None = None
    """Of `confine` the zone, of `reroute` the model."""
    ask: str | None = None
    """Of `ask`: the guardrail that is asked when this one has something to say. It is asked then only."""
    mode: Literal["enforce", "monitor"] = "enforce"
    """`monitor`: told and counted, nothing is done about it."""
    on_error: Literal["closed", "open"] = "closed"
    """When it fails, or is late: `closed` refuses the request with 503, `open` lets it pass; both are told."""
    status: Literal[400, 403] = 403
    """Of the answer to a request that is blocked."""
    deadline_ms: int = Field(default=250, ge=1, le=60_000)
    """Time for one request."""

    @model_validator(mode="after")
    def _action_is_whole(self) -> Self:
        if (self.to is not None) != (self.action in ("confine", "reroute")):
            raise ValueError(
                f"`to` belongs to `confine` and `reroute`, and they need it; the action is `{self.action}`"
            )
        if (self.ask is not None) != (self.action == "ask"):
            raise ValueError(f"`ask` belongs to the action `ask`, which needs it; the action is `{self.action}`")
        if self.action == "confine" and self.to not in ZONES:
            raise ValueError(f"`to` must be a zone: {', '.join(ZONES)}; not `{self.to}`")
        return self


class InjectionGuard(Guard):
    """Prompt injections and jailbreaks, by the model that is shipped."""

    kind: Literal["injection"]
    look_at: tuple[Place, ...] = Field(default=("user", "tool", "document"), min_length=1)
    """In tool results and documents, an instruction to the assistant counts as an attack, whatever it asks for."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """The score, a probability, from which on it has something to say."""
    false_alarms: float | None = Field(default=None, gt=0, le=0.5)
    """Instead of a threshold: of harmless texts, this share may be taken for an attack. Default: 0.01."""

    @field_validator("look_at")
    @classmethod
    def _requests_only(cls, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return _no_answer(places)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.threshold is not None and self.false_alarms is not None:
            raise ValueError("give `threshold` or `false_alarms`, not both: the one follows from the other")
        return self


class ModerationGuard(Guard):
    """A classifier elsewhere, asked over HTTP in the shape of OpenAI's moderation API. It gets the texts masked."""

    kind: Literal["moderation"]
    look_at: tuple[Place, ...] = Field(default=("user",), min_length=1)
    url: str = Field(pattern=r"^https?://[^/\s]+")
    """As `https://api.openai.com/v1/moderations`."""
    model: str | None = None
    """Sent along, where the endpoint knows several."""
    key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Environment variable with the key, sent as `authorization: Bearer`."""
    categories: tuple[str, ...] = ()
    """Those that count; none: whatever the endpoint flags."""
    threshold: float | None = Field(default=None, gt=0, le=1)
    """Of `category_scores`; without one, the endpoint's own `categories` decide."""

    @field_validator("look_at")
    @classmethod
    def _requests_only(cls, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return _no_answer(places)


Examples = Annotated[tuple[str, ...], Field(min_length=3)]
"""Three or more: ten are good."""


class TopicsGuard(Guard):
    """What requests may be about, by a handful of examples for each topic."""

    kind: Literal["topics"]
    look_at: tuple[Place, ...] = Field(default=("user",), min_length=1)
    denied: dict[GuardName, Examples] = Field(default_factory=dict)
    """Topic -> what people write about it. It fires on any of these."""
    allowed: dict[GuardName, Examples] = Field(default_factory=dict)
    """With any, it fires on everything else too, as `other`. Beside denied topics they also say what is none of them."""
    precision: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Of the texts that are given a topic, this share is to be right."""

    @field_validator("look_at")
    @classmethod
    def _requests_only(cls, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return _no_answer(places)

    @model_validator(mode="after")
    def _has_topics(self) -> Self:
        if not self.denied and not self.allowed:
            raise ValueError("give `denied` or `allowed` topics, each with three or more examples")
        return self


class OnnxGuard(Guard):
    """A sequence classifier of your own, in a folder with `model.onnx`, `tokenizer.json` and `config.json`."""

    kind: Literal["onnx"]
    look_at: tuple[Place, ...] = Field(default=("user",), min_length=1)
    folder: MeshPath
    """Relative to `mesh.yaml`."""
    labels: tuple[str, ...] = Field(min_length=1)
    """Those of `id2label` in `config.json` that it fires on; without `id2label`, their numbers."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Of the probability of one of these labels."""
    max_tokens: int = Field(default=512, ge=16, le=8192)
    """That the model reads of a text; a longer one is read in as many windows."""
    most_windows: int = Field(default=8, ge=1, le=256)
    """Of one request; what is left out is told in the ledger."""

    @field_validator("look_at")
    @classmethod
    def _requests_only(cls, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return _no_answer(places)

    @field_validator("folder")
    @classmethod
    def _is_whole(cls, path: Path) -> Path:
        if missing := [name for name in ("model.onnx", "tokenizer.json", "config.json") if not (path / name).is_file()]:
            raise ValueError(f"`{path}` has no {', '.join(missing)}")
        return path


class CallerTools(Section):
    """Tools of some callers; these lists stand for them in the place of those for all."""

    caller: tuple[str, ...] = Field(min_length=1)
    """Ids, projects or teams, as `research` or `spiffe://cluster.local/ns/research/*`."""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class ToolsGuard(Guard):
    """Which tools a model may call, and with what: those that a request offers, calls and results of earlier turns, and what an
    answer calls, before the client runs it.
    """

    kind: Literal["tools"]
    action: Literal["flag", "block"] = "flag"
    """`block`: the request is refused; an answer that calls such a tool says so instead of calling any."""
    allow: tuple[str, ...] = ()
    """Names, as `search_*`; none: all."""
    deny: tuple[str, ...] = ()
    """Names that are denied, whatever `allow` says."""
    callers: tuple[CallerTools, ...] = ()
    """The first that means the caller counts."""
    schemas: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Name of a tool -> JSON schema of its arguments, which every call has to keep to."""


class AnswerGuard(Section):
    """What guardrails on answers have in common. They judge sentence by sentence; what has left cannot be called back."""

    action: Literal["flag", "block", "redact"] = "flag"
    """`flag`: told and counted; `block`: the answer's text ends before the sentence that is at fault; `redact`: what was found
    is taken out of it."""
    mode: Literal["enforce", "monitor"] = "enforce"
    """`monitor`: told and counted, nothing is done about it."""
    on_error: Literal["closed", "open"] = "closed"
    """When it fails: `closed` takes the sentence for one at fault, `open` lets it pass."""
    hold: Literal["sentence", "all"] = "sentence"
    """What a streamed answer is held back by: the sentence that is being written, or `all` of each text, so that nothing of one
    at fault leaves."""

    @property
    def ask(self) -> None:
        """None of them asks another."""
        return


class LinksGuard(AnswerGuard):
    """Links and images in answers to hosts that are not listed."""

    kind: Literal["links"]
    hosts: tuple[str, ...] = ()
    """Those that may stand in an answer, as `docs.example.org` or `*.example.org`. Links without a host may always."""
    images_only: bool = False
    """Look at images alone: they are fetched without a click, with whatever their address says."""


class EchoGuard(AnswerGuard):
    """Instructions of the request said again in the answer."""

    kind: Literal["echo"]
    words: int = Field(default=12, ge=6, le=200)
    """In a row, that instructions and answer have in common and the user has not said."""


class CodeGuard(AnswerGuard):
    """Code in answers, where none is wanted."""

    kind: Literal["code"]


class AnswerTopicsGuard(AnswerGuard):
    """Topics that answers must not be about, by a handful of examples for each; judged sentence by sentence."""

    kind: Literal["answer_topics"]
    denied: dict[GuardName, Examples] = Field(min_length=1)
    precision: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Of the sentences that are given a topic, this share is to be right."""


KINDS: Final[dict[str, type[Section]]] = {
    "injection": InjectionGuard,
    "moderation": ModerationGuard,
    "topics": TopicsGuard,
    "tools": ToolsGuard,
    "onnx": OnnxGuard,
    "links": LinksGuard,
    "echo": EchoGuard,
    "code": CodeGuard,
    "answer_topics": AnswerTopicsGuard,
}
AnyGuard = Annotated[
    InjectionGuard
    | ModerationGuard
    | TopicsGuard
    | ToolsGuard
    | OnnxGuard
    | LinksGuard
    | EchoGuard
    | CodeGuard
    | AnswerTopicsGuard,
    Field(discriminator="kind"),
]


def _no_answer(places: tuple[Place, ...]) -> tuple[Place, ...]:
    if "answer" in places:
        raise ValueError(f"this kind looks at requests: `look_at` may be {', '.join(IN_REQUESTS)}")
    return places


def names_used(guards: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str, Any]]:
    """Where guardrails name a model or one another: the key's path, what it names, and the name. Of the raw section."""
    references: list[tuple[tuple[str | int, ...], str, Any]] = []
    for name, guard in guards.items():
        if isinstance(guard, dict):
            at = ("guardrails", str(name))
            references.append(((*at, "ask"), "guardrail", guard.get("ask")))
            if guard.get("action") == "reroute":
                references.append(((*at, "to"), "model", guard.get("to")))
    return references


def circle_in(guards: Mapping[str, AnyGuard]) -> str | None:
    """A guardrail that, by way of those that it asks, asks itself; None: there is none."""
    for name in guards:
        seen: set[str] = set()
        at: str | None = name
        while at is not None and at not in seen and at in guards:
            seen.add(at)
            at = guards[at].ask
        if at == name:
            return name
    return None
