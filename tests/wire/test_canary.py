"""The canary test: secrets through every path that a request can take, and then none of them anywhere but with their owner.

One gateway, one processor that can be made to fail at each of its steps (`faulty_processor.py`), logging at debug. Every
scene is played with a whole and with a streamed answer where that makes a difference. When all is over and flushed, each
sink (spans, metrics, logs, audit trail, access log with the dynamic metadata, error answers, upstream bodies) has to have
heard of the scenes, so that an empty one does not pass, and to hold none of the secrets in any form.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from extproc.telemetry.audit import FLUSH_S
from tests.wire.canary import BLOCKED, IN_HEADERS, IN_QUERY, SECRETS, TEXT, forms, found_in
from tests.wire.faulty_processor import SLOW, STEPS
from tests.wire.harness import Gateway, free_address, healthy, running_gateway, until
from tests.wire.receiver import Receiver, running_receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

TARGET = f"/v1/chat/completions?user={quote(IN_QUERY)}"
JSON = {"content-type": "application/json"}
MAX_BODY = 64 * 1024
CLOSED = {
    "parse": 503,
    "recognize": 503,
    "anonymize": 503,
    "vault": 503,
    "slow": 503,
    "stuck": 504,
    "decode": 500,
    "route": 500,
    "rewrite": 500,
    "encode": 500,
}
"""Faults on the way to the model: the request is refused."""
IN_ANSWER = {"editor": 500, "restore": 500}
"""Faults on the way back: an error, or an answer that breaks off."""
OPEN = {
    "classify": 200,
    **{name: 200 for name in STEPS if name.startswith(("telemetry-", "audit-", "export-"))},
}
"""Faults that cost a request nothing."""


@dataclass
class Scene:
    """One request, and how it has to end."""

    name: str
    statuses: set[int | None]
    ask: Callable[[Gateway, Mapping[str, str]], Awaitable[httpx.Response]]
    fault: str = ""
    answer: httpx.Response | None = None
    """None: the answer broke off."""

    @property
    def request_id(self) -> str:
        """The id under which every sink knows it."""
        return f"canary-{self.name}"


def chat(*, stream: bool, text: str = TEXT, **headers: str) -> Callable[[Gateway, Mapping[str, str]], Any]:
    """A chat request full of secrets."""

    async def ask(gateway: Gateway, common: Mapping[str, str]) -> httpx.Response:
        messages = [{"role": "user", "content": text}]
        body = {"model": "any", "messages": messages, "stream": stream, "user": SECRETS["EMAIL_ADDRESS"]}
        return await gateway.client.post(TARGET, json=body, headers={**common, **headers})

    return ask


def raw(body: bytes, **headers: str) -> Callable[[Gateway, Mapping[str, str]], Any]:
    """A body as it stands."""

    async def ask(gateway: Gateway, common: Mapping[str, str]) -> httpx.Response:
        return await gateway.client.post(
            TARGET, content=body, headers={**common, **JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}
        )

    return ask


def behaving(how: Any, *, stream: bool) -> Callable[[Gateway, Mapping[str, str]], Any]:
    """A chat with an upstream that misbehaves."""

    async def ask(gateway: Gateway, common: Mapping[str, str]) -> httpx.Response:
        for upstream in gateway.upstreams.values():
            upstream.answer = how
        try:
            return await chat(stream=stream)(gateway, common)
        finally:
            for upstream in gateway.upstreams.values():
                upstream.answer = None

    return ask


async def say_nothing(request: Any, writer: asyncio.StreamWriter) -> bool:
    """An upstream that takes a request and never answers."""
    await asyncio.sleep(5)
    return False


async def break_off(request: Any, writer: asyncio.StreamWriter) -> bool:
    """An upstream that dies in the middle of its answer."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nI am [EMAIL_")
    await writer.drain()
    return False


async def exhaust(gateway: Gateway, common: Mapping[str, str]) -> httpx.Response:
    """Use a project's budget up, and ask once more."""
    for _ in range(3):
        answer = await chat(stream=False, text=TEXT * 30)(gateway, common)
    return answer


async def leave(gateway: Gateway, common: Mapping[str, str]) -> httpx.Response:
    """A client that goes away while it waits."""
    return await asyncio.wait_for(behaving(say_nothing, stream=True)(gateway, common), 0.3)


def scenes() -> list[Scene]:
    """Every path."""
    mail = SECRETS["EMAIL_ADDRESS"].encode()
    found = [
        Scene("malformed-cut", {400}, raw(b'{"messages": [{"role": "user", "content": "' + TEXT.encode())),
        Scene("malformed-key", {400}, raw(b'{"' + mail + b'": {{{{')),
        Scene("malformed-number", {400}, raw(b'{"messages": 4539578763621486x, "user": "' + mail + b'"}')),
        Scene("malformed-bytes", {400}, raw(b"\xff\xfe" + TEXT.encode())),
        Scene("malformed-deep", {400}, raw(b"[" * 5000 + b'"' + mail + b'"')),
        Scene("malformed-gzip", {400}, raw(TEXT.encode(), content_encoding="gzip")),
        Scene("malformed-encoding", {400}, raw(TEXT.encode(), content_encoding="unknown")),
        Scene("oversize", {413}, raw(json.dumps({"messages": [{"role": "user", "content": TEXT * 400}]}).encode())),
        Scene("oversize-bomb", {413}, raw(gzip.compress(TEXT.encode() * 2000), content_encoding="gzip")),
        Scene("token-limit", {429}, exhaust),
        Scene("gone", {None}, leave),
    ]
    for stream in (False, True):
        how = "stream" if stream else "whole"
        found += [
            Scene(f"success-{how}", {200}, chat(stream=stream)),
            Scene(f"success-cut-{how}", {200}, chat(stream=stream, **{"x-test-cut": "7"})),
            Scene(f"success-gzip-{how}", {200}, chat(stream=stream, **{"x-test-encoding": "gzip"})),
            Scene(f"blocked-{how}", {400}, chat(stream=stream, text=f"{TEXT} My SSN is {BLOCKED}.")),
            Scene(f"upstream-timeout-{how}", {504}, behaving(say_nothing, stream=stream)),
            Scene(f"upstream-dies-{how}", {None, 502, 503}, behaving(break_off, stream=stream)),
        ]
        found += [
            Scene(f"{fault}-{how}", {status}, chat(stream=stream), fault) for fault, status in (CLOSED | OPEN).items()
        ]
        found += [Scene(f"{fault}-{how}", {None, 500}, chat(stream=stream), fault) for fault in IN_ANSWER]
    return found


@dataclass
class Evidence:
    """What is left when all is over."""

    scenes: dict[str, Scene]
    receiver: Receiver
    sinks: dict[str, bytes] = field(default_factory=dict)


def mesh(receiver: Receiver, audit: Any) -> dict[str, Any]:
    """Everything on, and limits that are soon reached."""
    return {
        "intercept": [{"path_prefix": "/v1/", "payload": "auto", "query": True}],
        "limits": {"max_body_bytes": MAX_BODY, "deadline_ms": 1000},
        # every scene is to be searched anew, so that what is broken is asked
        "pii": {"entities": {"US_SSN": "block"}, "remember_texts": 0},
        "envoy": {"token_limit": {"tokens": 2000, "per_s": 3600}},
        "models": {
            name: {
                "endpoints": [{"address": f"127.0.0.1:{port}"}],
                "timeout_s": 1.5,
                "retries": {"attempts": 0},
                "price_per_million": {"input": 1, "output": 2},
            }
            for name, port in (("telemetry", 8081), ("support", 8082), ("general", 8083))
        },
        "identity": {"headers": {"project": "x-team"}},
        "telemetry": {
            "otlp": {"endpoint": f"http://127.0.0.1:{receiver.port}"},
            "traces": {"ratio": 1.0, "console": True},
            "metrics_interval_s": 0.2,
            "projects": ["success-whole"],
            "audit": {"path": str(audit)},
        },
    }


def keep_ids(config: dict[str, Any]) -> None:
    """Let Envoy take the caller's request id for its own, so that a scene is known by its name."""
    chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
    chain["filters"][0]["typed_config"]["preserve_external_request_id"] = True


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="evidence")
async def _evidence(tmp_path_factory: Any) -> AsyncIterator[Evidence]:
    """All scenes, played on one gateway that has then been ended, so that everything is flushed."""
    audit = tmp_path_factory.mktemp("canary") / "audit.jsonl"
    sinks: dict[str, bytes] = {}
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(running_receiver())
        command = [sys.executable, "-m", "tests.wire.faulty_processor", free_address()]
        gateway = await stack.enter_async_context(
            running_gateway(mesh=mesh(receiver, audit), change=keep_ids, processor=command)
        )
        switch = gateway.socket.with_name("fault")
        played = scenes()
        for number, scene in enumerate(played):
            if scene.fault == "export-spans":
                await until(partial(heard, receiver, played[number - 1]))
            if scene.fault == "audit-write":
                await asyncio.sleep(5 * FLUSH_S)  # lines of earlier scenes are still to be written
            switch.write_text(scene.fault)
            common = {**IN_HEADERS, "x-request-id": scene.request_id, "x-team": scene.name}
            try:
                scene.answer = await scene.ask(gateway, common)
            except (httpx.TransportError, TimeoutError):
                scene.answer = None
            if scene.fault == "stuck":
                await until(lambda: healthy(f"unix:{gateway.socket}"))
                await gateway.healthy_again()
                await asyncio.sleep(1.5)  # until the processor no longer counts what it was late by
            if scene.fault != "decode":
                await until(partial(ended, gateway, scene))
            if scene.fault.startswith(("audit-", "export-")):
                await lost(gateway, scene)
        switch.write_text("")
        await asyncio.sleep(0.5)
        async with httpx.AsyncClient() as client:
            for page in ("metrics", "config", "readyz"):
                sinks[page] = (await client.get(f"{gateway.processor_admin}/{page}")).content
        await gateway.processor.stop()
        await gateway.envoy.stop()
        sinks["log"] = gateway.processor.output().encode()
        sinks["access log"] = gateway.envoy.output().encode()
        sinks["audit"] = audit.read_bytes()
        sinks["otlp"] = receiver.raw
        sinks["upstream bodies"] = b"\n".join(request.body for request in gateway.received)
        sinks["upstream targets"] = "\n".join(request.target for request in gateway.received).encode()
        sinks["upstream ids"] = "\n".join(request.get("x-request-id") for request in gateway.received).encode()
        refusals = [s for s in played if s.answer is not None and s.answer.status_code >= 400]
        sinks["errors"] = b"\n".join(f"{s.answer.headers.raw} ".encode() + s.answer.content for s in refusals)
        yield Evidence({scene.name: scene for scene in played}, receiver, sinks)


async def ended(gateway: Gateway, scene: Scene) -> bool:
    """Whether the processor is done with a scene, which may be after its client is: the next fault is not for it."""
    return any(
        f'"request_id": "{scene.request_id}"' in line and '"outcome"' in line
        for line in gateway.processor.output().splitlines()
    )


async def heard(receiver: Receiver, scene: Scene) -> bool:
    """Whether a scene's span has arrived."""
    return scene.request_id.encode() in receiver.raw


async def lost(gateway: Gateway, scene: Scene) -> None:
    """Wait until a fault outside of the request has struck, before the next scene switches it off."""

    async def struck() -> bool:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{gateway.processor_admin}/metrics")).text
        signal = {"export-spans": "traces", "export-metrics": "metrics"}.get(scene.fault)
        line = f'telemetry_dropped_total{{signal="{signal}"}}' if signal else 'lines_total{intentmesh_outcome="lost"}'
        return line in text

    await until(struck)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", [scene.name for scene in scenes()])
async def test_scene_ends_as_it_should(evidence: Evidence, name: str) -> None:
    """Faults before the model refuse, faults in telemetry cost nothing, and whoever gets an answer gets all of it."""
    scene = evidence.scenes[name]
    status = scene.answer.status_code if scene.answer is not None else None
    assert status in scene.statuses, scene.answer and scene.answer.text
    if status == 200 and "json" in scene.answer.headers["content-type"]:
        assert scene.answer.json()["choices"][0]["message"]["content"] == TEXT
    if status in (400, 413, 503):
        assert "error" in scene.answer.json()


@pytest.mark.parametrize("sink", ["log", "access log", "audit", "otlp"])
async def test_every_sink_heard_of_every_scene(evidence: Evidence, sink: str) -> None:
    """One id through all parts. Without this, a sink that gets nothing would hold no secret either."""
    unheard = {
        "log": {"decode"},
        "access log": set(),
        "audit": {"decode", *(fault for fault in OPEN if fault.startswith("audit-"))},
        "otlp": {"decode", "telemetry-begin", "telemetry-count", "telemetry-span", "export-spans"},
    }[sink]
    expected = {s.request_id for s in evidence.scenes.values() if s.fault not in unheard}
    told = evidence.sinks[sink].decode(errors="replace")
    assert {request_id for request_id in expected if request_id not in told} == set()


async def test_positive_control_by_content(evidence: Evidence) -> None:
    """Each sink says the right thing, not only anything."""
    sinks = {name: data.decode(errors="replace") for name, data in evidence.sinks.items()}
    assert '"event": "masking_failed"' in sinks["log"]
    assert '"event": "stream_failed"' in sinks["log"]
    assert '"event": "telemetry_failed"' in sinks["log"]
    assert '"event": "request"' in sinks["log"]
    assert "CarelessError" in sinks["log"]
    assert '"CREDIT_CARD:replace":1' in sinks["audit"]
    assert "classifier:CarelessError" in sinks["audit"]
    assert '"model":"support"' in sinks["access log"].replace(" ", "")
    assert "CREDIT_CARD=1" in sinks["access log"]
    assert '"total_tokens":12' in sinks["access log"].replace(" ", "")
    assert "intentmesh.entity.CREDIT_CARD" in sinks["otlp"]
    assert 'intentmesh_fail_closed_total{intentmesh_reason="MaskingError"}' in sinks["metrics"]
    assert 'intentmesh_fail_open_total{intentmesh_reason="classifier"}' in sinks["metrics"]
    assert "[CREDIT_CARD_1]" in sinks["upstream bodies"]
    assert "EMAIL_ADDRESS" in sinks["upstream targets"]
    assert "canary-success-whole" in sinks["upstream ids"]
    assert '"request_id": "canary-blocked-whole"' in sinks["errors"]


@pytest.mark.parametrize(
    "sink",
    [
        *("log", "access log", "audit", "otlp", "metrics", "config", "readyz"),
        *("errors", "upstream bodies", "upstream targets"),
    ],
)
async def test_no_secret_in(evidence: Evidence, sink: str) -> None:
    """Neither a word of what was typed, nor the value of a header, nor the query, however it is written."""
    assert evidence.sinks[sink]
    assert found_in(evidence.sinks[sink]) == {}


async def test_metrics_know_only_configured_projects(evidence: Evidence) -> None:
    """A caller cannot make series by naming projects."""
    metrics = evidence.sinks["metrics"].decode()
    projects = {part.partition('"')[0] for part in metrics.split('intentmesh_project="')[1:]}
    assert projects == {"success-whole", "other"}


@pytest.mark.parametrize("name", SECRETS)
async def test_the_search_finds(name: str) -> None:
    """The search is worth something: it finds each secret in each of its dresses."""
    for form in forms(SECRETS[name]):
        assert name in found_in(b"x" * 50 + form.upper() + b"y" * 50)
    nested = json.dumps({"body": json.dumps({"text": f"see {SECRETS[name]}!"})}).encode()
    assert name in found_in(nested)


async def test_all_faults_are_played() -> None:
    """A step that is added to the processor's faults is a scene here."""
    assert set(STEPS) | set(SLOW) == set(CLOSED) | set(IN_ANSWER) | set(OPEN)
