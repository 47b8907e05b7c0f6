"""A decision as the audit trail keeps it: one JSON object, put together by hand, since every request pays for it.

Its names come from the configuration, so each is quoted once and kept; what is left are numbers. A dict, and `json.dumps` of
it, take four times as long.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extproc.decision import Unenforced, Verdict
    from extproc.exchange.record import ExchangeRecord
    from extproc.telemetry.bill import Bill

UNPAID = '"input_tokens":null,"output_tokens":null,"estimated":null,"estimate":null,"cost":null'


def audit_line(exchange: ExchangeRecord, project: str, bill: Bill | None, digest: str, facts: str = "{}") -> str:
    """The record of a finished exchange. `digest`: of the configuration that decided; `facts`: that it keeps, as JSON."""
    caller = exchange.caller
    entities = ",".join(
        [f"{quoted(f'{kind}:{operator}')}:{count}" for (kind, operator), count in exchange.entities.items()]
    )
    return (
        f'{{"time":{round(exchange.started_at, 3)!r},"request_id":{json.dumps(exchange.request_id)}'
        f',"project":{quoted(project)},"caller":{quoted(caller.id)},"team":{quoted(caller.team)}'
        f',"intent":{quoted(exchange.intent)},"score":{number(exchange.score)}'
        f',"stage":{quoted(exchange.stage)},"model":{quoted(exchange.model)},"version":{quoted(exchange.version)}'
        f',"reason":{quoted(exchange.reason)},"residency":{quoted(exchange.residency)},"entities":{{{entities}}}'
        f',"verdicts":{ruled(exchange.verdicts) if exchange.verdicts else "[]"}'
        f',"unenforced":{ledger(exchange.unenforced) if exchange.unenforced else "[]"}'
        f',"outcome":"{exchange.outcome}","status":{number(exchange.status)},"error":{quoted(exchange.error)}'
        f',"facts":{facts},{paid(bill) if bill else UNPAID},"config":"{digest}"}}'
    )


def under_way(at: float, request_id: str, project: str, exchange: ExchangeRecord | None = None) -> str:
    """What is known of an exchange before its end, for the journal. `exchange`: where it was decided. An id needs no escapes."""
    decided = (
        f',"intent":{quoted(exchange.intent)},"model":{quoted(exchange.model)},"residency":{quoted(exchange.residency)}'
        if exchange is not None
        else ""
    )
    return f'{{"time":{at:.3f},"request_id":"{request_id}","project":{quoted(project)}{decided}}}'


def paid(bill: Bill) -> str:
    """What an answer took, as members of the object."""
    estimated = "true" if bill.estimated else "false"
    tokens = f'"input_tokens":{bill.input_tokens},"output_tokens":{bill.output_tokens}'
    return f'{tokens},"estimated":{estimated},"estimate":{quoted(bill.by or None)},"cost":{round(bill.cost, 9)!r}'


def ruled(verdicts: tuple[Verdict, ...]) -> str:
    """What was said of the request, as JSON has it."""
    return json.dumps([verdict.told() for verdict in verdicts], ensure_ascii=False)


def ledger(entries: tuple[Unenforced, ...]) -> str:
    """What it went on without, as JSON has it."""
    return json.dumps([entry.told() for entry in entries], ensure_ascii=False)


def number(value: float | None) -> str:
    """A number as JSON has it."""
    return "null" if value is None else repr(value)


@lru_cache(maxsize=4096)
def quoted(name: str | None) -> str:
    """A name as JSON has it."""
    return json.dumps(name, ensure_ascii=False)
