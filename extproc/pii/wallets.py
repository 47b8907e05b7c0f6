"""Cryptocurrency addresses and keys by their own checksums: Base58Check, Bech32 and Bech32m, EIP-55."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from extproc.pii.finding import Finding

CHECKED, OF_A_SHAPE = 0.98, 0.9
"""Scores: four bytes of a hash leave no doubt; forty hexadecimal digits after 0x may be a hash of something else."""
ABOVE_LABELS: Final = 0.5
"""Rank: whatever is said of it, it is a wallet."""
SHORTEST: Final = 26
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BASE58_LENGTHS: Final = frozenset({*range(25, 36), 51, 52, 111})
"""Of addresses, of private keys for import, of extended keys."""
_BASE58_TOKEN: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_BECH32: Final = re.compile(
    r"(?P<who>[a-z]{2,12}|[A-Z]{2,12})1(?P<data>[02-9ac-hj-np-z]{34,110}|[02-9AC-HJ-NP-Z]{34,110})"
)
_BECH32_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_SUMS: Final = frozenset({1, 0x2BC830A3})
"""BIP 173, BIP 350."""
_ETHEREUM: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def wallet(text: str, start: int, end: int) -> Finding | None:
    """An address or a key that passes its checksum."""
    value = text[start:end]
    if _ETHEREUM.fullmatch(value):
        body = value[2:]
        if body.isdigit() or len(set(body.lower())) < 6 or not _is_ethereum(body):
            return None
        return Finding("CRYPTO", start, end, OF_A_SHAPE, ("shape",))
    if not (is_bech32(value) or is_base58check(value)):
        return None
    return Finding("CRYPTO", start, end, CHECKED, ("checksum",), rank=ABOVE_LABELS)


def is_base58check(value: str) -> bool:
    """Whether the last four bytes are the hash of those before them, in Bitcoin's or in Ripple's alphabet."""
    if len(value) not in _BASE58_LENGTHS or _BASE58_TOKEN.fullmatch(value) is None:
        return False
    if value.islower() or value.isupper() or value.isdigit():
        return False
    return _checked(value, _BASE58) or (value[0] == "r" and _checked(value, _RIPPLE))


def _checked(value: str, alphabet: str) -> bool:
    raw = _decoded(value, alphabet)
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _decoded(value: str, alphabet: str) -> bytes:
    number = 0
    for char in value:
        number = number * 58 + alphabet.index(char)
    zeros = len(value) - len(value.lstrip(alphabet[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def is_bech32(value: str) -> bool:
    """Whether a value passes the checksum of BIP 173 or BIP 350, whatever chain it is of."""
    match = _BECH32.fullmatch(value)
    if match is None:
        return False
    who, data = match["who"].lower(), match["data"].lower()
    values = [ord(c) >> 5 for c in who] + [0] + [ord(c) & 31 for c in who] + [_BECH32_ALPHABET.index(c) for c in data]
    check = 1
    for number in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ number
        for bit, generator in enumerate(_BECH32_GENERATORS):
            check ^= generator if (top >> bit) & 1 else 0
    return check in _BECH32_SUMS


def _is_ethereum(body: str) -> bool:
    """All of one case carries no checksum; mixed case must be right by EIP-55."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - only when a wallet is met

    if body in (body.lower(), body.upper()):
        return True
    digest = keccak.new(data=body.lower().encode(), digest_bits=256).hexdigest()
    return all(c.isdigit() or (c.isupper() == (int(d, 16) >= 8)) for c, d in zip(body, digest, strict=False))
