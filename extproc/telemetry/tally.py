"""Counts finished exchanges.

Exchanges of one kind (intent, model, outcome and so on) raise the same counts, so what a kind raises is looked up in the meter
once and kept; from then on an exchange is one dict lookup, and some additions.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from extproc.telemetry import exemplars
from extproc.telemetry import instruments as names
from extproc.telemetry.providers import Providers

if TYPE_CHECKING:
    from extproc.exchange.record import ExchangeRecord
    from extproc.telemetry.bill import Bill
    from extproc.telemetry.meter import Meter
    from extproc.telemetry.series import Cells

FAULTS = ("late", "classifier")
"""Beginnings of the reasons for which a request went to the default model after a fault."""

PROMPT_STEP = "prompt"
"""The step whose verdict says which version of a prompt a request got: `NAME@VERSION#DIGEST`."""
REFUSALS = ("content_filter", "refusal")
"""Why an answer ended, where it is none."""


class Kind(NamedTuple):
    """What every exchange of one kind raises."""

    counters: tuple[Cells, ...]
    """Each by one."""
    duration: Cells
    told: tuple[str, ...]
    """Labels of the duration."""


class Account(NamedTuple):
    """Where the tokens of one project, intent and model go."""

    read: Cells
    written: Cells
    project_read: Cells
    project_written: Cells
    cost: Cells


class _Steps(dict[str, "Cells"]):
    """Step -> the histogram of its seconds."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def __missing__(self, step: str) -> Cells:
        cells = self[step] = self._meter.cells(names.STEP_DURATION, (step,))
        return cells


class Tally:
    """The metrics of exchanges: by outcome, by the GenAI convention, and by who pays."""

    def __init__(self, meter: Meter) -> None:
        self.providers = Providers()
        """Exchanged with the mesh."""
        self._meter = meter
        self._steps = _Steps(meter)
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self._accounts: dict[tuple[object, ...], Account] = {}

    def count(self, exchange: ExchangeRecord, operation: str, answered: str, project: str, bill: Bill | None) -> None:
        """Count one. `answered`: the model that the answer names, as a label; so is `project`."""
        key = (
            *(exchange.intent, exchange.model, exchange.version, exchange.stage, exchange.reason),
            *(exchange.outcome, exchange.status, exchange.error, operation, answered),
        )
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = self._kind(exchange, operation, answered)
        for cells in kind.counters:
            cells[0] += 1
        _put(kind.duration, names.SECONDS, exchange.duration_s)
        if exchange.trace and exchange.trace.ids:
            self._exemplify(exchange, kind, exchange.trace.ids)
        steps = self._steps
        for step, seconds in exchange.steps_s.items():
            _put(steps[step], names.STEP_SECONDS, seconds)
        self._count_found(exchange)
        if exchange.vault_size:
            self._meter.record(names.VAULT_SIZE, exchange.vault_size)
        if exchange.streamed and exchange.first_chunk_s is not None:
            self._count_stream(exchange, exchange.first_chunk_s, operation)
        if bill:
            self._charge(exchange, operation, answered, project, bill)
        for verdict in exchange.verdicts:
            if verdict.step == PROMPT_STEP:
                self._count_prompt(exchange, verdict.reason, bill)

    def _count_prompt(self, exchange: ExchangeRecord, told: str, bill: Bill | None) -> None:
        """What a version of a prompt takes and what becomes of it: to compare one with another."""
        name, _, version = told.partition("#")[0].partition("@")
        refused = exchange.usage is not None and exchange.usage.finish_reason in REFUSALS
        outcome = "refusal" if refused else exchange.outcome
        self._meter.record(names.PROMPT_DURATION, exchange.duration_s, (name, version, outcome))
        if bill:
            self._meter.add(names.PROMPT_TOKENS, bill.input_tokens, (name, version, "input"))
            self._meter.add(names.PROMPT_TOKENS, bill.output_tokens, (name, version, "output"))

    def _exemplify(self, exchange: ExchangeRecord, kind: Kind, ids: tuple[int, int]) -> None:
        bucket = bisect_left(names.SECONDS, exchange.duration_s)
        ended_at = exchange.started_at + exchange.duration_s
        exemplars.put(self._meter.cells(names.EXEMPLARS, kind.told), bucket, *ids, exchange.duration_s, ended_at)

    def _count_found(self, exchange: ExchangeRecord) -> None:
        """What was found in a request, what was not looked for in it, and what was said of it."""
        if exchange.entities:
            for entity_and_operator, count in exchange.entities.items():
                self._meter.add(names.ENTITIES, count, entity_and_operator)
        for reason, size in exchange.unsearched.items():
            self._meter.add(names.UNSEARCHED, size, (reason,))
        for verdict in exchange.verdicts:
            labels = (verdict.step, verdict.action, verdict.reason, "true" if verdict.enforced else "false")
            self._meter.add(names.VERDICTS, 1, labels)
        for entry in exchange.unenforced:
            self._meter.add(names.UNENFORCED, 1, entry)

    def _kind(self, exchange: ExchangeRecord, operation: str, answered: str) -> Kind:
        meter = self._meter
        model = exchange.model or ""
        reason = (exchange.reason or exchange.error or "").partition(":")[0]
        labels = (exchange.intent or "", model, exchange.version or "", exchange.stage or "", reason, exchange.outcome)
        counters = [meter.cells(names.REQUESTS, labels)]
        if exchange.stage == "abstain":
            counters.append(meter.cells(names.ABSTAINED))
        if reason in FAULTS:
            counters.append(meter.cells(names.FAIL_OPEN, (reason,)))
        if exchange.error and exchange.outcome in {"rejected", "failed"} and (exchange.status or 500) >= 500:
            counters.append(meter.cells(names.FAIL_CLOSED, (exchange.error,)))
        of_operation = (operation, self.providers.of(model), model, answered, error_type(exchange) or "")
        return Kind(tuple(counters), meter.cells(names.OPERATION_DURATION, of_operation), of_operation)

    def _count_stream(self, exchange: ExchangeRecord, first_chunk_s: float, operation: str) -> None:
        labels = (operation, self.providers.of(exchange.model), exchange.model or "")
        self._meter.record(names.TIME_TO_FIRST_TOKEN, first_chunk_s, labels)
        chunks = exchange.usage.chunks if exchange.usage else 0
        if chunks > 1:
            rest = max(0.0, exchange.duration_s - first_chunk_s)
            cells, mean = self._meter.cells(names.TIME_PER_OUTPUT_TOKEN, labels), rest / (chunks - 1)
            cells[0] += rest
            cells[bisect_left(names.SECONDS, mean) + 1] += chunks - 1

    def _charge(self, exchange: ExchangeRecord, operation: str, answered: str, project: str, bill: Bill) -> None:
        key = (project, exchange.intent, exchange.model, operation, answered, bill.estimated)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = self._account(exchange, operation, answered, project, bill)
        _put(account.read, names.TOKENS, bill.input_tokens)
        _put(account.written, names.TOKENS, bill.output_tokens)
        account.project_read[0] += bill.input_tokens
        account.project_written[0] += bill.output_tokens
        account.cost[0] += bill.cost

    def _account(self, exchange: ExchangeRecord, operation: str, answered: str, project: str, bill: Bill) -> Account:
        meter = self._meter
        model, intent = exchange.model or "", exchange.intent or ""
        used = (operation, self.providers.of(model), model, answered)
        whose = (project, intent, model)
        estimated = "true" if bill.estimated else "false"
        return Account(
            meter.cells(names.TOKEN_USAGE, (*used, "input")),
            meter.cells(names.TOKEN_USAGE, (*used, "output")),
            meter.cells(names.PROJECT_TOKENS, (*whose, "input", estimated)),
            meter.cells(names.PROJECT_TOKENS, (*whose, "output", estimated)),
            meter.cells(names.PROJECT_COST, whose),
        )


def _put(cells: Cells, boundaries: tuple[float, ...], value: float) -> None:
    cells[0] += value
    cells[bisect_left(boundaries, value) + 1] += 1


def error_type(exchange: ExchangeRecord) -> str | None:
    """`error.type`: the class of our error, else the status of an answer that is one."""
    return exchange.error or (str(exchange.status) if exchange.status and exchange.status >= 400 else None)
