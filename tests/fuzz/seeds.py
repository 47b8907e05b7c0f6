"""The first inputs of the fuzzers: every type of body, plain and compressed, whole exchanges in every mode, a call in frames."""

from __future__ import annotations

import gzip
import random

from tests.chaos.illegal import legal
from tests.fuzz.kinds import CODINGS, TYPES
from tests.fuzz.talk import CALL

BODIES = (
    b'{"model": "m", "messages": [{"role": "user", "content": "I am ada@example.org"}], "stream": true}',
    b'{"system": "s", "messages": [{"role": "user", "content": [{"type": "text", "text": "\\u00e9"}]}]}',
    b'{"a": ["b", {"c": "d\\n"}], "e": 1.5e3}',
    b'{"a": "b"}\n{"a": "c"}\n',
    b"a=b&c=%40d+e",
    b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\ntext\r\n--b--\r\n',
    b"plain [EMAIL_ADDRESS_1] text",
    b'data: {"choices":[{"index":0,"delta":{"content":"[EMAIL_ADDRESS_1]"}}]}\n\ndata: [DONE]\n\n',
)


def bodies() -> list[bytes]:
    """For payload.py."""
    return [
        bytes([kind + coding * len(TYPES), 3]) + packed
        for kind, body in enumerate(BODIES)
        for coding, packed in ((CODINGS.index(""), body), (CODINGS.index("gzip"), gzip.compress(body, mtime=0)))
    ]


def exchanges() -> list[bytes]:
    """For codec.py."""
    told = ([message.SerializeToString() for message in legal(random.Random(number))] for number in range(12))
    return [b"".join(len(message).to_bytes(2, "big") + message for message in messages) for messages in told]


def connections() -> list[bytes]:
    """For http2.py."""
    return [b"".join(CALL[:count]) for count in range(1, len(CALL) + 1)]


SEEDS = {"codec": exchanges, "http2": connections, "payload": bodies}
