"""Every body mode, on every Envoy: what works, and what is refused instead of half working.

`python -m tests.wire.conformance_table` writes the outcome into docs/conformance.md. A cell is `yes`, `refused` (a 503
that says which setting is wrong, and nothing reaches an upstream) or `no` (nothing leaks, but the feature is not to be had).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import brotli
import httpx
import pytest
import pytest_asyncio
import zstandard

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import Gateway, another_envoy, ext_proc, running_gateway
from tests.wire.upstream import head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL = "ada@example.org"
ASK = f"The bearing on pump 4 is running hot, tell {MAIL}."
CARD = "4111111111111111"
MESH = {
    "intercept": [{"path_prefix": "/v1/", "payload": "openai"}, {"path": "/ask", "payload": "text", "query": True}],
    "pii": {"entities": {"CREDIT_CARD": "block"}},
}
DUPLEX = "FULL_DUPLEX_STREAMED"


@dataclass(frozen=True)
class Setting:
    """How an Envoy is set up."""

    request: str
    response: str
    override: bool = True

    def __str__(self) -> str:
        return f"{self.request}/{self.response}" + ("" if self.override else " without overrides")

    def __call__(self, config: dict[str, Any]) -> None:
        """Set an Envoy up so."""
        trailers = "SEND" if DUPLEX in (self.request, self.response) else "SKIP"
        found = ext_proc(config)
        found["allow_mode_override"] = self.override
        found["processing_mode"] |= {
            "request_body_mode": self.request,
            "response_body_mode": self.response,
            "request_trailer_mode": trailers,
            "response_trailer_mode": trailers,
        }
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["http_protocol_options"] = {"enable_trailers": True}
        if self.request == DUPLEX:
            # A body that a filter releases in pieces may reach the upstream twice where the route has a retry policy
            # (envoyproxy/envoy#36119; seen here with trailers, on both versions): retries are for BUFFERED.
            for host in manager["route_config"]["virtual_hosts"]:
                host.pop("retry_policy", None)
        for cluster in config["static_resources"]["clusters"]:
            if cluster["name"] != "intentmesh":
                cluster["typed_extension_protocol_options"] = TRAILERS


PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TRAILERS = {
    PROTOCOL: {
        "@type": f"type.googleapis.com/{PROTOCOL}",
        "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}},
    }
}
SETTINGS = (
    Setting("BUFFERED", "NONE"),
    Setting("BUFFERED", "NONE", override=False),
    Setting("BUFFERED", "STREAMED"),
    Setting("BUFFERED", "BUFFERED"),
    Setting("BUFFERED", "BUFFERED_PARTIAL"),
    Setting("BUFFERED", DUPLEX),
    Setting(DUPLEX, DUPLEX),
    Setting(DUPLEX, "NONE"),
    Setting("STREAMED", "STREAMED"),
    Setting("BUFFERED_PARTIAL", "NONE"),
    Setting("NONE", "NONE"),
)


async def masks_and_routes(gateway: Gateway) -> None:
    """The upstream of the intent gets the request, masked."""
    await ok(gateway.chat(ASK))
    (request,) = gateway.upstreams["telemetry"].requests
    assert MAIL.encode() not in request.body
    assert b"[EMAIL_ADDRESS_1]" in request.body


async def restores_json(gateway: Gateway) -> None:
    """A JSON answer has the original again."""
    assert gateway.text_of(await ok(gateway.chat(ASK))) == ASK


async def restores_events(gateway: Gateway) -> None:
    """A streamed answer has it again, however it is cut."""
    answer = await ok(gateway.chat(ASK, stream=True, headers={"x-test-piece": "3", "x-test-cut": "5"}))
    assert gateway.text_of(answer) == ASK


async def keeps_content_length(gateway: Gateway) -> None:
    """The upstream is told the length of what it gets."""
    await ok(gateway.chat(ASK))
    (request,) = gateway.received
    assert not request.chunked


async def passes_large_bodies(gateway: Gateway) -> None:
    """10 MB outside the intercepted paths, both ways."""
    body = b'{"mail": "' + MAIL.encode() * 700_000 + b'"}'
    answer = await ok(gateway.client.post("/up", content=body))
    assert answer.content == body


async def passes_reads(gateway: Gateway) -> None:
    """GET, HEAD and an empty POST."""
    assert (await ok(gateway.client.get("/v1/files"))).content == b""
    assert (await ok(gateway.client.head("/v1/files"))).content == b""
    await ok(gateway.client.post("/up", content=b""))


async def routes_an_empty_body(gateway: Gateway) -> None:
    """POST without a body on an intercepted path."""
    await ok(gateway.client.post("/v1/embeddings", content=b""))


async def reads_compressed_requests(gateway: Gateway) -> None:
    """gzip, br, deflate and zstd on the way in stay so, masked."""
    body = json.dumps({"messages": [{"role": "user", "content": ASK}]}).encode()
    coders = {
        "gzip": (gzip.compress, gzip.decompress),
        "br": (brotli.compress, brotli.decompress),
        "deflate": (zlib.compress, zlib.decompress),
        "zstd": (zstandard.compress, lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b)),
    }
    for name, (encode, decode) in coders.items():
        headers = {"content-encoding": name, "content-type": "application/json"}
        answer = await ok(gateway.client.post("/v1/embeddings", content=encode(body), headers=headers))
        request = gateway.received[-1]
        assert MAIL.encode() not in decode(request.body)
        assert answer.content  # the echo of a compressed body, labelled as JSON


async def restores_compressed_answers(gateway: Gateway) -> None:
    """gzip, br, deflate and zstd on the way out: restored, and still what they say they are."""
    for name in ("gzip", "br", "deflate", "zstd"):
        answer = await ok(gateway.chat(ASK, headers={"x-test-encoding": name, "x-test-cut": "40"}))
        assert gateway.text_of(answer) == ASK


async def takes_chunks(gateway: Gateway) -> None:
    """A chunked request is read whole."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"messages": [{"role": "user", "content": "ada@exam'
        yield b'ple.org"}]}'

    headers = {"content-type": "application/json"}
    answer = await ok(gateway.client.post("/v1/chat/completions", content=pieces(), headers=headers))
    assert gateway.text_of(answer) == MAIL
    assert MAIL.encode() not in gateway.received[0].body


async def takes_trailers(gateway: Gateway) -> None:
    """A request that ends with trailers."""
    body = json.dumps({"messages": [{"role": "user", "content": MAIL}]}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
        b"te: trailers\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nx-end: 1\r\n\r\n" % (len(body), body)
    )
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    check_status(int(answer[9:12]), answer.partition(b"\r\n\r\n")[2])
    assert MAIL.encode() in answer
    assert MAIL.encode() not in gateway.received[0].body


async def restores_before_trailers(gateway: Gateway) -> None:
    """An answer that ends with trailers, and with a placeholder."""

    async def answer(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntrailer: x-end\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        writer.write(b"7\r\n[EMAIL_\r\nb\r\nADDRESS_1] \r\n0\r\nx-end: 1\r\n\r\n")
        await writer.drain()
        return True

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    assert (await ok(gateway.chat(ASK))).text == MAIL + " "


async def passes_statuses_without_body(gateway: Gateway) -> None:
    """Answers of 204 and 304 to a masked request."""
    for status in (204, 304):

        async def answer(request: Any, writer: asyncio.StreamWriter, status: int = status) -> bool:
            writer.write(b"HTTP/1.1 %d X\r\n\r\n" % status)
            await writer.drain()
            return True

        for upstream in gateway.upstreams.values():
            upstream.answer = answer
        seen = await gateway.chat(ASK)
        if seen.status_code == 503:
            check_status(503, seen.content)
        assert seen.status_code == status


async def passes_early_hints(gateway: Gateway) -> None:
    """A 103 before the answer."""

    async def answer(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 17\r\n\r\n[EMAIL_ADDRESS_1]")
        await writer.drain()
        return True

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    assert (await ok(gateway.chat(ASK))).text == MAIL


async def answers_expect_continue(gateway: Gateway) -> None:
    """`expect: 100-continue`."""
    assert gateway.text_of(await ok(gateway.chat(ASK, headers={"expect": "100-continue"}))) == ASK


async def speaks_http2(gateway: Gateway) -> None:
    """An HTTP/2 client."""
    async with httpx.AsyncClient(http1=False, http2=True, base_url=gateway.client.base_url) as client:
        body = {"messages": [{"role": "user", "content": ASK}]}
        assert gateway.text_of(await ok(client.post("/v1/chat/completions", json=body))) == ASK


async def refuses_at_the_headers(gateway: Gateway) -> None:
    """A refusal that the headers deserve: the client gets it, no upstream the request."""
    check_refusal(await gateway.client.post(f"/ask?card={CARD}", content=b""), gateway)


async def refuses_at_the_body(gateway: Gateway) -> None:
    """A refusal that the body deserves."""
    check_refusal(await gateway.chat(f"My card is {CARD}."), gateway)


async def refuses_at_the_answer(gateway: Gateway) -> None:
    """An answer that says gzip and is not: 502, or cut where its headers have left."""

    async def answer(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, "application/json", {"content-encoding": "gzip", "content-length": "5"}) + b"hello")
        await writer.drain()
        return True

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    try:
        seen = await gateway.chat(ASK)
    except httpx.RemoteProtocolError:
        return
    check_status(200 if seen.status_code == 502 else seen.status_code, seen.content)
    assert seen.json()["error"]["code"] == "unreadable_answer"


async def ignores_client_headers(gateway: Gateway) -> None:
    """Our own headers from a client change nothing."""
    await ok(gateway.client.get("/v1/files", headers={"x-intentmesh-model": "support"}))
    assert not gateway.upstreams["support"].requests


FEATURES: tuple[Callable[[Gateway], Awaitable[None]], ...] = (
    masks_and_routes,
    restores_json,
    restores_events,
    restores_compressed_answers,
    restores_before_trailers,
    keeps_content_length,
    reads_compressed_requests,
    takes_chunks,
    takes_trailers,
    routes_an_empty_body,
    answers_expect_continue,
    speaks_http2,
    passes_statuses_without_body,
    passes_early_hints,
    refuses_at_the_headers,
    refuses_at_the_body,
    refuses_at_the_answer,
    passes_reads,
    passes_large_bodies,
    ignores_client_headers,
)


class RefusedError(Exception):
    """The processor said that this mode will not do."""


async def ok(asking: Awaitable[httpx.Response]) -> httpx.Response:
    """The answer, if it is one."""
    answer = await asking
    check_status(answer.status_code, answer.content)
    return answer


def check_status(status: int, body: bytes) -> None:
    """Tell a refusal from a failure."""
    if status == 503 and b'"code": "mode"' in body:
        raise RefusedError
    assert status == 200, body[:300]


def check_refusal(answer: httpx.Response, gateway: Gateway) -> None:
    """A request that is refused for what it holds."""
    check_status(200 if answer.status_code == 400 else answer.status_code, answer.content)
    assert answer.json()["error"]["code"] == "blocked_entity"
    assert not gateway.received


async def outcome(feature: Callable[[Gateway], Awaitable[None]], gateway: Gateway) -> str:
    """`yes`, `refused` or `no`; raises when the secret got to an upstream in the clear."""
    for upstream in gateway.upstreams.values():
        upstream.requests.clear()
        upstream.answer = None
    try:
        await asyncio.wait_for(feature(gateway), 15)
    except RefusedError:
        assert not gateway.received, "refused, and sent on all the same"
        return "refused"
    except (AssertionError, httpx.HTTPError, TimeoutError, ValueError):
        intercepted = [r for r in gateway.received if r.target.startswith("/v1/")]
        assert not any(MAIL.encode() in request.body for request in intercepted), "leaked"
        return "no"
    return "yes"


def expected(feature: Callable[[Gateway], Awaitable[None]], setting: Setting) -> str:
    """The outcome that we promise. A table of exceptions: everything else works."""
    name = feature.__name__
    if name not in NEEDS_NO_BODY and str(setting) in REFUSED:
        return "refused"
    return EXCEPTIONS.get((name, str(setting)), "yes")


REFUSED = {
    f"{DUPLEX}/NONE",
    "STREAMED/STREAMED",
    "BUFFERED_PARTIAL/NONE",
    "BUFFERED/BUFFERED_PARTIAL",
    "NONE/NONE",
}
NEEDS_NO_BODY = (
    "passes_reads",
    "passes_large_bodies",
    "ignores_client_headers",
    "routes_an_empty_body",
    "refuses_at_the_headers",
)
NEEDS_THE_ANSWER = (
    "restores_json",
    "restores_events",
    "restores_compressed_answers",
    "restores_before_trailers",
    "takes_chunks",
    "takes_trailers",
    "answers_expect_continue",
    "speaks_http2",
    "passes_early_hints",
    "refuses_at_the_answer",
)
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("keeps_content_length", f"{DUPLEX}/{DUPLEX}"): "no",  # Envoy takes it off in this mode
    # We cannot know that an override will be ignored: the client gets placeholders.
    **{(name, "BUFFERED/NONE without overrides"): "no" for name in NEEDS_THE_ANSWER},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="everything")
async def _everything() -> AsyncIterator[Gateway]:
    async with running_gateway(mesh=MESH) as gateway:
        yield gateway


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("version", VERSIONS)
async def test_every_mode_works_or_is_refused(everything, version, setting):
    """Each feature in each mode is what the table says, and in no case does a secret get out."""
    async with another_envoy(everything, setting, envoy_binary(version)) as gateway:
        actual = {feature.__name__: await outcome(feature, gateway) for feature in FEATURES}
    assert {feature.__name__: expected(feature, setting) for feature in FEATURES} == actual
