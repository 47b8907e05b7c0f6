"""Which requests are read at all, and where in their bodies the texts are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.jsonpath import parse_jsonpath
from extproc.config.paths import readings
from extproc.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

PayloadKind = Literal["auto", "openai", "anthropic", "json", "ndjson", "form", "text"]


class Intercept(Section):
    """One rule of `intercept`. The first rule that matches a request decides; a request that none matches is not read."""

    path_prefix: str | None = None
    """Matches every path that starts with this, without the query string; case and encodings make no difference."""
    path: str | None = None
    """Matches exactly this path, without the query string."""
    methods: tuple[str, ...] = ("POST", "PUT", "PATCH")
    """HTTP methods, in capitals."""
    payload: PayloadKind = "auto"
    """How the body is laid out; `auto` goes by path and content type."""
    texts: tuple[str, ...] = ()
    """JSONPaths of the texts in a `json` or `ndjson` body, or field names of a `form`. Empty: every string value."""
    intent_from: str | None = None
    """JSONPath (or `form` field) of the text that decides the intent. Default: the last user message, else the first text."""
    query: bool = False
    """Mask personal data in the values of the URL's query too."""
    restore: bool | None = None
    """Put masked values back into the answer. Default: `pii.restore`."""
    stateful: bool | None = None
    """The upstream remembers what it is told: a value has the same placeholder in every request of a caller's, with letters
    of a keyed hash in the place of a number. Default: for responses, conversations and threads, and for what is stored."""
    redact_output: bool = False
    """Mask personal data that the model utters and the request did not hold."""
    keep_masked: tuple[str, ...] = ()
    """JSONPaths of fields where placeholders stay, in the answer (`$.choices[*].message.reasoning_content`) and in the events
    of a streamed one (`$.choices[*].delta.reasoning_content`)."""
    on_unreadable: Literal["auto", "pass", "reject"] = "auto"
    """A body that cannot be read: `pass` it untouched, `reject` it with 400, or `auto`: reject where anything is masked."""

    def holds_for(self, path: str) -> bool:
        """Whether this is a path of the rule. It is one of `paths.readings`; a `/` at its end makes no difference."""
        if self.path_prefix is not None:
            return path.startswith(self.path_prefix.lower())
        return path.rstrip("/") == (self.path or "").lower().rstrip("/")

    @field_validator("keep_masked")
    @classmethod
    def _are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            parse_jsonpath(path)
        return paths

    @model_validator(mode="after")
    def _texts_fit_payload(self) -> Self:
        named = [*self.texts, *([self.intent_from] if self.intent_from else [])]
        if self.texts and self.payload not in ("json", "ndjson", "form"):
            raise ValueError(
                f"`texts` belongs to the payloads json, ndjson and form; the payload here is `{self.payload}`"
            )
        if self.payload == "text" and self.intent_from:
            raise ValueError("a `text` payload is one text: `intent_from` has nothing to choose from")
        for path in named if self.payload != "form" else ():
            parse_jsonpath(path)
        return self

    @model_validator(mode="after")
    def _one_path(self) -> Self:
        if (self.path is None) == (self.path_prefix is None):
            raise ValueError("give exactly one of `path_prefix` and `path`")
        for value in (self.path, self.path_prefix):
            if value is not None and not value.startswith("/"):
                raise ValueError(f"`{value}` must start with `/`")
        return self


def rule_for(rules: Sequence[Intercept], method: str | None, path: str) -> Intercept | None:
    """The first rule that matches, whatever the method where that is None. `path` is without the query.

    It is compared as an upstream may understand it: `/%761/chat`, `//v1/./chat` and `/V1;x=1/chat` are `/v1/chat`.
    """
    paths = readings(path)
    for rule in rules:
        if (method is None or method.upper() in rule.methods) and any(map(rule.holds_for, paths)):
            return rule
    return None


DEFAULT_INTERCEPT = (Intercept(path_prefix="/v1/", payload="auto"),)


class Limits(Section):
    """How much one request may ask of the processor."""

    max_body_bytes: int = Field(default=8 * 2**20, gt=0)
    """Largest request body on an intercepted path, before and after decompression. Envoy's buffer limit follows it."""
    deadline_ms: int = Field(default=1000, gt=0)
    """Time for one request body, from its arrival to our reply. Envoy's `message_timeout` is this plus a margin."""
