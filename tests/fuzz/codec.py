"""Coverage-guided: bytes from Envoy's side of the socket, through codec and stream, against what must never happen.

    python -m tests.fuzz.codec FOLDER -max_total_time=600      (with the kept inputs: python -m tests.fuzz.run)

Input: messages, each after two bytes of its length, as they come one after the other on one gRPC stream.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["extproc.wire.codec", "extproc.exchange.stream", "extproc.exchange.modes", "extproc.exchange.answer"]
):
    from extproc.exchange.stream import End, HttpStream
    from extproc.wire import codec

from extproc.config.mesh import Mesh
from extproc.decision import Forward, Inquiry, Respond
from extproc.errors import IntentmeshError, ProtocolError
from extproc.exchange.events import Mutate
from extproc.exchange.settings import ExchangeSettings
from extproc.pipeline import Pipeline

MESH = Mesh.model_validate(
    {
        "version": 1,
        "intercept": [{"path_prefix": "/v1/", "payload": "auto"}],
        "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
        "default_model": "general",
    }
)
SETTINGS, PIPELINE = ExchangeSettings.of(MESH), Pipeline.build(MESH)
MASKED = b"masked"


def messages(data: bytes) -> list[bytes]:
    """The input as messages."""
    found = []
    while len(data) >= 2:
        size = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + size])
        data = data[2 + size :]
    return found


def one_input(data: bytes) -> None:
    """One exchange: only errors of ours, no body let go before it was inspected, no clean end while one is held."""
    exchange = HttpStream(SETTINGS, PIPELINE)
    inspected = False
    for message in messages(data):
        try:
            step = exchange.receive(codec.decode(message))
        except ProtocolError:
            break
        except IntentmeshError as error:
            step = exchange.refused(error)
        else:
            if isinstance(step, Inquiry):
                inspected = True
                step = exchange.inspected(Forward("general", "external", "fuzz", body=MASKED))
        for reply in step:
            codec.encode(reply)
            if isinstance(reply, Respond) or exchange.rule is None or inspected or reply.phase != "request_body":
                continue
            assert isinstance(reply, Mutate), "an intercepted body went on unread"
            assert not reply.body, "an intercepted body went on unread"
        if exchange.finished:
            assert not exchange._request_open or exchange.end(End.CLOSED).outcome == "rejected", (
                "closed while a body is held"
            )
            break
    exchange.end(End.CLOSED)


if __name__ == "__main__":
    sys.argv[0] = f"{sys.executable} -m tests.fuzz.codec"  # as which libFuzzer starts itself anew to merge
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
