"""Who provides a model, in the words of the GenAI conventions, and where it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extproc.config import Mesh

PROVIDERS = {"openai": "openai", "openai-responses": "openai", "anthropic": "anthropic", "gemini": "gcp.gemini"}
"""`api` of a model -> `gen_ai.provider.name`."""
LLAMA = "llama.cpp"


class Providers:
    """Of the models of one mesh."""

    def __init__(self, mesh: Mesh | None = None) -> None:
        models = mesh.models if mesh else {}
        self._names = {name: PROVIDERS.get(model.api or "", LLAMA) for name, model in models.items()}
        hosts = {name: {endpoint.hostname for endpoint in model.every_endpoint()} for name, model in models.items()}
        self._addresses = {name: next(iter(addresses)) for name, addresses in hosts.items() if len(addresses) == 1}

    def of(self, model: str | None) -> str:
        """`gen_ai.provider.name`."""
        return self._names.get(model or "", LLAMA)

    def address(self, model: str | None) -> str | None:
        """`server.address`, where all endpoints of the model have one."""
        return self._addresses.get(model or "")
