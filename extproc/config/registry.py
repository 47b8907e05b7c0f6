"""What contradicts itself in the registry and the routes to it, though each section by itself is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.models import AUTO, INTENT_PREFIX
from extproc.config.when import compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.mesh import Mesh

_Where = tuple[str | int, ...]


def registry_mistakes(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    """Names that mean two models, and models that are sent what they cannot do."""
    yield from _ambiguous_names(mesh)
    yield from _prompt_mistakes(mesh)
    yield from _fallback_mistakes(mesh)
    yield from _route_mistakes(mesh)
    if mesh.models[mesh.default_model].capabilities == ("embeddings",):
        yield (
            ("default_model",),
            f"`{mesh.default_model}` makes embeddings and nothing else: it cannot answer what no route matches",
        )


def _route_mistakes(mesh: Mesh) -> Iterator[tuple[_Where, str]]:
    """Routes to models that say of themselves that they cannot take what is sent there."""
    for i, route in enumerate(mesh.routes):
        if not route.model:
            yield (
                ("routes", i, "choose"),
                f"no model is all of that within `residency: {route.residency}`; {_declared(mesh)}",
            )
            continue
        model, when = mesh.models[route.model], route.when
        if when is not None and when.tokens is not None and "context_tokens" in model.model_fields_set:
            comparison, most = compared(when.tokens), model.context_tokens
            if not any(comparison.of(tokens) for tokens in (1, min(comparison.bound, most), most)):
                message = f"the route is for requests of `{when.tokens}` tokens; `{route.model}` takes {most}"
                yield ("routes", i, "when", "tokens"), message
        if model.capabilities is None:
            continue
        of_when = [
            name for name, key in (("tools", "tools"), ("vision", "images")) if when is not None and getattr(when, key)
        ]
        has = ", ".join(model.capabilities) or "none"
        for key, uses in (("uses", route.uses), ("when", of_when)):
            if lacking := [name for name in uses if name not in model.capabilities]:
                need = f"the route is for requests that use {', '.join(lacking)}"
                yield ("routes", i, key), f"{need}; the capabilities of `{route.model}` are: {has}"
        if model.capabilities == ("embeddings",) and not {*route.uses, *of_when}:
            mistake = f"`{route.model}` makes embeddings and nothing else: say `uses: [embeddings]`, or send the route elsewhere"
            yield ("routes", i, "model"), mistake


def _declared(mesh: Mesh) -> str:
    """What models say of themselves, in short."""
    return "; ".join(
        f"`{name}` has {', '.join((*(model.capabilities or ('no capabilities',)), f'{model.context_tokens} tokens'))}"
        for name, model in list(mesh.models.items())[:5]
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
