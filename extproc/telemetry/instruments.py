"""The names of everything that is measured: OpenTelemetry's GenAI conventions where they have one, `intentmesh.*` elsewhere.

The conventions are still in development, so all of their names stand here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a convention's name
ERROR_TYPE = "error.type"
REQUEST_STREAM = "gen_ai.request.stream"
SERVER_ADDRESS = "server.address"

INTENT = "intentmesh.intent"
SCORE = "intentmesh.score"
STAGE = "intentmesh.stage"
MODEL = "intentmesh.model"
VERSION = "intentmesh.version"
PROMPT = "intentmesh.prompt"
PROMPT_VERSION = "intentmesh.prompt.version"
REASON = "intentmesh.reason"
OUTCOME = "intentmesh.outcome"
PROJECT = "intentmesh.project"
CALLER = "intentmesh.caller"
TEAM = "intentmesh.team"
ENTITY = "intentmesh.entity"
OPERATOR = "intentmesh.operator"
WORKER = "intentmesh.worker"
ENDPOINT = "intentmesh.endpoint"
STATUS = "intentmesh.status"
END = "intentmesh.end"
STEP = "intentmesh.step"
ACTION = "intentmesh.action"
ENFORCED = "intentmesh.enforced"
RULE = "intentmesh.rule"
CAUSE = "intentmesh.cause"
VERDICT = "intentmesh.verdicts"
"""Of a span: step, action and rule of each."""
ESTIMATED = "intentmesh.usage.estimated"
BUDGET = "intentmesh.budget"
ACCOUNT = "intentmesh.account"
UNIT = "intentmesh.unit"

TOKENS = tuple(float(4**i) for i in range(14))
SECONDS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
    163.84,
    327.68,
    655.36,
)
STEP_SECONDS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_COUNTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric: its name, unit (UCUM), what it counts, its attributes in the order in which values are given."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "exemplars"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = ()


TOKEN_USAGE = Instrument(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Tokens of one request, by input and output",
    (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, TOKEN_TYPE),
    TOKENS,
)
OPERATION_DURATION = Instrument(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Time from the request's arrival to the end of its answer",
    (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, ERROR_TYPE),
    SECONDS,
)
TIME_TO_FIRST_TOKEN = Instrument(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time from the request's arrival to the first event of a streamed answer",
    (OPERATION, PROVIDER, REQUEST_MODEL),
    SECONDS,
)
TIME_PER_OUTPUT_TOKEN = Instrument(
    "gen_ai.client.operation.time_per_output_chunk",
    "histogram",
    "s",
    "Time of each event of a streamed answer after the first, the mean of that answer's",
    (OPERATION, PROVIDER, REQUEST_MODEL),
    SECONDS,
)
REQUESTS = Instrument(
    "intentmesh.requests",
    "counter",
    "{request}",
    "Requests on intercepted paths",
    (INTENT, MODEL, VERSION, STAGE, REASON, OUTCOME),
)
STEP_DURATION = Instrument(
    "intentmesh.step.duration",
    "histogram",
    "s",
    "Time of each step of the pipeline",
    (STEP,),
    STEP_SECONDS,
)
ENTITIES = Instrument(
    "intentmesh.entities", "counter", "{entity}", "Personal data found, by type and operator", (ENTITY, OPERATOR)
)
PROMPT_DURATION = Instrument(
    "intentmesh.prompt.duration",
    "histogram",
    "s",
    "Time of requests with a prompt, by its version and outcome; `refusal` where the model or its provider declined",
    (PROMPT, PROMPT_VERSION, OUTCOME),
    SECONDS,
)
PROMPT_TOKENS = Instrument(
    "intentmesh.prompt.tokens",
    "counter",
    "{token}",
    "Tokens of requests with a prompt, by its version",
    (PROMPT, PROMPT_VERSION, TOKEN_TYPE),
)
VERDICTS = Instrument(
    "intentmesh.verdicts",
    "counter",
    "{verdict}",
    "What policy, guardrails and budgets said, by step, action and rule",
    (STEP, ACTION, REASON, ENFORCED),
)
UNENFORCED = Instrument(
    "intentmesh.unenforced",
    "counter",
    "{request}",
    "Requests that went on without something that they should have had, by rule and cause: the goal is zero",
    (STEP, RULE, CAUSE),
)
UNSEARCHED = Instrument(
    "intentmesh.request.unsearched",
    "counter",
    "By",
    "Bytes of requests that were not searched for personal data, by reason: what they were proved to be",
    (REASON,),
)
VAULT_SIZE = Instrument(
    "intentmesh.vault.size", "histogram", "{placeholder}", "Placeholders of one request", (), _COUNTS
)
BATCH_SIZE = Instrument("intentmesh.batch.size", "histogram", "{text}", "Texts of one transformer pass", (), _COUNTS)
QUEUE_SIZE = Instrument("intentmesh.queue.size", "gauge", "{text}", "Texts that wait for the transformer")
ABSTAINED = Instrument("intentmesh.abstained", "counter", "{request}", "Requests that no stage was sure of")
FAIL_OPEN = Instrument(
    "intentmesh.fail_open",
    "counter",
    "{request}",
    "Requests sent to the default model after a fault, by fault",
    (REASON,),
)
FAIL_CLOSED = Instrument(
    "intentmesh.fail_closed", "counter", "{request}", "Requests refused with a 5xx of ours, by fault", (REASON,)
)
PROJECT_TOKENS = Instrument(
    "intentmesh.project.tokens",
    "counter",
    "{token}",
    "Tokens by project, intent and model",
    (PROJECT, INTENT, MODEL, TOKEN_TYPE, ESTIMATED),
)
PROJECT_COST = Instrument(
    "intentmesh.project.cost",
    "counter",
    "{currency}",
    "Money by project, intent and model, in the currency of the prices",
    (PROJECT, INTENT, MODEL),
)
BUDGET_LIMIT = Instrument(
    "intentmesh.budget.limit",
    "gauge",
    "1",
    "What an account of a budget may spend in its window",
    (BUDGET, ACCOUNT, UNIT),
)
BUDGET_USED = Instrument(
    "intentmesh.budget.used",
    "gauge",
    "1",
    "What it has spent in it, in all pods as far as this one knows, what is set aside included; "
    "of accounts without a name of their own, the one that has spent most",
    (BUDGET, ACCOUNT, UNIT),
)
BUDGET_EXHAUSTED = Instrument(
    "intentmesh.budget.exhausted", "gauge", "{account}", "Accounts of which nothing is left in their window", (BUDGET,)
)
BUDGET_STORE_AWAY = Instrument(
    "intentmesh.budget.store.away", "gauge", "{pod}", "Pods whose store of a fleet's budgets does not answer"
)
NAME_TEXTS = Instrument(
    "intentmesh.names.texts",
    "counter",
    "{text}",
    "Texts that the name model saw, read, or left to cues beyond its budget",
    (OUTCOME,),
)
UPSTREAM_REQUESTS = Instrument(
    "intentmesh.upstream.requests",
    "counter",
    "{request}",
    "Requests that Envoy has carried to models, by the class of their status and how they ended",
    (MODEL, ENDPOINT, STATUS, END),
)
UPSTREAM_ATTEMPTS = Instrument(
    "intentmesh.upstream.attempts",
    "counter",
    "{attempt}",
    "Attempts that Envoy made for them, retries included",
    (MODEL,),
)
UPSTREAM_FIRST_BYTE = Instrument(
    "intentmesh.upstream.first_byte",
    "histogram",
    "s",
    "Time from the request's arrival to the first byte of the upstream's answer",
    (MODEL,),
    SECONDS,
)
WORKER_UP = Instrument("intentmesh.worker.up", "gauge", "{worker}", "Whether a worker serves: 1, or 0", (WORKER,))
WORKER_RESTARTS = Instrument(
    "intentmesh.worker.restarts", "counter", "{restart}", "Workers that ended unexpectedly and were replaced", (WORKER,)
)
WORKER_CPU = Instrument(
    "intentmesh.worker.cpu", "counter", "s", "Processor time of a worker and its predecessors", (WORKER,)
)
WORKER_MEMORY = Instrument("intentmesh.worker.memory", "gauge", "By", "Resident memory of a worker", (WORKER,))
WORKER_FILES = Instrument("intentmesh.worker.files", "gauge", "{file}", "Files that a worker has open", (WORKER,))
BUILD_INFO = Instrument(
    "intentmesh.build.info", "gauge", "{build}", "1, with the version that runs", ("version", "python")
)
OPEN_STREAMS = Instrument("intentmesh.streams.open", "gauge", "{stream}", "Requests in flight")
CONFIG_GENERATION = Instrument(
    "intentmesh.config.generation",
    "gauge",
    "{generation}",
    "How often a mesh.yaml has been taken into use since the start",
)
CONFIG_REJECTED = Instrument(
    "intentmesh.config.rejected", "counter", "{file}", "Changed mesh.yaml files that were refused"
)
CONFIG_WAITING = Instrument(
    "intentmesh.config.waiting", "gauge", "{setting}", "Settings of the mesh.yaml that only a restart takes into use"
)
MODELS_UNROUTED = Instrument(
    "intentmesh.models.unrouted", "gauge", "{model}", "Models of the mesh.yaml for which Envoy has no route"
)
TELEMETRY_DROPPED = Instrument(
    "intentmesh.telemetry.dropped", "counter", "{item}", "Telemetry that was lost", ("signal",)
)
AUDIT_LINES = Instrument("intentmesh.audit.lines", "counter", "{line}", "Audit lines by outcome", (OUTCOME,))

INSTRUMENTS = tuple(value for value in list(globals().values()) if isinstance(value, Instrument))
"""What is told."""
EXEMPLARS = Instrument(
    "intentmesh.exemplars",
    "exemplars",
    "",
    "Of each bucket of the duration, the last traced exchange",
    OPERATION_DURATION.attributes,
    SECONDS,
)
KEPT = (*INSTRUMENTS, EXEMPLARS)
"""What is kept."""
