"""Requests of every kind at once: no slot leaked, no crash, memory flat, and a SIGTERM in the middle of it.

INTENTMESH_TORTURE_REQUESTS=1000 for the long run.
"""

import asyncio
import json
import os
import random
import signal

REQUESTS = int(os.environ.get("INTENTMESH_TORTURE_REQUESTS", "200"))
CLIENTS = 16
GROWTH_MIB = 24


async def exchange(server, body, *, leave_after=None):
    """Post a body; leave after so many bytes of the answer, or read it all. The status, or None if we left."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        if leave_after is not None:
            await asyncio.wait_for(reader.read(max(1, leave_after)), 0.05 if leave_after == 0 else 120)
            return None
        answer = await asyncio.wait_for(reader.read(-1), 120)
        return int(answer[9:12])
    except TimeoutError:
        assert leave_after == 0
        return None
    finally:
        writer.close()


def request(chance):
    """A random request: its body, when its client leaves, and the statuses that are right for it."""
    words = " ".join(chance.choices(["ab", "cd", "ef", "👍", "<|im_end|>"], k=chance.choice([1, 10, 100, 400])))
    body = {
        "messages": [{"role": "system", "content": "shared " * 40}, {"role": "user", "content": words}],
        "max_tokens": chance.randint(1, 60),
        "temperature": chance.choice([0, 0.8, 2]),
        "seed": chance.randrange(100),
        "stream": chance.random() < 0.5,
    }
    kind = chance.random()
    if kind < 0.08:
        return json.dumps(body).encode()[: chance.randrange(1, 50)], None, {400}
    if kind < 0.12:
        return json.dumps(body | {"temperature": "hot"}).encode(), None, {400}
    if kind < 0.18:
        body["messages"][1]["content"] = words * 200 + "long " * 2000
        return json.dumps(body).encode(), None, {400}
    if kind < 0.24:
        body["response_format"] = {"type": "json_object"}
    elif kind < 0.28:
        body["grammar"] = "root ::= missing"
        return json.dumps(body).encode(), None, {400, 503}
    elif kind < 0.32:
        body |= {"n": 3, "logprobs": True, "top_logprobs": 2}
    elif kind < 0.36:
        body |= {"stop": ["a", "bc"], "presence_penalty": 1.0}
    if chance.random() < 0.25:
        body["max_tokens"] = 1500
        return json.dumps(body).encode(), chance.choice([0, 1, 500, 5000]), {None}
    return json.dumps(body).encode(), None, {200, 503}


async def crowd(server, count, seed):
    """Send so many requests from CLIENTS clients; the statuses seen."""
    chance = random.Random(seed)
    requests = [request(chance) for _ in range(count)]
    seen = []

    async def client():
        while requests:
            body, leave_after, right = requests.pop()
            status = await exchange(server, body, leave_after=leave_after)
            assert status in right, (status, right, body[:300])
            seen.append(status)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return seen


def test_requests_of_every_kind(start):
    """Everything ends as it should; then nothing is busy and the memory is where it was after the first fifth."""
    with start("--slots", 8, "--max-queue", 20, "--context-tokens", 2048, "--batch-tokens", 128) as server:
        asyncio.run(crowd(server, REQUESTS // 5, seed=1))
        early = server.resident_mib()
        seen = asyncio.run(crowd(server, REQUESTS - REQUESTS // 5, seed=2))
        for name in ("slots_busy", "requests_active", "queue_length"):
            server.wait_metric(name, 0)
        late = server.resident_mib()
        counts = {status: seen.count(status) for status in set(seen)}
        print(f"{REQUESTS} requests: {counts}, resident {early:.0f} MiB, then {late:.0f} MiB")
        assert {200, 400, None} <= set(seen)
        assert late < early + GROWTH_MIB


async def _terminated(server):
    """A crowd, and a SIGTERM while it is at its busiest; what each client saw."""

    async def one(chance):
        body, leave_after, _ = request(chance)
        try:
            return await exchange(server, body, leave_after=leave_after)
        except (OSError, ValueError):
            return "refused"

    chance = random.Random(3)
    tasks = [asyncio.create_task(one(chance)) for _ in range(40)]
    await asyncio.sleep(0.1)
    server.process.send_signal(signal.SIGTERM)
    return await asyncio.gather(*tasks)


def test_sigterm_in_the_middle(start):
    """Every client gets a whole answer, a clear refusal or a closed door; the process ends with 0 in time."""
    with start("--slots", 4, "--context-tokens", 2048, "--grace-s", 5) as server:
        seen = asyncio.run(_terminated(server))
        log = server.stop()
        assert server.process.returncode == 0, log
        assert set(seen) <= {200, 400, 503, None, "refused"}
        assert "Traceback" not in log
