"""What is written in the place of a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.errors import BlockedEntityError

if TYPE_CHECKING:
    from extproc.config.operators import Operator
    from extproc.pii.keys import Keys
    from extproc.pii.vault import Vault


def operate(
    operator: Operator, entity_type: str, value: str, vault: Vault, keys: Keys, *, number: bool = False
) -> str | None:
    """What stands there instead; None: it stays. `number`: it stood in JSON as one. Raises BlockedEntityError."""
    match operator.operator:
        case "replace":
            return vault.placeholder(entity_type, value, number=number)
        case "encrypt":
            return vault.admit(keys.encrypted(entity_type, value, number=number), value, number=number)
        case "mask":
            return masked(value, operator.keep_last)
        case "hash":
            return keys.hashed(entity_type, value)
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


def redacted(entity_type: str) -> str:
    """The type alone: nothing that could be put back."""
    return f"[{entity_type}]"
