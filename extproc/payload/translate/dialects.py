"""Which API a path is of, among those between which we translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from extproc.config.api import USUAL_PATHS, api_at, vendor_of
from extproc.config.paths import readings

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept
    from extproc.config.models import ModelApi

Dialect = Literal["openai", "openai-responses", "anthropic", "gemini"]


class Spoken(NamedTuple):
    """What a caller speaks."""

    dialect: Dialect
    counts: bool = False
    """It asks only how many tokens a request has."""


_ENDINGS: Final[tuple[tuple[str, Spoken], ...]] = (
    ("/chat/completions", Spoken("openai")),
    ("/v1/responses", Spoken("openai-responses")),
    ("/v1/responses/input_tokens", Spoken("openai-responses", counts=True)),
    ("/v1/messages", Spoken("anthropic")),
    ("/v1/messages/count_tokens", Spoken("anthropic", counts=True)),
)
CALLER_DIALECTS: Final[tuple[ModelApi, ...]] = ("openai", "openai-responses", "anthropic")


def spoken(rule: Intercept, path: str) -> Spoken | None:
    """What a request to this path under this rule speaks; None: nothing that is translated."""
    if rule.payload == "auto" and path in _USUAL:
        return _USUAL[path]
    return _spoken(path) if vendor_of(rule, path) in ("openai", "anthropic") else None


def _spoken(path: str) -> Spoken | None:
    for reading in readings(path):
        plain = reading.rstrip("/")
        for ending, api in _ENDINGS:
            if plain.endswith(ending):
                return api
    return None


_USUAL: Final = {
    path: _spoken(path) if api.vendor in ("openai", "anthropic") else None for path, api in USUAL_PATHS.items()
}


def only_openai(rule: Intercept, path: str, api: ModelApi) -> tuple[str, str] | None:
    """What a path is for that only OpenAI's API has, and the name of the other that a model speaks instead."""
    if api not in ("anthropic", "gemini") or vendor_of(rule, path) != "openai" or (known_api := api_at(path)) is None:
        return None
    what = {"text_completion": "completions", "embeddings": "embeddings"}.get(known_api.operation, "such path")
    return what, {"anthropic": "Anthropic's messages", "gemini": "Gemini's API"}[api]
