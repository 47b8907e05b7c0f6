"""What rules cost a request: 20 of them over everything that a rule may name, in the processor's own code and nothing around it.

    python tests/bench/bench_policy.py

Prints a JSON line for each number of entity types in the request: microseconds of one thread, the least of many rounds, with no
rule firing and with one that denies a destination. All four judges are asked, with what they are asked with.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from extproc.config.loader import parse
from extproc.decision import Facts
from extproc.identity import Caller
from extproc.policy import AtBody, AtHeaders, Routed, Understood
from tests.bench.machine import birth_certificate

ROUNDS = 3000
RULES = [
    *(f'caller.team == "team-{i}" && request.headers["x-tier"] == "gold"' for i in range(4)),
    'has(caller.claims.role) && caller.claims.role in ["intern", "guest"]',
    *(f'caller.project == "p{i}" && request.model.startsWith("code")' for i in range(4)),
    'request.tools.exists(t, t == "shell")',
    *(
        f'entities.{name} > 0 && intent == "health"'
        for name in ("US_SSN", "US_MBI", "CREDIT_CARD", "IBAN_CODE", "PASSPORT")
    ),
    "entities.total > 200 && score < 0.2",
    *(f'entities.CREDIT_CARD > {i} && destination.zone == "external"' for i in range(4)),
]
"""Five at the headers, five with the body, six once it is understood, four over destinations."""
MESH = """
version: 1
models:
  near: {endpoints: [{address: "127.0.0.1:1"}, {address: "eu.example:443", zone: external, tls: true}]}
  far: {endpoints: [{address: "eu.example:443", zone: external, tls: true}]}
intents: {health: {patterns: [doctor]}}
default_model: near
"""


def facts(kinds: int, *, card: bool) -> Facts:
    """Of a request in which so many types were found."""
    found = {f"TYPE_{i}": 1 for i in range(kinds)} | ({"CREDIT_CARD": 1} if card else {})
    caller = Caller("ada", "search", "science", {"sub": "ada", "groups": [f"g{i}" for i in range(20)]}, "jwt")
    headers = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}
    return Facts(caller, "POST", "/v1/chat/completions", headers).with_(
        model="general", streamed=True, tools=tuple(f"tool_{i}" for i in range(10)), tokens=900,
        language="en", turns=3, images=False, audio=False, code=0.0,
        entities=found, intent=None, score=0.4, destination="near",
    )  # fmt: skip


async def main() -> None:
    """Measure."""
    rules = [{"name": f"r{i}", "when": when, "then": {"deny": "no"}} for i, when in enumerate(RULES)]
    mesh = parse(MESH + "policy: " + json.dumps(rules))
    gate, *judges = AtHeaders.of(mesh), AtBody.of(mesh), Understood.of(mesh), Routed.of(mesh)
    for kinds, card in ((0, False), (5, False), (60, False), (5, True)):
        known, least = facts(kinds, card=card), float("inf")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            gate.judge(known)
            for judge in judges:
                await judge.judge(known, None)
            least = min(least, time.perf_counter() - started)
        line = {"rules": len(RULES), "entity_types": kinds + card, "fires": card, "us": round(least * 1e6, 1)}
        print(json.dumps(line | birth_certificate()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
