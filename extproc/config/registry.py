"""What contradicts itself in the registry and the routes to it, though each section by itself is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.models import AUTO, INTENT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.mesh import Mesh

_Where = tuple[str | int, ...]


def registry_mistakes(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    """Names that mean two models, and models that are sent what they cannot do."""
    yield from _ambiguous_names(mesh)
    yield from _prompt_mistakes(mesh)
    yield from _fallback_mistakes(mesh)
    for i, route in enumerate(mesh.routes):
        capabilities = mesh.models[route.model].capabilities
        if capabilities is None:
            continue
        lacking = [name for name in route.uses if name not in capabilities]
        if lacking:
            has = ", ".join(capabilities) or "none"
            message = f"the route is for requests that use {', '.join(lacking)}; the capabilities of `{route.model}` are: {has}"
            yield ("routes", i, "uses"), message
        elif capabilities == ("embeddings",) and "embeddings" not in route.uses:
            message = f"`{route.model}` makes embeddings and nothing else: say `uses: [embeddings]`, or send the route elsewhere"
            yield ("routes", i, "model"), message
    if mesh.models[mesh.default_model].capabilities == ("embeddings",):
        yield (
            ("default_model",),
            f"`{mesh.default_model}` makes embeddings and nothing else: it cannot answer what no route matches",
        )


def _ambiguous_names(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    of: dict[str, str] = {}
    for name, model in mesh.models.items():
        for i, alias in enumerate(model.aliases):
            where = ("models", name, "aliases", i)
            if alias in mesh.models:
                yield where, f"`{alias}` is the name of a model: an alias cannot take it over"
            elif (other := of.setdefault(alias, name)) != name:
                yield where, f"`{alias}` is an alias of `{other}` too: a request that asks for it would mean two models"


def _prompt_mistakes(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    known = {AUTO, *mesh.models, *(alias for model in mesh.models.values() for alias in model.aliases)}
    known |= {f"{INTENT_PREFIX}{intent}" for intent in mesh.intents}
    for name, versions in mesh.prompts.named.items():
        for number, version in versions.items():
            if version.model is not None and version.model not in known:
                where = ("prompts", "named", name, number, "model")
                yield (
                    where,
                    f"`{version.model}` is nothing that a request may name: `{AUTO}`, a model, an alias, an intent",
                )
    for i, route in enumerate(mesh.routes):
        if route.prompt is None:
            continue
        name, _, wanted = route.prompt.partition("@")
        versions = mesh.prompts.named.get(name, {})
        if not versions:
            yield (
                ("routes", i, "prompt"),
                f"there is no prompt `{name}`; there are: {', '.join(mesh.prompts.named) or 'none'}",
            )
            continue
        meant = {number: v for number, v in versions.items() if not wanted or wanted == number or wanted in v.labels}
        if not meant:
            yield ("routes", i, "prompt"), f"the prompt `{name}` has no version or label `{wanted}`"
        for number, version in meant.items():
            needed = [key for key, variable in version.variables.items() if variable.default is None]
            if needed:
                message = f"a route gives no variables, and `{name}@{number}` needs: {', '.join(needed)}"
                yield ("routes", i, "prompt"), message


def _fallback_mistakes(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    for name, model in mesh.models.items():
        for i, other in enumerate(model.fallback):
            where = ("models", name, "fallback", i)
            if other not in mesh.models:
                yield where, f"there is no model `{other}`; there are: {', '.join(mesh.models)}"
            elif other == name or other in model.fallback[:i]:
                yield where, f"`{other}` stands here twice: each model is tried once"
            elif (own := mesh.models[other].capabilities) is not None and model.capabilities is not None:
                lacking = [capability for capability in model.capabilities if capability not in own]
                if lacking:
                    yield where, f"`{other}` cannot stand in for `{name}`: it lacks {', '.join(lacking)}"
