"""Bodies that were made to cost much: each by a name, in any size. For tests of growth, the bench and the chaos run.

A case is one that did cost much, or the nearest kin of one: it stays when it is mended.
"""

from __future__ import annotations

import gzip
import json
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT = "/v1/chat/completions"


class Request(NamedTuple):
    """A body on its way to a model."""

    body: bytes
    content_type: str = "application/json"
    content_encoding: str = ""
    path: str = CHAT


class Answer(NamedTuple):
    """What comes back, to a request that had so many values masked."""

    body: bytes
    content_type: str
    placeholders: int = 1
    content_encoding: str = ""


def filled(unit: str, size: int) -> str:
    """A text of one thing over and over."""
    return (unit * (size // len(unit) + 1))[:size]


def chat(text: str) -> Request:
    """One message."""
    return Request(json.dumps({"messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode())


def joined(separator: str, size: int, value: Callable[[int], str]) -> str:
    """Different values up to a size."""
    parts: list[str] = []
    while size > 0:
        parts.append(value(len(parts)))
        size -= len(parts[-1]) + len(separator)
    return separator.join(parts)


def wallet(number: int) -> str:
    """The shape of an Ethereum address, in mixed case: only its checksum tells."""
    digits = f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 16**40:040x}"
    return "0x" + "".join(c.upper() if i % 2 else c for i, c in enumerate(digits))


def nested(size: int) -> Request:
    """Half of it brackets, half of it texts at the bottom."""
    depth = min(size // 4, 9_000)
    return Request(b"[" * depth + b",".join([b'"a"'] * ((size - 2 * depth) // 4 + 1)) + b"]" * depth)


def messages(size: int) -> Request:
    """Many texts with a value of its own each, to be looked for in all others."""
    count = size // 60 + 1
    return Request(
        json.dumps({"messages": [{"role": "user", "content": f"u{i}@example.org"} for i in range(count)]}).encode()
    )


REPEATED = {
    "dots": ".", "signs": "://", "letters": "a", "digits": "1", "chains": "1 ", "dotted": "a.", "ats": "a@", "colons": "a:",
    "hyphens": "a-", "underscores": "a_", "quotes": '"', "brackets": "(1)", "spaces": " ", "labels": "password: ",
    "numbers": "ssn ", "short hex": "0x ", "camel": "userSSN ", "names": "John Smith, ", "phones": "+1 (212) 555 0100 ",
    "addresses": "::1:2:3 ",
    "keys": "-----BEGIN PRIVATE KEY-----\n", "escapes": "\\n", "wide": "\u200b\uff11", "lines": "a,b,c\n", "urls": "http://a@b",
    "placeholders": "[EMAIL_ADDRESS_1]", "half placeholders": "[EMAIL_ADDRESS_ ", "secrets": "sk-", "dates": "2020-01-01 ",
    "cards": "4111111111111111 ", "ideographs": "\u8eab\u4efd\u8bc1", "sentences": "Dr. A. B. "}  # fmt: skip
"""What one text is made of."""

REQUESTS: dict[str, Callable[[int], Request]] = {
    "nesting times texts": nested,
    "nesting in keys": lambda size: Request(b'{"a":' * min(size // 6, 9_000) + b"1" + b"}" * min(size // 6, 9_000)),
    "nested JSON in a text": lambda size: chat(json.dumps({"a": ["x"] * (size // 6)})),
    "items": lambda size: Request(b"[" + b'"a",' * (size // 4) + b'"a"]'),
    "members": lambda size: Request(b"{" + b'"a":"b",' * (size // 8) + b'"a":"b"}'),
    "one member": lambda size: Request(b'{"prompt":"' + b"x" * size + b'"}'),
    "JSON lines": lambda size: Request(b'{"a":"b"}\n' * (size // 10 + 1), "application/x-ndjson", path="/x"),
    "mail in many texts": messages,
    "mails": lambda size: chat(joined(" ", size, lambda i: f"u{i}@example.org")),
    "wallets": lambda size: chat(joined(" ", size, wallet)),
    "hexadecimal words": lambda size: chat(joined(" ", size, lambda i: f"0x{i:04x}")),
    "people": lambda size: chat(joined(" ", size, lambda i: f"Jane{chr(97 + i % 26)} Smith{chr(97 + i // 26 % 26)}")),
    "wide table": lambda size: chat(filled("ssn,", size // 2) + "\n" + filled("1,", size // 2)),
    "names without a value": lambda size: Request(b"=&" + b"a" * size, "application/x-www-form-urlencoded", path="/x"),
    "escapes in a form": lambda size: Request(
        b"a=" + b"%41+" * (size // 4), "application/x-www-form-urlencoded", path="/x"
    ),
    "mail in a form": lambda size: Request(
        b"a=" + b"%41b%40example.org+" * (size // 19 + 1), "application/x-www-form-urlencoded", path="/x"
    ),
    "parts": lambda size: Request(
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\ntext\r\n' * (size // 55 + 1) + b"--b--\r\n",
        "multipart/form-data; boundary=b",
        path="/x",
    ),
    "head of a part": lambda size: Request(
        b"--b\r\ncontent-disposition: form-data" + b'; name="\\"' * (size // 10) + b"\r\n\r\ntext\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
        path="/x",
    ),
    "gzip of nesting times texts": lambda size: Request(
        gzip.compress(nested(size).body, mtime=0), content_encoding="gzip"
    ),
} | {name: (lambda size, unit=unit: chat(filled(unit, size))) for name, unit in REPEATED.items()}  # type: ignore[misc]


def event(index: int, text: str) -> bytes:
    """Of a streamed answer."""
    return b"data: " + json.dumps({"choices": [{"index": index, "delta": {"content": text}}]}).encode() + b"\n\n"


def said(unit: str, after: str = "") -> Callable[[int], Answer]:
    """A model that repeats itself."""

    def make(size: int) -> Answer:
        body = {"choices": [{"message": {"content": unit * (size // len(unit)) + after}}]}
        return Answer(json.dumps(body).encode(), "application/json")

    return make


def logprobs(size: int) -> Answer:
    """As many tokens as values were masked: each is a text, and could begin a placeholder."""
    count = size // 60 + 1
    tokens = [{"token": "[EMAIL", "logprob": -0.1, "top_logprobs": []} for _ in range(count)]
    return Answer(
        json.dumps({"choices": [{"logprobs": {"content": tokens}}]}).encode(), "application/json", placeholders=count
    )


ANSWERS: dict[str, Callable[[int], Answer]] = {
    "log probabilities": logprobs,
    "events": lambda size: Answer(
        b"".join(event(0, f"[EMAIL_ADDRESS_{i}] ") for i in range(size // 70 + 1)), "text/event-stream", size // 70 + 1
    ),
    "choices": lambda size: Answer(
        b"".join(event(i, "[EMAIL_ADD") for i in range(size // 70 + 1)), "text/event-stream", size // 70 + 1
    ),
    "an event without an end": lambda size: Answer(b"data: " + b"x" * size, "text/event-stream"),
    "lines of an event": lambda size: Answer(b"data: a\n" * (size // 8) + b"\n", "text/event-stream"),
    "URLs in one another": said("(https://a[EMAIL_ADDRESS_1]"),
    "URLs that end far away": said("(https://a", ")" * 4096 + "[EMAIL_ADDRESS_1]"),
    "a host of placeholders": said("https://[EMAIL_ADDRESS_1]"),
    "lines that begin as JSON does": said("{\n[EMAIL_ADDRESS_1]"),
    "beginnings of placeholders": said("[EMAIL_ADDRESS_"),
    "nesting": lambda size: Answer(b"[" * size, "application/json"),
    "a key without an end": lambda size: Answer(b'{"' + b"k" * size, "application/json"),
    **{
        f"text of {name}": (lambda size, unit=unit: Answer(filled(unit, size).encode(), "text/plain"))  # type: ignore[misc]
        for name, unit in REPEATED.items()
    },
}


def pieces(body: bytes, size: int) -> list[bytes]:
    """A body in pieces."""
    return [body[at : at + size] for at in range(0, len(body), size)]


def different(values: list[str], count: int) -> list[str]:
    """So many of them, over again where they are fewer."""
    return list(islice(cycle(values), count))
