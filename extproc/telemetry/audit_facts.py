"""What an audit line keeps of the facts that rules name, so that other rules can be tried on it: names, numbers, yes and no.

Of what a caller writes itself (the model that it asks for, paths, names of tools, headers) only what the configuration knows
is kept, or what it asks for. What is not in a line was not known or is not kept, and rules that name it cannot be decided by
that line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config import Mesh
    from extproc.decision import Facts

CLAIMS, HEADERS = "caller.claims.", "request.headers."


class AuditFacts:
    """What the lines of one configuration keep."""

    def __init__(self, mesh: Mesh) -> None:
        kept = mesh.telemetry.audit.facts if mesh.telemetry.audit else ()
        self._claims = tuple(name.removeprefix(CLAIMS) for name in kept if name.startswith(CLAIMS))
        self._headers = tuple(name.removeprefix(HEADERS) for name in kept if name.startswith(HEADERS))
        self._kept = frozenset(kept)
        names = [(name, model.upstream_name or "", *model.aliases) for name, model in mesh.models.items()]
        self._models = frozenset(name for some in names for name in some) | {""}

    def told(self, facts: Facts) -> str:
        """As a JSON object."""
        caller, known = facts.caller, facts.known
        parts = [f'{{"request.method":{json.dumps(facts.method)},"caller.source":"{caller.source}"']
        if "tokens" in known:
            parts.append(f'"request.stream":{_bool(facts.streamed)},"request.tokens":{facts.tokens}')
        if "turns" in known:
            parts.append(
                f'"request.turns":{facts.turns},"request.images":{_bool(facts.images)}'
                f',"request.audio":{_bool(facts.audio)},"request.unsearched":{facts.unsearched}'
                f',"request.code":{facts.code!r}'
            )
        if "uses" in known:
            parts.append(f'"request.uses":{json.dumps(sorted(facts.uses))}')
        if "difficulty" in known:
            parts.append(f'"request.difficulty":{facts.difficulty!r}')
        if "language" in known:
            parts.append(f'"request.language":{json.dumps(facts.language)}')
        if "model" in known and (facts.model in self._models or "request.model" in self._kept):
            parts.append(f'"request.model":{json.dumps(facts.model)}')
        if "entities" in known:
            parts.append(f'"entities":{json.dumps(facts.entities) if facts.entities else "{}"}')
        if "intent" in known:
            parts.append(f'"intent":{json.dumps(facts.intent or "")},"score":{float(facts.score)!r}')
        if self._kept:
            parts.extend(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in self._asked_for(facts).items())
        return ",".join(parts) + "}"

    def _asked_for(self, facts: Facts) -> Mapping[str, Any]:
        by_name: dict[str, Any] = {}
        if self._claims:
            by_name["caller.claims"] = {name: facts.caller.claims.get(name) for name in self._claims}
        if self._headers:
            by_name["request.headers"] = {name: facts.headers.get(name.lower(), "") for name in self._headers}
        if "request.path" in self._kept:
            by_name["request.path"] = facts.path
        if "request.tools" in self._kept and "tools" in facts.known:
            by_name["request.tools"] = list(facts.tools)
        return by_name


def _bool(value: bool) -> str:
    return "true" if value else "false"
