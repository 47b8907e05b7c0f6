"""Writes the first inputs of the two fuzzers: `python -m tests.fuzz.seeds`. What they find is kept beside them."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

from tests.chaos.illegal import legal
from tests.fuzz.kinds import CODINGS, TYPES

CORPUS = Path(__file__).parent / "corpus"
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


def main() -> None:
    """Every type, plain and compressed; whole exchanges in every mode."""
    for folder in ("codec", "payload"):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
    for kind, body in enumerate(BODIES):
        for coding, packed in ((0, body), (1, gzip.compress(body, mtime=0))):
            data = bytes([kind + coding * len(TYPES), 3]) + packed
            (CORPUS / "payload" / f"seed-{kind}-{CODINGS[coding] or 'plain'}").write_bytes(data)
    for number in range(12):
        encoded = [message.SerializeToString() for message in legal(random.Random(number))]
        data = b"".join(len(message).to_bytes(2, "big") + message for message in encoded)
        (CORPUS / "codec" / f"seed-{number}").write_bytes(data)


if __name__ == "__main__":
    main()
