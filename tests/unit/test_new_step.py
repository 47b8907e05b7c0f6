"""A new step touches its own package, its section of mesh.yaml and the list: a sketch of a guardrail, on every way out.

Nothing else of the house knows it: not the exchange, nor the wire, nor telemetry, nor the commands.
"""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from extproc.cli import cli
from extproc.cli import explain as command
from extproc.exchange.observer import Silence
from extproc.process.host import observing
from extproc.telemetry import instruments
from extproc.telemetry.pending import PendingExchanges
from extproc.wire.service import ExternalProcessor
from tests.unit.sketch.listing import SketchPipeline
from tests.unit.sketch.section import SketchMesh
from tests.unit.wire.test_service import Call, ProcessingResponse, request

SKETCH = Path(__file__).parent / "sketch"


def mesh(tmp_path=None, **phrases):
    """A mesh with a denied phrase."""
    telemetry = {"usage": False, "audit": {"path": tmp_path / "audit.jsonl"}} if tmp_path else {}
    return SketchMesh.model_validate(
        {
            "version": 1,
            "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
            "default_model": "general",
            "pii": {"names": {"enabled": False}},
            "telemetry": telemetry,
            "phrases": {"denied": {"merger": "project ikarus"}} | phrases,
        }
    )


def served(settings, text):
    """A chat through the whole of the processor but gRPC: the last reply, what was counted, and the audit line."""
    with observing(settings, log_requests=False) as (observer, meter, _):
        pending = PendingExchanges(0, Silence().finish, meter)
        service = ExternalProcessor(settings, SketchPipeline.build(settings), observer, pending)
        last = asyncio.run(service.process(None, Call(*request(text))))
        verdicts = meter.snapshot()[instruments.VERDICTS.name]
    line = settings.telemetry.audit.path.read_text().splitlines()[-1]
    return ProcessingResponse.FromString(last), verdicts, json.loads(line)


def test_it_touches_three_files():
    """Its package, its section, its line in the list."""
    assert {path.name for path in SKETCH.glob("*.py")} == {"guardrail.py", "section.py", "listing.py"}


def test_its_block_reaches_client_metric_and_audit(tmp_path):
    """The client is told which rule, in the shape of its API; what counts requests knows it too."""
    reply, verdicts, line = served(mesh(tmp_path), b"What of Project Ikarus?")
    assert reply.immediate_response.status.code == 403
    error = json.loads(reply.immediate_response.body)["error"]
    assert (error["message"], error["type"]) == ("refused by phrases: merger", "permission_error")
    assert verdicts == {("phrases", "block", "merger", "true"): [1]}
    assert line["verdicts"] == [{"step": "phrases", "action": "block", "reason": "merger", "score": 1.0}]
    assert (line["outcome"], line["status"], line["error"]) == ("rejected", 403, "DeniedError")


def test_its_monitor_reaches_envoy_s_metadata(tmp_path):
    """A request that goes on carries what was said of it."""
    reply, verdicts, line = served(mesh(tmp_path, monitor=True), b"What of Project Ikarus?")
    fields = reply.dynamic_metadata.fields["intentmesh"].struct_value.fields
    assert fields["verdicts"].string_value == "phrases:block:merger (dry run)"
    assert verdicts == {("phrases", "block", "merger", "false"): [1]}
    assert line["verdicts"][0]["enforced"] is False


def test_it_is_silent_where_it_has_nothing_to_say(tmp_path):
    """No verdict, no trace of it; and no step at all where the mesh wants none."""
    reply, verdicts, line = served(mesh(tmp_path), b"What of Daedalus?")
    assert "verdicts" not in reply.dynamic_metadata.fields["intentmesh"].struct_value.fields
    assert (verdicts, line["verdicts"]) == ({}, [])
    assert [step.name for step in SketchPipeline.build(mesh(denied={})).steps] == [
        "payload",
        "pii",
        "routing",
        "rewrite",
    ]


@pytest.mark.parametrize("monitor", [False, True])
def test_explain_shows_it(tmp_path, monkeypatch, monitor):
    """What it says, and its time among the steps'."""
    monkeypatch.setattr(command, "Pipeline", SketchPipeline)
    monkeypatch.setattr(command, "load", lambda _: mesh(monitor=monitor))
    (tmp_path / "mesh.yaml").touch()
    options = ["explain", str(tmp_path / "mesh.yaml"), "--json"]
    result = CliRunner().invoke(cli, options, input="What of Project Ikarus?")
    report = json.loads(result.output)
    assert [verdict["reason"] for verdict in report["verdicts"]] == ["merger"]
    if monitor:
        assert list(report["steps_us"]) == ["payload", "pii", "phrases", "routing", "rewrite"]
    else:
        assert (report["outcome"], report["error"]) == ("rejected", "DeniedError")


def test_what_it_only_tells_stands_in_the_ledger(tmp_path):
    """A request that went on although it would have been blocked is counted by rule, and its audit line says so."""
    settings = mesh(tmp_path, monitor=True)
    _, _, line = served(settings, b"What of Project Ikarus?")
    assert line["unenforced"] == [{"step": "phrases", "rule": "merger", "cause": "dry_run"}]
    _, _, line = served(settings, b"What of Daedalus?")
    (tmp_path / "audit.jsonl").unlink()
    _, _, line = served(mesh(tmp_path), b"What of Project Ikarus?")
    assert line["unenforced"] == []
