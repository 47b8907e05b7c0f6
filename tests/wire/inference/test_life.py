"""Loading, being full, being left, going down."""

import json
import signal
import socket
import threading
import time

import httpx
import pytest

from scripts.make_gguf import PRESETS, make_gguf
from tests.wire.inference.bert import make_bert

HELLO = [{"role": "user", "content": "hello there"}]


def stream(server, tokens):
    """Open a streamed request; the response, after its first bytes have come."""
    body = {"messages": HELLO, "max_tokens": tokens, "stream": True}
    context = httpx.stream("POST", f"{server.url}/v1/chat/completions", json=body, timeout=60)
    response = context.__enter__()
    lines = response.iter_lines()
    next(lines)
    return context, lines


def test_health_while_loading(tmp_path, launch):
    """503 with progress until the model is loaded, then 200; a request meanwhile is told to come back."""
    path = tmp_path / "big.gguf"
    make_gguf(path, PRESETS["100m"])
    server = launch(path, "--slots", 2)
    try:
        first = httpx.get(f"{server.url}/health")
        early = httpx.post(f"{server.url}/v1/infer", json={"prompt": "x"})
        assert (
            first.status_code,
            first.json()["status"],
            early.status_code,
            early.json()["error"]["code"],
        ) == (503, "loading", 503, "loading")
        assert 0 <= first.json()["progress"] <= 1
        assert early.headers["retry-after"]
        server.wait_ready()
        assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}
    finally:
        server.stop()


def test_full_is_said_at_once(start):
    """Slots and queue full: 503 with Retry-After, without waiting, and the metric counts it."""
    with start("--slots", 1, "--max-queue", 1, "--context-tokens", 32768) as server:
        context, _ = stream(server, 32000)  # not over before the others have come, however slowly they do
        body = {"prompt": "y", "max_tokens": 2}
        waiting = threading.Thread(target=httpx.post, args=(f"{server.url}/v1/completions",), kwargs={"json": body})
        waiting.start()
        server.wait_metric("queue_length", 1)
        started = time.perf_counter()
        answer = httpx.post(f"{server.url}/v1/infer", json={"prompt": "x"})
        took = time.perf_counter() - started
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        assert took < 1
        assert server.metric("requests_rejected_total") == 1
        context.__exit__(None, None, None)
        waiting.join()


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_frees_its_slot(start, streamed):
    """Long before its answer would have ended, the slot is idle again."""
    with start("--slots", 1) as server:
        body = json.dumps({"messages": HELLO, "max_tokens": 2000, "stream": streamed}).encode()
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            server.wait_metric("slots_busy", 1)
        server.wait_metric("requests_cancelled_total", 1, timeout_s=0.5)
        assert server.metric("slots_busy") == 0


def test_sigterm_lets_answers_finish(start):
    """What speaks is finished, new requests and health checks get 503, the process ends with 0."""
    with start("--context-tokens", 2048) as server:
        context, lines = stream(server, 1500)
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while (health := httpx.get(f"{server.url}/health")).status_code == 200:
            assert time.monotonic() < deadline
        refused = httpx.post(f"{server.url}/v1/infer", json={"prompt": "x"})
        assert (
            health.json()["status"],
            refused.status_code,
            refused.json()["error"]["code"],
        ) == ("draining", 503, "shutting_down")
        received = [line for line in lines if line]
        assert received[-1] == "data: [DONE]"
        context.__exit__(None, None, None)
        assert server.process.wait(10) == 0


def test_the_grace_time_ends(start):
    """What is not finished by then gets an error event, and the process ends."""
    with start("--grace-s", "0.2", "--context-tokens", 2048, "--slots", 8) as server:
        streams = [stream(server, 2000) for _ in range(8)]
        server.process.send_signal(signal.SIGTERM)
        last = [[line for line in lines if line][-1] for _, lines in streams]
        assert server.process.wait(10) == 0
        assert all(line == "data: [DONE]" or "shutting_down" in line for line in last)


def test_sigterm_while_idle_is_quick(start):
    """Nothing to wait for."""
    with start() as server:
        started = time.monotonic()
        log = server.stop()
        assert time.monotonic() - started < 3
        assert server.process.returncode == 0, log


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--memory-limit-mib", 64), "needs about"),
        (("--gpu-layers", 4), "no GPU support"),
        (("--chat-template", "/nowhere"), "cannot be read"),
        (("--slots", 0), "--slots"),
        (("--context-tokens", "x"), "--context-tokens"),
    ],
)
def test_what_cannot_be_served_is_one_message(tiny, launch, flags, message):
    """One line on stderr, exit code 1, no stack trace."""
    server = launch(tiny, *flags)
    server.process.wait(30)
    log = server.stop()
    assert server.process.returncode == 1
    assert message in log
    assert "Traceback" not in log


def test_a_damaged_file_is_one_message(tiny, tmp_path, launch):
    """Good header, rubbish in the vocabulary: whoever finds it, the message is one and the exit code 1."""
    content = tiny.read_bytes()
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content.replace(b"llama.block_count", b"llama.block_caunt", 1))
    server = launch(path)
    server.process.wait(30)
    log = server.stop()
    assert server.process.returncode == 1
    assert "llama.cpp cannot load it" in log
    assert "block_count" in log
    assert "Traceback" not in log


def test_a_tokenizer_that_would_end_the_process_is_one_message(tmp_path, launch):
    """llama.cpp ends the process at the first text if a BERT names no separator; so such a file is refused."""
    server = launch(make_bert(tmp_path / "bert.gguf", separator=False))
    server.process.wait(30)
    log = server.stop()
    assert (server.process.returncode, "seperator_token_id" in log, "Traceback" in log) == (1, True, False)


def test_a_port_in_use_is_one_message(server, tiny, launch):
    """The address is named."""
    port = server.url.rpartition(":")[2]
    second = launch(tiny, "--port", port)
    second.process.wait(30)
    log = second.stop()
    assert (second.process.returncode, f"--port {port}: cannot listen there" in log) == (1, True)
