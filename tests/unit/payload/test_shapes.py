"""What is known of a body's shape gives what the walk gives, and holds nothing of anybody's."""

import json
import random

import pytest

from extproc.errors import UnreadableBodyError
from extproc.payload.json_body import JsonDocument
from extproc.payload.request_schemas import LLM
from extproc.payload.shapes import MOST_SHAPES, Shapes

CANARY = "canary-7f3a"
TEXTS = [
    "",
    "hi",
    "user",
    "content",
    f"write to {CANARY}@example.org",
    'a "quote" and a \\ and a\nline',
    "fünf Zeichen",
    '{"card": "4111 1111 1111 1111", "note": "inner"}',
    "aGVsbG8gSmFuZSBEb2UsIHlvdXIgY29kZSBpcyA0NzExIGFuZCB5b3VyIG1haWwgaXMgamFuZUBleGFtcGxlLm9yZw==",
    "call_0123456789abcdef",
]


def facts(document):
    """All that others see of a document."""
    count = len(document.segments)
    return (
        document.segments,
        document.regions(),
        document.unsearched,
        document.model,
        document.stream,
        document.conversation,
        document.replace([None] * count, model="tiny"),
        document.replace(
            [[(0, 1, f"[{n}]")] if s.text and s.kind == "text" else None for n, s in enumerate(document.segments)]
        ),
    )


def body(rng, say):
    """A request of one of a few layouts, with texts of its own."""
    parts = [{"type": "text", "text": say()}, {"type": "image_url", "image_url": {"url": say(), "detail": "low"}}]
    messages = [
        {"role": rng.choice(["system", "user", "assistant", "tool"]), "content": rng.choice([say(), parts])}
        for _ in range(rng.randrange(3))
    ]
    more = [
        {"stream": rng.choice([True, False])},
        {"temperature": rng.choice([0.7, 1])},
        {"user": say()},
        {"tools": [{"type": "function", "function": {"name": say(), "description": say()}}]},
        {"metadata": {say(): say()}},
        {"max_tokens": rng.choice([100, 4096, 123456])},
        {say(): say()},
        {"role": say()},
        {"store": True},
    ]
    request = {"model": say(), "messages": messages}
    for field in rng.sample(more, rng.randrange(3)):
        request |= field
    spaces = rng.choice([None, 1])
    return json.dumps(request, indent=spaces, ensure_ascii=rng.random() < 0.5).encode()


def test_a_known_shape_gives_what_the_walk_gives():
    """Whatever was read before it."""
    rng = random.Random(5)
    shapes = Shapes(LLM)
    known = 0
    for _ in range(1500):
        one = body(rng, lambda: rng.choice(TEXTS))
        before = len(shapes.known)
        assert facts(JsonDocument(one, LLM, shapes=shapes)) == facts(JsonDocument(one, LLM))
        known += len(shapes.known) == before
    assert known > 500
    assert CANARY not in repr(
        [(key, shape.texts, shape.ways.roles, shape.ways.containers) for key, shape in shapes.known.items()]
    )


OWN = [
    rb'{"temp\u0065rature": 0.5, "messages": []}',
    rb'{"jane@example.org": 0.5, "messages": []}',
    b'{"\0": 0.5, "messages": []}',
    rb'{"model": "any", "messages": [{"role": "user", "content": "x"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "\0"}]}',
    b'{"model": "any", "messages": [{"role": "jane", "content": "x"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "a\nb"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "a\\qb"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "a"b"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "a]}',
    b'{"model": "any", "messages": [{"role": "user", "content": "\xff"}]}',
    b'{"model": "any", "messages": [{"role": "user", "content": 4111111111111111}]}',
    b'{"model": "any", "seed": 4111111111, "messages": []}',
    b'{"model": "any", "seed": 4111111112, "messages": []}',
]


@pytest.mark.parametrize("first", OWN)
def test_no_body_is_read_as_another(first):
    """Not one with a key, a role, a number of its own, nor one that is no JSON."""

    def read(one, shapes):
        try:
            return facts(JsonDocument(one, LLM, shapes=shapes))
        except UnreadableBodyError as error:
            return str(error)

    for second in OWN:
        shapes = Shapes(LLM)
        read(first, shapes)
        assert read(second, shapes) == read(second, None), second


def test_shapes_are_few():
    """However many a client makes up."""
    shapes = Shapes(LLM)
    for n in range(2 * MOST_SHAPES):
        JsonDocument(
            b'{"model": "a", "messages": [%b]}' % b",".join([b'{"content": "b"}'] * (n % 40)) + b" " * n,
            LLM,
            shapes=shapes,
        )
    assert len(shapes.known) <= MOST_SHAPES
