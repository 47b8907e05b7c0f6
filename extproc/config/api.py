"""Which API a request speaks: by its rule, else by its path. One answer for who reads it, who refuses it and who counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from extproc.config.paths import readings

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept

Vendor = Literal["openai", "anthropic", "llama.cpp", "ollama"]
OTHER_OPERATION: Final = "generate_content"
"""`gen_ai.operation.name` of what has no name of its own in the convention."""


class Api(NamedTuple):
    """One of the well-known APIs."""

    vendor: Vendor
    """Whose: also the shape that errors have in it."""
    operation: str
    """`gen_ai.operation.name`."""


_CHAT, _COMPLETION, _EMBEDDINGS = "chat", "text_completion", "embeddings"
_ENDINGS: Final = {
    "/chat/completions": Api("openai", _CHAT),
    "/completions": Api("openai", _COMPLETION),
    "/responses": Api("openai", _CHAT),
    "/responses/input_tokens": Api("openai", OTHER_OPERATION),
    "/responses/compact": Api("openai", OTHER_OPERATION),
    "/embeddings": Api("openai", _EMBEDDINGS),
    "/moderations": Api("openai", OTHER_OPERATION),
    "/images/generations": Api("openai", OTHER_OPERATION),
    "/audio/speech": Api("openai", OTHER_OPERATION),
    "/rerank": Api("openai", OTHER_OPERATION),
    "/messages": Api("anthropic", _CHAT),
    "/count_tokens": Api("anthropic", OTHER_OPERATION),
    "/complete": Api("anthropic", _COMPLETION),
    "/completion": Api("llama.cpp", _COMPLETION),
    "/infill": Api("llama.cpp", _COMPLETION),
    "/api/chat": Api("ollama", _CHAT),
    "/api/generate": Api("ollama", _COMPLETION),
    "/api/embed": Api("ollama", _EMBEDDINGS),
}
"""How a path ends -> the API; what ends in another ending stands before it."""
_ANY: Final = tuple(_ENDINGS)
USUAL_PATHS: Final = {base + ending: api for base in ("", "/v1") for ending, api in _ENDINGS.items()}
"""Paths as most clients spell them."""
_NAMED: Final[dict[str, Vendor]] = {"openai": "openai", "anthropic": "anthropic"}


def api_at(path: str) -> Api | None:
    """The API that a path is one of, however the path is written; None: none that is known. With or without a query."""
    if (usual := USUAL_PATHS.get(path)) is not None:
        return usual
    for reading in readings(path.partition("?")[0]):
        plain = reading.rstrip("/")
        if plain.endswith(_ANY):
            return next(api for ending, api in _ENDINGS.items() if plain.endswith(ending))
    return None


def endings_of(vendor: Vendor) -> tuple[str, ...]:
    """How the paths of a vendor's API end."""
    return tuple(ending for ending, api in _ENDINGS.items() if api.vendor == vendor)


def vendor_of(rule: Intercept, path: str) -> Vendor | None:
    """Whose API a request speaks under this rule; None: nobody's that is known."""
    if rule.payload != "auto":
        return _NAMED.get(rule.payload)
    api = api_at(path)
    return api.vendor if api is not None else None
