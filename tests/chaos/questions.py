"""What clients ask in the chaos runs: chats with a secret of their own in them, and bodies made to do harm."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import TYPE_CHECKING

import brotli
import zstandard

from tests import hostile as hostile_set
from tests.chaos.asking import Question

if TYPE_CHECKING:
    import random

USUAL = (
    "The bearing of pump 4 is critical, write to {} about it.",
    "Vibration alarm on the gearbox; {} has the log.",
    "I want a refund for my order, my address is {}.",
    "There is a chargeback on the payment of {}, please look.",
    "Tell {} that it is raining.",
)
"""Decided by a rule or by the table: most of what a gateway sees is easy, and 200,000 requests have to be paid for."""
WILD = ("bearing", "refund", "order", "hot", "please", "invoice", "temperature", "\u00e9t\u00e9", "\U0001f600")
WILD_SHARE = 0.08
"""Of the requests, those that are long, odd, and need the transformer and the name model."""
LARGE_SHARE = 0.02
BOMB_BYTES = 64 * 1024 * 1024
DEEP = 100_000
TINY_STRINGS = 400_000
"""Twice as many texts as a body may hold."""
TINY_PARTS = 5_000
COSTLY_SHARE = 0.025
COSTLY_BYTES = (13.0, 20.0)
"""Of a body that was made to take long, as powers of two: 8 KB to 1 MB."""


def plain(secret: str, dice: random.Random) -> Question:
    """A chat with the secret somewhere in it, asked for whole or as a stream, cut anywhere."""
    return chat(text(secret, dice), secret, dice)


def text(secret: str, dice: random.Random) -> str:
    """A user's message."""
    if dice.random() > WILD_SHARE:
        return dice.choice(USUAL).format(secret)
    words = " ".join(dice.choices(WILD, k=dice.randint(1, 30)))
    return f"{words} {secret} {words[::-1]}"


def with_placeholders(secret: str, dice: random.Random) -> Question:
    """The same, with placeholders that nobody gave out."""
    said = f"[EMAIL_ADDRESS_{dice.randint(1, 3)}] {text(secret, dice)} [US_SSN_1] [EMAIL_ADDRESS_99]"
    return chat(said, secret, dice)


def lied_to(secret: str, dice: random.Random) -> Question:
    """A chat whose upstream will say LIES: of all those placeholders the request gave out only the first."""
    question = chat(f"Write to {secret} please.", secret, dice)
    question.said = LIES.replace("[EMAIL_ADDRESS_1]", secret)
    return question


LIES = "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [EMAIL_ADDRESS_77] [US_SSN_1] [PERSON_1] [EMAIL_ADDRESS_01] [EMAIL_ADDRESS_"


def chat(said: str, secret: str, dice: random.Random) -> Question:
    """A chat that the echo answers."""
    streamed = dice.random() < 0.3
    body = json.dumps({"messages": [{"role": "user", "content": said}], "stream": streamed}).encode()
    headers = {"x-test-piece": str(dice.randint(4, 40))}
    if streamed:
        headers["x-test-cut"] = str(dice.randint(20, 200))
    return Question(body, secret, said, headers)


def hostile(secret: str, dice: random.Random) -> Question:
    """Mostly harmless, and one in twenty made to fill the memory or the stack; some large ones are to be answered."""
    if dice.random() > 0.05:
        return plain(secret, dice)
    kind = dice.choice(("gzip", "br", "zstd", "deep", "deep chat", "tiny", "tiny parts"))
    if kind in BOMBS:
        return Question(BOMBS[kind](), secret, headers={"content-encoding": kind}, refused_with=413)
    if kind == "deep":
        return Question(b"[" * DEEP + json.dumps(secret).encode() + b"]" * DEEP, secret, refused_with=400)
    if kind == "deep chat":
        deep = b'{"a":' * DEEP + json.dumps(secret).encode() + b"}" * DEEP
        return Question(b'{"messages": [{"role": "user", "content": ' + deep + b"}]}", secret, refused_with=400)
    if kind == "tiny":
        tiny = ",".join(['"a"'] * TINY_STRINGS)
        body = f'{{"messages": [{{"role": "user", "content": "{secret}"}}], "stop": [{tiny}]}}'
        return Question(body.encode(), secret, refused_with=413)
    parts = ",".join(['{"type":"text","text":"a"}'] * (TINY_PARTS))
    body = f'{{"messages": [{{"role": "user", "content": [{{"type":"text","text":"{secret}"}},{parts}]}}]}}'
    return Question(body.encode(), secret, secret + "a" * (TINY_PARTS))


def costly(secret: str, dice: random.Random) -> Question:
    """Mostly harmless, and one in forty of the bodies that were made to take long, the secret in it."""
    if dice.random() > COSTLY_SHARE:
        return plain(secret, dice)
    make = hostile_set.REQUESTS[dice.choice(list(hostile_set.REQUESTS))]
    request = make(int(2 ** dice.uniform(*COSTLY_BYTES)))
    headers = {"content-encoding": request.content_encoding} if request.content_encoding else {}
    body = gzip.decompress(request.body) if headers else request.body
    is_chat = body.startswith(b'{"messages"')
    body = planted(body, request.content_type, secret)
    return Question(
        gzip.compress(body) if headers else body,
        secret,
        comes_back="json" in request.content_type and not headers,
        headers=headers,
        may_be_refused=True,
        path=request.path if is_chat else "/v1/x",
        content_type=request.content_type,
    )


def planted(body: bytes, content_type: str, secret: str) -> bytes:
    """The body with one more text in it."""
    said = secret.encode()
    if body.startswith(b'{"messages"'):
        return body.removesuffix(b"]}") + b', {"role": "user", "content": "' + said + b'"}]}'
    if "form-urlencoded" in content_type:
        return body + b"&s=" + said
    if "ndjson" in content_type:
        return body + b'{"s": "' + said + b'"}\n'
    if "multipart" in content_type:
        return b'--b\r\ncontent-disposition: form-data; name="s"\r\n\r\n' + said + b"\r\n" + body
    return b'["' + said + b'",' + body + b"]"


def large(secret: str, dice: random.Random) -> Question:
    """One in fifty of half a megabyte, so that answers and hang-ups meet requests that are still on their way.

    Echoed in pieces as much larger: in pieces of a few letters the echo alone would take a minute.
    """
    if dice.random() > LARGE_SHARE:
        return plain(secret, dice)
    question = chat(f"Write to {secret}. " + "It is raining. " * 35_000, secret, dice)
    question.headers = {name: str(int(size) * 200) for name, size in question.headers.items()}
    return question


@cache
def _zeros() -> bytes:
    return b'{"messages": [{"role": "user", "content": "' + b"0" * BOMB_BYTES + b'"}]}'


@cache
def _gzip_bomb() -> bytes:
    return gzip.compress(_zeros(), 9)


@cache
def _br_bomb() -> bytes:
    return brotli.compress(_zeros(), quality=1)


@cache
def _zstd_bomb() -> bytes:
    return zstandard.compress(_zeros())


BOMBS = {"gzip": _gzip_bomb, "br": _br_bomb, "zstd": _zstd_bomb}
