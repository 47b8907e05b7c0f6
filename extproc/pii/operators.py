"""What is written in the place of a value."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from extproc.errors import BlockedEntityError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.operators import Operator
    from extproc.config.pii import PiiSettings
    from extproc.pii.vault import Vault

KEY_VARIABLE = "INTENTMESH_HASH_KEY"
_MIN_KEY = 16
_DIGEST_CHARACTERS = 16


def read_hash_key(settings: PiiSettings, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The key of `hash`, if any entity type wants it. Raises ConfigError when it is missing or too short to be one."""
    if all(operator.operator != "hash" for operator in (*settings.entities.values(), settings.default_operator)):
        return None
    if settings.hash_key_file is not None:
        source = str(settings.hash_key_file)
        try:
            key = settings.hash_key_file.read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"{source}: the key of the operator `hash` cannot be read: {error.strerror}") from error
    else:
        source = KEY_VARIABLE
        key = environment.get(KEY_VARIABLE, "").encode()
    if len(key) < _MIN_KEY:
        raise ConfigError(
            f"the operator `hash` needs a key of {_MIN_KEY} bytes or more: set {KEY_VARIABLE} or `pii.hash_key_file`"
        )
    return key


def operate(operator: Operator, entity_type: str, value: str, vault: Vault, key: bytes | None) -> str | None:
    """What stands there instead; None: it stays. Raises BlockedEntityError."""
    match operator.operator:
        case "replace":
            return vault.placeholder(entity_type, value)
        case "mask":
            return masked(value, operator.keep_last)
        case "hash":
            return hashed(entity_type, value, key or b"")
        case "redact":
            return redacted(entity_type)
        case "block":
            raise BlockedEntityError(entity_type)
        case "keep" | "flag":
            return None


def masked(value: str, keep_last: int) -> str:
    """Asterisks, but for the last characters. A value no longer than those is masked whole."""
    hidden = len(value) - keep_last
    return "*" * hidden + value[hidden:] if hidden > 0 else "*" * len(value)


def hashed(entity_type: str, value: str, key: bytes) -> str:
    """A digest that only who has the key can make: the same value is the same digest in every request."""
    digest = hmac.new(key, f"{entity_type}\0{value}".encode(errors="replace"), hashlib.sha256).hexdigest()
    return f"[{entity_type}#{digest[:_DIGEST_CHARACTERS]}]"


def redacted(entity_type: str) -> str:
    """The type alone: nothing that could be put back."""
    return f"[{entity_type}]"
