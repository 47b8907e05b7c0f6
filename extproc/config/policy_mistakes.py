"""Mistakes in the rules of `policy` that show when they are compiled, and beside the rest of the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from extproc.config.models import ZONES, Capability, ModelApi
from extproc.config.places import declared
from extproc.config.policy_facts import DESTINATION, Stage, entity_types, fact, language_of, stage_of_rule
from extproc.config.prices import providers
from extproc.expressions import ExpressionError
from extproc.expressions.tree import Call, Const, Name, Other, walk
from extproc.spelling import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extproc.config.mesh import Mesh
    from extproc.config.policy import PolicyRule
    from extproc.expressions import Condition

_UNTIL: Final = {
    "operators": (
        Stage.CLASSIFIED,
        "what was found is known when the texts are masked; name the caller, the request or the intent",
    ),
    "models": (Stage.UNDERSTOOD, "the model is chosen by then"),
    "residency": (Stage.UNDERSTOOD, "the model is chosen by then; `deny` takes a destination out"),
    "require": (Stage.UNDERSTOOD, "guardrails have looked at the request by then"),
}
"""Effect -> the last stage that may bring it about, and why no later one."""
_HIDDEN: Final = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})
"""Headers that no processor is shown for a rule's sake."""


def policy_mistakes(mesh: Mesh) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) of each."""
    if not mesh.policy.rules:
        return
    language = language_of(mesh)
    for i, rule in enumerate(mesh.policy.rules):
        here = ("policy", "rules", i)
        try:
            condition = language.condition(rule.when)
        except ExpressionError as error:
            yield (*here, "when"), f"{rule.name}: {error}"
            continue
        for sentence in (*_never_known(mesh, condition), *_unknown_values(mesh, condition), *_hidden(condition)):
            yield (*here, "when"), f"{rule.name}: {sentence}"
        for key, sentence in _effects(mesh, rule, stage_of_rule(rule, condition)):
            yield (*here, "then", key), f"{rule.name}: {sentence}"


def _never_known(mesh: Mesh, condition: Condition) -> Iterator[str]:
    known = {fact(name).known for name in condition.names}
    if "entities" in known and not mesh.pii.enabled:
        yield "names personal data, and nobody looks for any: `pii.enabled` is false"
    if known & {"intent", "score"} and not mesh.intents:
        yield "names the intent, and mesh.yaml has no `intents`"


def _unknown_values(mesh: Mesh, condition: Condition) -> Iterator[str]:
    """Texts that are compared with names of the configuration's, and are none."""
    known: dict[str, tuple[str, Iterable[str]]] = {
        "intent": ("intent", ["", *mesh.intents]),
        "request.uses": ("capability", get_args(Capability)),
        **dict(_of_destinations(mesh, condition)),
        "caller.source": ("source", ["", "key", "jwt", "certificate", "workload", "header"]),
    }
    for node in walk(condition.tree):
        if not isinstance(node, Call) or node.function not in ("_==_", "_!=_", "@in"):
            continue
        names = [arg.name for arg in node.args if isinstance(arg, Name) and arg.name in known]
        lists = [arg.parts for arg in node.args if isinstance(arg, Other) and arg.kind == "list"]
        constants = [
            arg for arg in (*node.args, *(part for parts in lists for part in parts)) if isinstance(arg, Const)
        ]
        for name in names:
            kind, values = known[name]
            for constant in constants:
                if isinstance(constant.value, str) and constant.value not in values:
                    yield unknown_name(kind, constant.value, [value for value in values if value])


def _of_destinations(mesh: Mesh, condition: Condition) -> Iterator[tuple[str, tuple[str, Iterable[str]]]]:
    """Of each fact of a destination that a condition names: what it may be anywhere, else what this registry declares."""
    anywhere: dict[str, tuple[str, Iterable[str]]] = {
        "destination.model": ("model", mesh.models),
        "destination.zone": ("zone", ZONES),
        "destination.api": ("api", get_args(ModelApi)),
        "destination.capabilities": ("capability", get_args(Capability)),
    }
    names = [name for name in sorted(condition.names) if name.startswith(DESTINATION)]
    for name, values in declared(mesh, names).items():
        kind = name.removeprefix(DESTINATION).replace(".", " ").replace("hosts", "host")
        yield name, anywhere.get(name, (kind, ["", *providers(), *values] if kind == "provider" else ["", *values]))


def _hidden(condition: Condition) -> Iterator[str]:
    for name in condition.header_names:
        if name.lower() in _HIDDEN:
            yield f"reads the header `{name}`: credentials are not shown to the processor; `identity` says who calls"


def _effects(mesh: Mesh, rule: PolicyRule, stage: Stage) -> Iterator[tuple[str, str]]:
    effects = rule.then
    for name in effects.named():
        last, why = _UNTIL.get(name, (Stage.ROUTED, ""))
        if stage > last:
            when = "once the destination is known" if stage is Stage.ROUTED else "once the body is understood"
            yield name, f"is asked {when}, which is too late: {why}"
        if name in ("operators", "redact_output") and not mesh.pii.enabled:
            yield name, "`pii.enabled` is false: nobody looks for personal data"
    types = sorted(entity_types(mesh)) if effects.operators else []
    guardrails = tuple(mesh.guardrails)
    references: tuple[tuple[str, str, Iterable[str], Sequence[str]], ...] = (
        ("models", "model", effects.models, tuple(mesh.models)),
        ("operators", "entity type", effects.operators, types),
        ("require", "guardrail", effects.require, guardrails),
    )
    for key, kind, names, known in references:
        for name in names:
            if name not in known:
                yield key, unknown_name(kind, name, known, "`intentmesh entities`")
