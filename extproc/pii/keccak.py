"""Keccak-256 as Ethereum uses it (not SHA3-256, whose padding differs), for the checksum of its addresses."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_RATE = 136


def _constants() -> tuple[tuple[int, ...], dict[tuple[int, int], int]]:
    """The round constants by their shift register, and the rotations."""
    constants, state = [], 1
    for _ in range(24):
        value = 0
        for j in range(7):
            if state & 1:
                value |= 1 << ((1 << j) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        constants.append(value)
    rotations = {(0, 0): 0}
    x, y = 1, 0
    for t in range(24):
        rotations[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(constants), rotations


_ROUNDS, _ROTATIONS = _constants()


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK if by else value


def _permute(lanes: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    for constant in _ROUNDS:
        column = [lanes[x, 0] ^ lanes[x, 1] ^ lanes[x, 2] ^ lanes[x, 3] ^ lanes[x, 4] for x in range(5)]
        mixed = [column[(x - 1) % 5] ^ _rotate(column[(x + 1) % 5], 1) for x in range(5)]
        turned = {
            (y, (2 * x + 3 * y) % 5): _rotate(lanes[x, y] ^ mixed[x], _ROTATIONS[x, y])
            for x in range(5)
            for y in range(5)
        }
        lanes = {
            (x, y): turned[x, y] ^ (~turned[(x + 1) % 5, y] & turned[(x + 2) % 5, y])
            for x in range(5)
            for y in range(5)
        }
        lanes[0, 0] ^= constant
    return lanes


def keccak_256(data: bytes) -> bytes:
    """Digest of at most a few hundred bytes."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = {(x, y): 0 for x in range(5) for y in range(5)}
    for block in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            lanes[i % 5, i // 5] ^= int.from_bytes(padded[block + 8 * i : block + 8 * i + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lanes[i % 5, i // 5].to_bytes(8, "little") for i in range(4))
