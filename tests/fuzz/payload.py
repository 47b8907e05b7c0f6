"""Coverage-guided: bodies of every type, read, masked, and restored in any split.

    python -m tests.fuzz.payload FOLDER -max_total_time=600      (with the kept inputs: python -m tests.fuzz.run)

Input: one byte for content type and encoding, one for the size of the pieces of an answer, and the body.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["extproc.payload"]):
    from extproc.payload import Change, parse, parse_query, response_editor

from extproc.config.intercept import Intercept
from extproc.errors import BodyTooLargeError, OutOfRangeError, PersonalNumberError, UnreadableBodyError
from extproc.pii import Vault
from tests.fuzz.kinds import CODINGS, TYPES

RULE = Intercept.model_validate({"path_prefix": "/", "payload": "auto"})
LARGEST = 1 << 20
VAULT = Vault()
VAULT.placeholder("EMAIL_ADDRESS", "ada@example.org")


def one_input(data: bytes) -> None:
    """Only the errors that a body may cause; nothing changes that was not to; pieces make no difference."""
    if len(data) < 2:
        return
    kind, coding = data[0] % len(TYPES), CODINGS[data[0] // len(TYPES) % len(CODINGS)]
    path, content_type = TYPES[kind]
    body = data[2:]
    try:
        document = parse(RULE, path, content_type, coding, body, max_body_bytes=LARGEST)
    except (UnreadableBodyError, BodyTooLargeError, OutOfRangeError, PersonalNumberError):
        pass
    else:
        untouched: list[Change | None] = [None] * len(document.segments)
        assert body == document.replace(untouched), "a body in which nothing changed is another one"
        assert sum(end - start for start, end, _ in document.regions()) == len(document.body), (
            "a byte is not accounted for"
        )
        assert isinstance(document.intent_text, str)
        document.replace(["[EMAIL_ADDRESS_1]" for _ in document.segments])
    whole = response_editor(RULE, content_type, coding, VAULT.restorer)
    if whole is not None and not coding:  # a compressed answer is flushed where it is cut
        assert edited(whole, body, len(body) or 1) == edited(
            response_editor(RULE, content_type, coding, VAULT.restorer), body, 1 + data[1] % 32
        ), "an answer depends on how it is cut"
    target = "/x?" + body[:200].decode("latin-1")
    query = parse_query(target)
    assert query.replace([None] * len(query.segments)).decode() == target, "a query in which nothing changed"


def edited(editor: object, body: bytes, size: int) -> bytes:
    """An answer in pieces."""
    pieces = [editor.feed(body[i : i + size], end=False) for i in range(0, len(body), size)]  # type: ignore[attr-defined]
    return b"".join(pieces) + editor.feed(b"", end=True)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.argv[0] = f"{sys.executable} -m tests.fuzz.payload"  # as which libFuzzer starts itself anew to merge
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
