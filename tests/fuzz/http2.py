"""Coverage-guided: any bytes on a connection of the gRPC server, see `talk.py`.

    python -m tests.fuzz.http2 FOLDER -max_total_time=600      (with the kept inputs: python -m tests.fuzz.run)

Input: what is sent after the greeting.
"""

from __future__ import annotations

import asyncio
import sys

import atheris

with atheris.instrument_imports(include=["extproc.http2"]):
    from tests.fuzz.talk import GREETING, listen

RUNNER = asyncio.Runner()


def one_input(data: bytes) -> None:
    """One connection."""
    RUNNER.run(listen(GREETING + data))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
