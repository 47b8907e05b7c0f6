"""Amazon's event stream, written: what Bedrock makes of a stream of Anthropic's."""

import base64
import json
import zlib


def frame(headers, payload):
    """One frame, its headers texts."""
    told = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2) + value.encode()
        for name, value in headers.items()
    )
    prelude = (16 + len(told) + len(payload)).to_bytes(4) + len(told).to_bytes(4)
    prelude += zlib.crc32(prelude).to_bytes(4)
    return prelude + told + payload + zlib.crc32(prelude + told + payload).to_bytes(4)


def framed(stream):
    """A stream of server-sent events in frames."""
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    events = [line[6:].strip() for line in stream.splitlines() if line.startswith(b"data: ")]
    return b"".join(
        frame(headers, json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abc"}).encode()) for event in events
    )


def exception(kind, message):
    """One that ends a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())
