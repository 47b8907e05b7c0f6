"""Whatever breaks, nothing unmasked reaches an upstream, and every refusal is an error that a client understands."""

import asyncio
import contextlib
import gzip
import signal
from functools import partial

import grpc
import httpx
import pytest

from extproc.exchange.events import BodyMode
from extproc.wire import codec
from extproc.wire import messages as wire
from tests.wire.harness import ext_proc, healthy, running_gateway, until

SECRET = "canary-7f3a@example.org"
CHAT = {"messages": [{"role": "user", "content": f"I am {SECRET}."}]}


def leaks(gateway):
    """Requests in which an upstream saw the secret."""
    return [request for request in gateway.received if SECRET.encode() in request.body]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"messages": [', {"content-type": "application/json"}, 400),
        (b"[" * 100_000, {"content-type": "application/json"}, 400),
        (b"\xff\xfe" + SECRET.encode(), {"content-type": "application/json"}, 400),
        (gzip.compress(b"0" * 50_000_000), {"content-type": "application/json", "content-encoding": "gzip"}, 413),
        (b"not gzip" + SECRET.encode(), {"content-type": "application/json", "content-encoding": "gzip"}, 400),
        (SECRET.encode(), {"content-type": "application/json", "content-encoding": "unknown"}, 400),
    ],
    ids=["cut", "deep", "not utf-8", "bomb", "not gzip", "unknown encoding"],
)
async def test_an_unreadable_body_is_refused(gateway, body, headers, status):
    """An intercepted body that cannot be read could not be masked: the error is OpenAI's, and quotes nothing."""
    answer = await gateway.client.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not gateway.received


async def test_a_body_above_the_limit_is_refused(gateway):
    """Above `limits.max_body_bytes` the answer is 413, and the connection lives on."""
    big = b'{"messages": [{"role": "user", "content": "' + b"x" * 9_000_000 + b'"}]}'
    answer = await gateway.client.post(
        "/v1/chat/completions", content=big, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert (await gateway.chat("Hello.")).status_code == 200


test_an_unreadable_body_is_refused = pytest.mark.asyncio(loop_scope="module")(test_an_unreadable_body_is_refused)
test_a_body_above_the_limit_is_refused = pytest.mark.asyncio(loop_scope="module")(
    test_a_body_above_the_limit_is_refused
)


async def test_killed_under_load():
    """`kill -9` again and again under load: no unmasked body goes on, clients see 5xx, and traffic heals."""
    async with running_gateway() as gateway:
        statuses: dict[int, int] = {}
        over = asyncio.Event()

        async def client():
            while not over.is_set():
                answer = await gateway.client.post("/v1/chat/completions", json=CHAT)
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                if answer.status_code == 200:
                    assert gateway.text_of(answer) == f"I am {SECRET}."

        async def answered_again(so_far):
            return statuses.get(200, 0) >= so_far + 3 * len(clients)

        clients = [asyncio.create_task(client()) for _ in range(8)]
        for _ in range(3):
            await until(partial(answered_again, statuses.get(200, 0)))
            await gateway.processor.kill(signal.SIGKILL)
            await asyncio.sleep(0.2)
            await gateway.processor.start()
            await until(lambda: healthy(f"unix:{gateway.socket}"), process=gateway.processor)
            await gateway.healthy_again()
        await until(partial(answered_again, statuses.get(200, 0)))
        over.set()
        await asyncio.gather(*clients)
        assert not leaks(gateway)
        assert statuses[200] > 50
        assert {status for status in statuses if status != 200} <= {500, 502, 503, 504}
        assert (await gateway.client.post("/v1/chat/completions", json=CHAT)).status_code == 200


async def test_stopped_processor_times_out():
    """A processor that hangs is a 504 after `message_timeout`, not an open door."""
    async with running_gateway(change=lambda c: ext_proc(c).update(message_timeout="0.3s")) as gateway:
        gateway.processor.child.send_signal(signal.SIGSTOP)
        try:
            answer = await gateway.client.post("/v1/chat/completions", json=CHAT)
            assert answer.status_code in (503, 504)
            assert not gateway.received
        finally:
            gateway.processor.child.send_signal(signal.SIGCONT)


async def test_no_processor_at_all():
    """Without a processor intercepted requests fail and the others pass."""
    async with running_gateway() as gateway:
        await gateway.processor.kill()
        answer = await gateway.client.post("/v1/chat/completions", json=CHAT)
        assert answer.status_code in (500, 503)
        assert not gateway.received
        assert (await gateway.client.post("/other", json=CHAT)).status_code == 200


@pytest.mark.parametrize("mode", ["NONE", "STREAMED", "BUFFERED_PARTIAL"])
async def test_an_envoy_that_is_set_up_wrongly_is_told(mode):
    """A body mode in which masking cannot be safe is refused at the first message, in words."""
    async with running_gateway(
        change=lambda c: ext_proc(c)["processing_mode"].update(request_body_mode=mode)
    ) as gateway:
        answer = await gateway.client.post("/v1/chat/completions", json=CHAT)
        assert answer.status_code == 503
        assert mode in answer.json()["error"]["message"]
        assert not gateway.received


async def say(socket, *messages):
    """Speak to the processor as no Envoy would; the replies, or the gRPC status."""
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        call = channel.stream_stream(f"/{wire.SERVICE}/{wire.METHOD}")(iter(messages))
        try:
            return [wire.ProcessingResponse.FromString(reply) async for reply in call]
        except grpc.aio.AioRpcError as error:
            return error.code()


async def test_nonsense_is_aborted():
    """Bytes that are no message, and messages out of order, end the stream with INTERNAL, never cleanly."""
    body = wire.ProcessingRequest()
    body.request_body.body = b"x"
    trailers = wire.ProcessingRequest()
    trailers.response_trailers.SetInParent()
    odd = wire.ProcessingRequest()
    odd.request_headers.SetInParent()
    odd.protocol_config.request_body_mode = 9
    async with running_gateway() as gateway:
        for messages in ([b"\xff\xff"], [b""], [body], [trailers], [odd]):
            encoded = [m if isinstance(m, bytes) else m.SerializeToString() for m in messages]
            assert await say(gateway.socket, *encoded) is grpc.StatusCode.INTERNAL
        assert (await gateway.chat("Hello.")).status_code == 200
        assert BodyMode(2) is BodyMode.BUFFERED
        assert codec.decode(body.SerializeToString()).body == b"x"


async def test_sigterm_lets_streams_finish():
    """On SIGTERM an answer in progress is restored to its end, and the process ends with 0."""
    async with running_gateway() as gateway:
        release = asyncio.Event()

        async def slow(request, writer):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"9\r\nI am [EMA\r\n")
            await writer.drain()
            await release.wait()
            writer.write(b"e\r\nIL_ADDRESS_1].\r\n0\r\n\r\n")
            await writer.drain()
            return True

        for upstream in gateway.upstreams.values():
            upstream.answer = slow
        asking = asyncio.create_task(gateway.client.post("/v1/chat/completions", json=CHAT))

        async def arrived():
            return bool(gateway.received)

        await until(arrived)
        ending = asyncio.create_task(gateway.processor.kill(signal.SIGTERM))

        async def draining():
            async with httpx.AsyncClient() as admin:
                return (await admin.get(f"{gateway.processor_admin}/readyz")).status_code == 503

        await until(draining)
        release.set()
        assert (await asking).text == f"I am {SECRET}."
        assert await ending == 0
        assert not gateway.socket.exists()


async def test_a_dead_upstream_is_an_error():
    """An upstream that dies in the middle of its answer gives an error or a cut answer, and the next request works."""
    async with running_gateway() as gateway:

        async def die(request, writer):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nI am [EMAIL_")
            await writer.drain()
            return False

        for upstream in gateway.upstreams.values():
            upstream.answer = die
        with contextlib.suppress(httpx.RemoteProtocolError):  # cut off where the upstream was
            assert (await gateway.client.post("/v1/chat/completions", json=CHAT)).status_code >= 500
        for upstream in gateway.upstreams.values():
            upstream.answer = None
        assert (await gateway.chat("Hello.")).status_code == 200
