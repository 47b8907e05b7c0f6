"""A request as somebody types it: its body on stdin, its headers as options."""

import json
import sys

import click


def body_on_stdin(*, is_chat: bool) -> bytes:
    """A body that is not JSON is a user's message, where the API is one of chats."""
    body = sys.stdin.buffer.read()
    if is_chat and body.lstrip()[:1] not in {b"{", b"["}:
        words = body.decode(errors="replace").strip()
        body = json.dumps({"messages": [{"role": "user", "content": words}]}, ensure_ascii=False).encode()
    return body


def header(text: str) -> tuple[str, str]:
    """Name and value of one."""
    name, colon, value = text.partition(":")
    if not colon:
        raise click.BadParameter(f"`{text}` is not NAME:VALUE", param_hint="--header")
    return name.strip().lower(), value.strip()
