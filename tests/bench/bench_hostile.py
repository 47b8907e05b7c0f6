"""What bodies cost that were made to cost much, how that grows, and what others notice of them.

    python -m tests.bench.bench_hostile [growth answers others]

`growth`: processor time a byte of reading, searching, masking and writing back, at three sizes, and the exponent between the
first and the last: 1 is in proportion to the size. `answers`: the same of restoring. `others`: small requests go on, at a fixed
rate and on one connection to a processor of one worker, while one hostile request after the other is handled beside them:
what of them failed, and how long they took. One JSON line per case.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles
from time import process_time
from typing import TYPE_CHECKING

import grpc
import yaml

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.errors import IntentmeshError
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Vault
from extproc.process.host import settle
from extproc.wire import messages as wire
from tests import hostile
from tests.bench.machine import birth_certificate
from tests.wire.harness import MESH_YAML, Process, healthy, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

SIZES = (16_000, 64_000, 256_000)
LARGEST = 8_000_000
PIECE = 16_384
RATE, SECONDS = 50, 3.0
RULE = Intercept.model_validate({"path_prefix": "/", "payload": "auto"})
ORDINARY = hostile.chat(
    "When does my order 4711 arrive? I am Ada Lovelace, ada@example.org. " + "It was due on Monday. " * 8
)


def tell(bench: str, **line: object) -> None:
    """One case."""
    print(json.dumps({"bench": f"hostile_{bench}", **line, **birth_certificate()}), flush=True)
    sys.stderr.write(f"{bench}: {json.dumps(line)}\n")


def growth_of(work: Callable[[Any], None], make: Callable[[int], Any]) -> dict[str, object]:
    """Nanoseconds a byte at each size, and the exponent; refused: what the larger ones are refused with."""
    line: dict[str, object] = {}
    spent: list[tuple[int, float]] = []
    for size in SIZES:
        case, best = make(size), math.inf
        try:
            for _ in range(3 if size < SIZES[-1] else 1):
                began = process_time()
                work(case)
                best = min(best, process_time() - began)
        except IntentmeshError as error:
            line["refused"] = type(error).__name__
            break
        spent.append((size, best))
        gc.collect()
    line["ns_per_byte"] = [round(1e9 * took / size) for size, took in spent]
    if len(spent) > 1 and spent[-1][1] > 0.002:
        (first, short), (last, long) = spent[0], spent[-1]
        line["exponent"] = round(math.log(long / max(short, 1e-4)) / math.log(last / first), 2)
    return line


def growth() -> None:
    """Requests."""
    settings = PiiSettings.model_validate({"remember_texts": 0})
    anonymizer = Anonymizer(settings, Analyzer(settings))
    settle()  # as a processor does

    def work(request: hostile.Request) -> None:
        document = parse(RULE, request.path, request.content_type, request.content_encoding, request.body)
        document.replace(anonymizer.anonymize(document.segments, body=document.body).edits)

    for name, make in hostile.REQUESTS.items():
        tell("request", case=name, **growth_of(work, make))


def answers() -> None:
    """Answers, in the pieces that an Envoy sends."""

    def work(answer: hostile.Answer) -> None:
        vault = Vault()
        for i in range(answer.placeholders):
            vault.placeholder("EMAIL_ADDRESS", f"user{i}@example.org")
        editor = response_editor(RULE, answer.content_type, answer.content_encoding, AnswerEditors(vault, None))
        for piece in hostile.pieces(answer.body, PIECE):
            editor.feed(piece)
        editor.feed(b"", end=True)

    for name, make in hostile.ANSWERS.items():
        tell("answer", case=name, **growth_of(work, make))


def said(request: hostile.Request) -> list[bytes]:
    """A request as Envoy tells of it, its body whole."""
    told = {
        ":method": "POST",
        ":path": request.path if request.path != "/x" else "/v1/x",
        "content-type": request.content_type,
        "content-encoding": request.content_encoding,
    }
    head = wire.ProcessingRequest()
    for name, value in told.items():
        if value:
            head.request_headers.headers.headers.add(key=name, raw_value=value.encode())
    head.protocol_config.request_body_mode, head.protocol_config.response_body_mode = 2, 1
    body = wire.ProcessingRequest()
    body.request_body.body, body.request_body.end_of_stream = request.body, True
    return [head.SerializeToString(), body.SerializeToString()]


async def ask(method: Any, messages: list[bytes]) -> str:
    """One exchange up to the decision: `forwarded`, or the status that it was refused with."""
    call = method()
    try:
        for message in messages:
            await call.write(message)
            reply = await call.read()
            if reply is grpc.aio.EOF:
                return "ended"
            response = wire.ProcessingResponse.FromString(reply)
            if response.WhichOneof("response") == "immediate_response":
                return str(response.immediate_response.status.code)
    except grpc.aio.AioRpcError as error:
        return error.code().name  # type: ignore[no-any-return]
    else:
        return "forwarded"
    finally:
        call.cancel()


def speaking(socket: str) -> Any:
    """A connection to the processor."""
    return grpc.aio.insecure_channel(f"unix:{socket}", [("grpc.max_send_message_length", -1)])


async def harass(socket: str, case: str) -> None:
    """One hostile request after the other, for ever; a line for what became of each."""
    messages = said(hostile.REQUESTS[case](LARGEST))
    async with speaking(socket) as channel:
        method = channel.stream_stream(f"/{wire.SERVICE}/{wire.METHOD}")
        while True:
            print(await ask(method, messages), flush=True)


async def others_beside(socket: str, case: str | None, seconds: float) -> dict[str, object]:
    """Small requests at a fixed rate for so long, and beside them, from another process, hostile ones."""
    took: list[float] = []
    lost = 0
    harasser = None
    if case is not None:
        command = (sys.executable, "-m", "tests.bench.bench_hostile", "harass", socket, case)
        pipe = asyncio.subprocess.PIPE
        harasser = await asyncio.create_subprocess_exec(*command, stdout=pipe)
        await asyncio.sleep(1.5)  # it has begun
    async with speaking(socket) as channel:
        method = channel.stream_stream(f"/{wire.SERVICE}/{wire.METHOD}")
        messages = said(ORDINARY)
        await ask(method, messages)

        async def one(due: float) -> None:
            nonlocal lost
            lost += await ask(method, messages) != "forwarded"
            took.append(time.monotonic() - due)

        began = time.monotonic()
        asked = []
        for nth in range(int(RATE * seconds)):
            due = began + nth / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            asked.append(asyncio.create_task(one(due)))
        await asyncio.gather(*asked)
    told = b""
    if harasser:
        harasser.kill()
        told, _ = await harasser.communicate()
    cuts = [1e3 * cut for cut in quantiles(took, n=100)]
    return {
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
        "max_ms": round(1e3 * max(took), 1),
        "lost": lost,
        "hostile": Counter(told.decode().split()),
    }


async def serving(folder: Path) -> AsyncIterator[str]:
    """A processor of one worker on a socket of its own."""
    mesh = yaml.safe_load(MESH_YAML.read_text())
    socket = folder / "s.sock"
    mesh["processor"] = {"socket": str(socket), "admin": "127.0.0.1:0", "workers": 1, "log_level": "error"}
    (folder / "mesh.yaml").write_text(yaml.safe_dump(mesh))
    command = [sys.executable, "-m", "extproc", "serve", str(folder / "mesh.yaml")]
    process = Process("processor", command, folder / "log")
    await process.start()
    try:
        await until(lambda: healthy(f"unix:{socket}"), process=process)
        yield str(socket)
    finally:
        await process.stop()


async def others(*only: str) -> None:
    """What small requests notice."""
    with tempfile.TemporaryDirectory(prefix="im-") as folder:
        async for socket in serving(Path(folder)):
            tell("others", case="nobody", **await others_beside(socket, None, SECONDS))
            for name in only or hostile.REQUESTS:
                tell("others", case=name, **await others_beside(socket, name, SECONDS))
            tell("others", case="nobody", **await others_beside(socket, None, SECONDS))


def main() -> None:
    """What is named, or all of it."""
    wanted = sys.argv[1:] or ["growth", "answers", "others"]
    if wanted[0] == "harass":
        asyncio.run(harass(*wanted[1:]))
        return
    if "growth" in wanted:
        growth()
    if "answers" in wanted:
        answers()
    if "others" in wanted:
        asyncio.run(others(*(name for name in wanted if name in hostile.REQUESTS)))


if __name__ == "__main__":
    main()
