"""Telemetry: counts add up, names are the convention's, nothing is lost without being counted."""

import json
from pathlib import Path

import pytest

from extproc.config import parse
from extproc.decision import Verdict
from extproc.exchange.record import ExchangeRecord, Usage
from extproc.telemetry import instruments as names
from extproc.telemetry.audit_line import audit_line
from extproc.telemetry.bill import Bill
from extproc.telemetry.meter import Meter
from extproc.telemetry.observer import label_of
from extproc.telemetry.prometheus import negotiated
from extproc.telemetry.series import merge
from extproc.telemetry.spans import Identifier
from extproc.telemetry.tally import Tally
from extproc.telemetry.usage import UsageReader


def test_meter_buckets_by_upper_boundary():
    """A value equal to a boundary counts below it, as OpenTelemetry and Prometheus have it."""
    meter = Meter()
    for value in (0.0, 1.0, 1.5, 1000.0):
        meter.record(names.VAULT_SIZE, value)
    total, *buckets = meter.snapshot()[names.VAULT_SIZE.name][()]
    assert total == 1002.5
    assert buckets == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1]


def test_merge_adds_up():
    """Several workers are reported as one."""
    one, two = Meter(), Meter()
    one.add(names.ABSTAINED)
    two.add(names.ABSTAINED, 2)
    two.add(names.FAIL_OPEN, 1, ("late",))
    merged = merge([one.snapshot(), two.snapshot()])
    assert merged[names.ABSTAINED.name] == {(): [3.0]}
    assert merged[names.FAIL_OPEN.name] == {("late",): [1]}


def test_prometheus_names_follow_the_mapping():
    """Dots become underscores, seconds are spelt out, counters end in _total."""
    meter = Meter()
    meter.record(names.OPERATION_DURATION, 0.3, ("chat", "llama.cpp", "phi", "", ""))
    meter.add(names.ABSTAINED)
    text = negotiated(meter.snapshot(), "")[0].decode()
    assert 'gen_ai_client_operation_duration_seconds_bucket{error_type="",gen_ai_operation_name="chat"' in text
    assert "intentmesh_abstained_total 1.0" in text


def test_what_was_not_searched_is_counted_by_reason():
    """Bytes of a request that were proved to be data, or left out by a rule."""
    meter = Meter()
    tally = Tally(meter)
    for sizes in ({"image": 700, "opaque": 40}, {"image": 300}, {}):
        tally.count(ExchangeRecord("forwarded", 1.7e9, 0.1, unsearched=sizes), "chat", "", "", None)
    assert meter.snapshot()[names.UNSEARCHED.name] == {("image",): [1000], ("opaque",): [40]}


def test_versions_of_a_prompt_can_be_compared():
    """Time, tokens and refusals of each, by what the step of prompts has said."""
    meter = Meter()
    tally = Tally(meter)
    bill = Bill(input_tokens=10, output_tokens=4, cost=0.0, estimated=False)
    for version, finish in (("1", "stop"), ("2", "content_filter"), ("2", "stop")):
        said = (Verdict("prompt", "allow", f"reply@{version}#abc"),)
        usage = Usage(input_tokens=10, output_tokens=4, finish_reason=finish)
        tally.count(ExchangeRecord("forwarded", 1.7e9, 0.1, verdicts=said, usage=usage), "chat", "", "", bill)
    told = meter.snapshot()
    assert told[names.PROMPT_TOKENS.name] == {
        ("reply", "1", "input"): [10],
        ("reply", "1", "output"): [4],
        ("reply", "2", "input"): [20],
        ("reply", "2", "output"): [8],
    }
    assert told[names.PROMPT_DURATION.name].keys() == {
        ("reply", "1", "forwarded"),
        ("reply", "2", "refusal"),
        ("reply", "2", "forwarded"),
    }


def test_every_metric_is_in_the_manual():
    """With its kind and its labels."""
    manual = (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()
    for instrument in names.INSTRUMENTS:
        labels = ", ".join(f"`{label}`" for label in instrument.attributes)
        row = f"| `{instrument.name}` | {instrument.kind}, {instrument.unit} | {instrument.description} | {labels} |"
        assert row in manual


@pytest.mark.parametrize("cut", [1, 3, 7, 1000])
def test_usage_of_a_json_answer(cut):
    """Usage is read however the answer is cut, and not from what the answer says about usage."""
    body = json.dumps(
        {
            "model": "tiny",
            "choices": [{"message": {"content": 'I say "usage": {"prompt_tokens": 99}'}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        }
    ).encode()
    reader = UsageReader(streamed=False)
    for i in range(0, len(body), cut):
        reader.feed(body[i : i + cut])
    usage = reader.close()
    assert (usage.input_tokens, usage.output_tokens, usage.response_model, usage.estimated) == (5, 7, "tiny", False)


def test_usage_of_an_anthropic_stream():
    """Input tokens stand in the first event, output tokens in the last."""
    reader = UsageReader(streamed=True)
    reader.feed(
        b'event: message_start\ndata: {"message":{"model":"m","usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
    )
    reader.feed(b'data: {"type":"content_block_delta","delta":{"text":"hi"}}\n\n' * 400)
    reader.feed(b'data: {"type":"message_delta","usage":{"output_tokens":15}}\n\n')
    usage = reader.close()
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (25, 15, False)


def test_usage_of_a_llama_cpp_stream():
    """Without `include_usage` its last event has timings, with the prompt's cached tokens apart."""
    timings = '"timings":{"cache_n":12,"prompt_n":1,"prompt_ms":881.84,"predicted_n":4,"predicted_per_second":1.16}'
    reader = UsageReader(streamed=True)
    reader.feed(b'data: {"choices":[{"delta":{"content":"\\"timings\\":{}"}}]}\n\n')
    reader.feed(f'data: {{"choices":[{{"finish_reason":"length","delta":{{}}}}],{timings}}}\n\n'.encode())
    reader.feed(b"data: [DONE]\n\n")
    usage = reader.close()
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (13, 4, False)


def test_usage_is_estimated_and_says_so():
    """A stream that reports nothing is counted by its events."""
    reader = UsageReader(streamed=True)
    reader.feed(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n' * 9)
    usage = reader.close()
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (None, 9, True)


@pytest.mark.parametrize("bill", [None, Bill(12, 34, 0.00012, estimated=True, by="events")])
def test_a_decision_is_json(bill):
    """Whatever stands in its names, and with or without what an answer took."""
    told = {"intent": 'a "b"\\', "score": 0.25, "stage": None, "model": "été", "version": "v2", "status": 200}
    found = {("EMAIL_ADDRESS", "replace"): 2, ("PERSON", "keep"): 1}
    exchange = ExchangeRecord(
        "forwarded", 1.7e9 + 0.12345, 0.1, request_id="r/1", reason="route[0]", entities=found, **told
    )
    record = json.loads(audit_line(exchange, "red", bill, "d1"))
    paid = (12, 34, True, "events", 0.00012) if bill else (None, None, None, None, None)
    assert record == {
        **told,
        "time": 1700000000.123,
        "request_id": "r/1",
        "project": "red",
        "caller": "",
        "team": "",
        "facts": {},
        "reason": "route[0]",
        "residency": None,
        "entities": {"EMAIL_ADDRESS:replace": 2, "PERSON:keep": 1},
        "verdicts": [],
        "unenforced": [],
        "outcome": "forwarded",
        "error": None,
        **dict(zip(("input_tokens", "output_tokens", "estimated", "estimate", "cost"), paid, strict=True)),
        "config": "d1",
    }


def test_a_trace_goes_on():
    """The caller's trace id and sampling decision are kept, and its span is the parent of ours."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    identity = Identifier(0.0).identify({"traceparent": parent})
    assert f"{identity.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{identity.parent.span_id:016x}" == "b7ad6b7169203331"
    assert identity.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert identity.traceparent.endswith("-01")


@pytest.mark.parametrize("header", ["", "00-zz", "00-00000000000000000000000000000000-0000000000000000-01"])
def test_a_broken_traceparent_begins_a_new_trace(header):
    """What is not a traceparent is not passed on."""
    identity = Identifier(1.0).identify({"traceparent": header})
    assert identity.parent is None
    assert identity.context.trace_flags.sampled


def test_few_projects_become_labels():
    """Those that the configuration knows, and `unknown`: whoever names others makes no series."""
    assert [label_of(("red",), name) for name in ("red", "blue", "unknown")] == ["red", "other", "unknown"]


def test_the_audit_trail_lies_beside_the_mesh(tmp_path):
    """A relative path is taken from the folder of mesh.yaml, like every other."""
    models = "{m: {endpoints: [{address: '127.0.0.1:1'}]}}"
    text = f"version: 1\nmodels: {models}\ndefault_model: m\ntelemetry: {{audit: {{path: a/b.jsonl}}}}"
    assert parse(text, folder=tmp_path).telemetry.audit.path == tmp_path / "a" / "b.jsonl"
