"""What a request and an answer say, whichever API they are written in: the middle between each pair of APIs.

A reader of one API makes these, a writer of another takes them apart. What a writer leaves of `settings` is what its API cannot
carry, so nothing gets lost in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal["system", "developer", "user", "assistant"]
Finish = Literal["stop", "sequence", "length", "context", "calls", "filter", "refusal", "pause"]
"""Why an answer ended: of itself, at a sequence that was to stop it, at its own limit or the context's, to have tools called, by
a filter of the provider's, by a refusal of the model's, or to be continued."""


@dataclass(slots=True)
class Block:
    """A part of a turn."""

    place: str = field(default="", kw_only=True)
    """Where in the caller's body it stands: names of the API's own fields and positions, no words of the caller's."""
    cache: dict[str, Any] | None = field(default=None, kw_only=True)
    """Anthropic's mark that what comes before is to be cached."""

    @property
    def noun(self) -> str:
        """What it is, for messages."""
        return type(self).__name__.lower()


@dataclass(slots=True)
class Text(Block):
    """Said, or asked."""

    text: str


@dataclass(slots=True)
class Media(Block):
    """An image, a document or a sound: its data in base64, or where it lies."""

    kind: Literal["image", "document", "audio"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    name: str = ""
    detail: str = ""
    """OpenAI's: how closely an image is to be looked at."""

    @property
    def noun(self) -> str:
        """What it is, for messages."""
        return self.kind


@dataclass(slots=True)
class Call(Block):
    """The model wants a tool called."""

    id: str
    name: str
    arguments: str
    """JSON."""


@dataclass(slots=True)
class Result(Block):
    """What came of it."""

    id: str
    content: list[Block]
    failed: bool = False


@dataclass(slots=True)
class Thought(Block):
    """What the model thought first, as far as it is told, and the provider's seal under it."""

    text: str = ""
    signature: str = ""
    redacted: str = ""
    """Thought that only the provider can read."""
    id: str = ""

    @property
    def sealed(self) -> bool:
        """Whether the model that has thought it may read it again."""
        return bool(self.signature or self.redacted)


@dataclass(slots=True)
class Refusal(Block):
    """The model declines, in its words."""

    text: str


@dataclass(slots=True)
class Turn:
    """One message."""

    role: Role
    blocks: list[Block]
    place: str = ""


@dataclass(slots=True)
class Tool:
    """A function that is offered to the model."""

    name: str
    description: str | None
    parameters: dict[str, Any]
    strict: bool | None = None
    cache: dict[str, Any] | None = None
    place: str = ""


NO_SCHEMA: Final = {"type": "object", "properties": {}}
"""Of a function that takes nothing: Anthropic's API wants one even then."""


@dataclass(slots=True)
class Choice:
    """Whether tools are to be called: as the model likes, not at all, some one, or the one of this name."""

    mode: Literal["auto", "none", "any", "one"]
    name: str = ""


@dataclass(slots=True)
class Form:
    """The answer is to be JSON: of this schema, or of any."""

    schema: dict[str, Any] | None
    name: str = "answer"
    strict: bool | None = None
    description: str | None = None


@dataclass(slots=True)
class Thinking:
    """How much the model is to think: with this effort, for so many tokens, or not at all."""

    effort: str | None = None
    budget: int | None = None
    off: bool = False
    shown: bool | None = None
    """Whether its thought is to be told; None: as the provider likes."""


@dataclass(slots=True)
class Setting:
    """One value, under the name that the caller's API has for it."""

    name: str
    value: Any


@dataclass(slots=True)
class Request:
    """A request to a model."""

    model: str
    turns: list[Turn]
    stream: bool = False
    usage: bool = True
    """A stream is to say at its end what was used."""
    settings: dict[str, Setting] = field(default_factory=dict)
    """Under names of ours: see what reads each API's requests."""

    def set(self, ours: str, name: str, value: Any) -> None:
        """Note a value that the caller gave."""
        if value is not None:
            self.settings[ours] = Setting(name, value)

    def take(self, ours: str) -> Any:
        """A value that can be carried; None: the caller gave none."""
        setting = self.settings.pop(ours, None)
        return setting.value if setting else None

    def put(self, body: dict[str, Any], names: Mapping[str, str]) -> None:
        """Write values that can be carried, each under the name that another API has for it."""
        for ours, name in names.items():
            if (value := self.take(ours)) is not None:
                body[name] = value

    def opening(self) -> tuple[list[Turn], list[Turn]]:
        """The turns of a system or developer that the conversation begins with, and the rest."""
        rest = list(dropwhile(lambda turn: turn.role in ("system", "developer"), self.turns))
        return self.turns[: len(self.turns) - len(rest)], rest


@dataclass(slots=True)
class Usage:
    """Tokens. Those of the input that came from a cache, or went into one, are part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    thought: int = 0


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    id: str
    model: str
    blocks: list[Block]
    finish: Finish
    sequence: str | None = None
    """The one that stopped it."""
    usage: Usage = field(default_factory=Usage)
    created: int = 0


@dataclass(slots=True)
class Failure:
    """An error instead of an answer, or of the rest of one."""

    kind: str
    """Anthropic's word for it."""
    message: str
    code: str | None = None
    param: str | None = None


# A stream


@dataclass(slots=True)
class Began:
    """The answer begins."""

    id: str
    model: str
    usage: Usage
    created: int = 0


@dataclass(slots=True)
class Piece:
    """More of the block of this number; the first piece of a number begins the block."""

    kind: Literal["text", "thought", "refusal", "call", "signature", "redacted"]
    block: int
    text: str = ""
    id: str = ""
    name: str = ""


@dataclass(slots=True)
class Ended:
    """All blocks are whole."""

    finish: Finish
    sequence: str | None = None


@dataclass(slots=True)
class Counted:
    """What has been used."""

    usage: Usage


@dataclass(slots=True)
class Over:
    """The stream says that it is at its end."""


Event = Began | Piece | Ended | Counted | Failure | Over
