"""The keys of a processor, and what is made with them: digests, placeholders that mean the same in every request, tokens.

One secret, from a file or a variable that all processors of a fleet share, gives each use a key of its own. Without one,
placeholders have a random key that lives as long as the processor (its workers share it); the operators `hash` and
`encrypt`, whose values outlive it, refuse to start.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from extproc.config.files import contents
from extproc.errors import ConfigError
from extproc.pii.restorer import HASHED, LETTERS, TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    from extproc.config.pii import PiiSettings

KEY_VARIABLE = "INTENTMESH_KEY"
HASH_KEY_VARIABLE = "INTENTMESH_HASH_KEY"
_MIN_KEY, _MAX_KEY = 16, 1 << 16
_DIGEST_CHARACTERS = 16
_SIV_KEY_BYTES = 64
_OF_THIS_PROCESS = secrets.token_bytes(32)
"""Made before the workers are forked: one key for all of them, in no file and no environment."""


class Keys:
    """What is made with the secret of one configuration. Immutable."""

    def __init__(self, secret: bytes | None = None, hash_key: bytes | None = None) -> None:
        self._secret = secret or _OF_THIS_PROCESS
        self._hash_key = hash_key or self._derived(b"hash")
        self._cipher: AESSIV | None = None
        self.encrypts = secret is not None
        """Whether tokens can be made, and read after a restart."""

    @classmethod
    def read(cls, settings: PiiSettings, environment: Mapping[str, str] = os.environ) -> Keys:
        """The keys of a configuration. Raises ConfigError when one that is needed is missing or too short to be one."""
        wanted = {operator.operator for operator in (*settings.entities.values(), settings.default_operator)}
        secret = _read(settings.key_file, environment.get(KEY_VARIABLE, ""), "pii.key_file", KEY_VARIABLE)
        hash_key = None
        if "hash" in wanted:
            hash_key = _read(
                settings.hash_key_file, environment.get(HASH_KEY_VARIABLE, ""), "pii.hash_key_file", HASH_KEY_VARIABLE
            )
            if secret is None and hash_key is None:
                raise ConfigError(
                    f"the operator `hash` needs a key of {_MIN_KEY} bytes or more: set {KEY_VARIABLE} or `pii.key_file` "
                    f"({HASH_KEY_VARIABLE} or `pii.hash_key_file`: a key for it alone)"
                )
        if "encrypt" in wanted and secret is None:
            raise ConfigError(
                f"the operator `encrypt` needs a key of {_MIN_KEY} bytes or more: set {KEY_VARIABLE} or `pii.key_file`"
            )
        return cls(secret, hash_key)

    def hashed(self, entity_type: str, value: str) -> str:
        """A digest that only who has the key can make: the same value is the same digest in every request."""
        digest = hmac.new(
            self._hash_key, f"{entity_type}\0{value}".encode(errors="replace"), hashlib.sha256
        ).hexdigest()
        return f"[{entity_type}#{digest[:_DIGEST_CHARACTERS]}]"

    def of_caller(self, caller: str) -> bytes:
        """The key of one caller's placeholders: what one is told says nothing of what another sent."""
        return hmac.new(self._derived(b"placeholders"), caller.encode(errors="replace"), hashlib.sha256).digest()

    def encrypted(self, entity_type: str, value: str, *, number: bool = False) -> str:
        """A token that whoever has the key can turn back (AES-SIV, RFC 5297): the same value is the same token.

        `number`: the value was a number of JSON.
        """
        sealed = self._siv.encrypt(value.encode("utf-8", "surrogatepass"), _bound_to(entity_type, number=number))
        return f"[{entity_type}:{base64.b32encode(sealed).decode().rstrip('=')}]"

    def decrypted(self, token: str) -> tuple[str, bool] | None:
        """The value of a token, and whether it was a number of JSON; None: it is none of this key."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as below

        entity_type, _, sealed = token[1:-1].partition(":")
        try:
            raw = base64.b32decode(sealed + "=" * (-len(sealed) % 8))
        except ValueError:
            return None
        for number in (False, True):
            with suppress(ValueError, InvalidTag):
                return self._siv.decrypt(raw, _bound_to(entity_type, number=number)).decode(
                    "utf-8", "surrogatepass"
                ), number
        return None

    def tokens(self, text: str) -> dict[str, tuple[str, bool]]:
        """The tokens of this key that stand in a text."""
        if not self.encrypts or ":" not in text or "[" not in text:
            return {}
        found = ((token, self.decrypted(token)) for token in set(TOKEN.findall(text)))
        return {token: value for token, value in found if value is not None}

    @property
    def _siv(self) -> AESSIV:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 - loaded only where it is used

        if self._cipher is None:
            self._cipher = AESSIV(self._derived(b"encrypt", _SIV_KEY_BYTES))
        return self._cipher

    def _derived(self, use: bytes, size: int = 32) -> bytes:
        """HKDF-Expand (RFC 5869) with SHA-256: a key for one use says nothing of another's."""
        pseudorandom = hmac.new(b"intentmesh", self._secret, hashlib.sha256).digest()
        out = block = b""
        counter = 1
        while len(out) < size:
            block = hmac.new(pseudorandom, block + use + bytes((counter,)), hashlib.sha256).digest()
            out += block
            counter += 1
        return out[:size]


def _bound_to(entity_type: str, *, number: bool) -> list[bytes]:
    return [entity_type.encode(), b"number"] if number else [entity_type.encode()]


def letters(key: bytes, entity_type: str, value: str, attempt: int) -> str:
    """A few characters of a keyed hash of a value."""
    told = f"{entity_type}\0{value}\0{attempt}".encode(errors="replace")
    number = int.from_bytes(hmac.new(key, told, hashlib.sha256).digest()[:8])
    out = ""
    for _ in range(HASHED):
        number, digit = divmod(number, len(LETTERS))
        out += LETTERS[digit]
    return out


def _read(file: Path | None, variable: str, option: str, name: str) -> bytes | None:
    source = name
    key = variable.encode()
    if file is not None:
        source = str(file)
        try:
            key = contents(file, most=_MAX_KEY).strip()
        except OSError as error:
            raise ConfigError(f"{source}: the key that `{option}` names cannot be read: {error.strerror}") from error
    elif not key:
        return None
    if len(key) < _MIN_KEY:
        raise ConfigError(f"{source}: a key has {_MIN_KEY} bytes or more, and this one has {len(key)}")
    return key
