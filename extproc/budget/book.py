"""The accounts: what was set aside and what was spent of each, in the window that it stands in.

What is set aside counts as spent at once, and what turns out not to have been needed is given back. So an account is right
whenever a worker dies, and a request whose end is never told has cost all that was set aside for it. A second record, by the
time at which it is given up, says what is still open: it is settled once, whoever comes first.

Where a fleet shares accounts (`leases.py`), an account also knows what the store has recorded for this pod (`granted`) and
for the others; until the store says more, this pod may be one lease ahead of it.
"""

from __future__ import annotations

import hashlib
import os
import struct
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.budget.amounts import capped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.budget.pages import Pages, Transaction

ACCOUNTS, OPEN, DIRTY, META = b"a", b"r", b"d", b"m"
"""What keys begin with."""
MOST_ACCOUNTS: Final = 200_000
"""Names come from callers: beyond so many, further ones share one account a budget."""
OTHERS: Final = "(others)"
PRUNED_AT_ONCE: Final = 200
"""Accounts in one transaction: as long as it takes, reservations of all workers wait."""
MOST_KEY_BYTES: Final = 400
"""LMDB's keys are no longer than 511."""
UNKNOWN: Final = -1
"""`granted`, before the store has said anything in this window."""
_ENTRY = struct.Struct("<Hqq")
_DEADLINE = struct.Struct(">QIQ")


class Account(NamedTuple):
    """One account of a budget, in its window."""

    start: int
    end: int
    used: int = 0
    """Spent, and set aside."""
    reserved: int = 0
    """The part of it that is set aside."""
    granted: int = UNKNOWN
    """What the store has recorded for this pod."""
    others: int = 0
    """And for all others."""
    floor: int = 0
    """Of the others, at least: what was known of them when the store lost its data."""
    resets: int = 0
    """How often the store says that the account was reset."""
    epoch: int = 0
    """Which life of the store's data that was said in."""


_ACCOUNT = struct.Struct("<9q")


class Want(NamedTuple):
    """What is asked of one account."""

    key: bytes
    start: int
    end: int
    amount: int
    limit: int
    binding: bool
    """Nothing is set aside, in no account, where this one has not enough."""
    lease: int = 0
    """How far this pod may be ahead of the store; 0: it has the account for itself."""


class Crossed(NamedTuple):
    """Nothing was set aside."""

    at: int
    """Which want was one too many."""
    left: int
    ahead: bool
    """There may be enough, only this pod's share of it is used up for the moment."""


class Taken(NamedTuple):
    """All of it was set aside."""

    id: bytes
    left: tuple[int, ...]
    """After it, in the order of the wants."""
    crossed: tuple[int, ...]
    """The wants that are not binding and had not enough."""
    unbacked: tuple[int, ...]
    """The wants that went on without a lease, for the store is away."""


class Reserved(NamedTuple):
    """One part of what was set aside."""

    key: bytes
    start: int
    amount: int


def key_of(budget: str, account: str) -> bytes:
    """The key of an account."""
    key = f"{budget}\0{account}".encode(errors="replace")
    if len(key) > MOST_KEY_BYTES:
        digest = hashlib.blake2b(key, digest_size=16).hexdigest()
        key = key[: MOST_KEY_BYTES - 40].decode(errors="ignore").encode() + f"...{digest}".encode()
    return ACCOUNTS + key


def names_in(key: bytes) -> tuple[str, str]:
    """The budget and the account that a key is of."""
    budget, _, account = key[1:].decode(errors="replace").partition("\0")
    return budget, account


class Book:
    """All accounts of a process, or of the workers that share a file."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._count = count(int.from_bytes(os.urandom(7), "little"))

    def reserve(
        self, wants: Sequence[Want], deadline: float, *, away: bool = False, open_: bool = False
    ) -> Taken | Crossed:
        """Set aside all of it, or nothing. `deadline`: when it is given up. `away`: the store does not answer; `open_`: then
        requests go on.
        """
        with self.pages.begin() as txn:
            accounts: list[tuple[bytes, Account]] = []
            left: list[int] = []
            crossed: tuple[int, ...] = ()
            unbacked: tuple[int, ...] = ()
            for at, want in enumerate(wants):
                key, account = self._account(txn, want)
                room = want.limit - account.used - account.others
                if want.amount > room:
                    if want.binding:
                        return Crossed(at, room, ahead=False)
                    crossed += (at,)
                elif want.lease and not _backed(account, want):
                    if away and open_:
                        unbacked += (at,)
                    elif want.binding:
                        return Crossed(at, room, ahead=True)
                accounts.append((key, account))
                left.append(room - want.amount)
            number = _DEADLINE.pack(int(deadline * 1000), os.getpid() & 0xFFFFFFFF, next(self._count) & 2**64 - 1)
            record = b""
            for (key, account), want in zip(accounts, wants, strict=True):
                used, reserved = capped(account.used + want.amount), capped(account.reserved + want.amount)
                txn.put(key, _ACCOUNT.pack(*account[:2], used, reserved, *account[4:]))
                record += _ENTRY.pack(len(key), account.start, want.amount) + key
                if want.lease:
                    txn.put(DIRTY + key, b"")
            txn.put(OPEN + number, record)
            return Taken(number, tuple(left), crossed, unbacked)

    def left(self, wants: Sequence[Want]) -> list[int]:
        """What is left for each of them, without setting anything aside."""
        with self.pages.begin(write=False) as txn:
            return [want.limit - a.used - a.others for want in wants for _, a in (self._account(txn, want),)]

    def settle(self, number: bytes, used: Sequence[int | None]) -> bool:
        """What was set aside has cost so much; None: as much as was set aside. False: that was settled before."""
        with self.pages.begin() as txn:
            record = txn.pop(OPEN + number)
            if record is None:
                return False
            for part, cost in zip(_entries(record), used, strict=True):
                _close(txn, part, cost)
            return True

    def expire(self, now: float) -> int:
        """Give up waiting for what was to be settled by now: it has cost all that was set aside."""
        last = OPEN + _DEADLINE.pack(int(now * 1000), 0, 0)
        expired = 0
        with self.pages.begin(write=False) as txn:
            first = next(txn.scan(OPEN), None)
        if first is None or first[0] >= last:
            return 0
        with self.pages.begin() as txn:
            for key, record in txn.scan(OPEN):
                if key >= last:
                    break
                txn.pop(key)
                expired += 1
                for part in _entries(record):
                    _close(txn, part, None)
        return expired

    def prune(self, now: float) -> None:
        """Forget accounts whose window is over, a few at a time: requests wait for no more than that."""
        over = [key for key, account in self.accounts() if account.end <= now and not account.reserved]
        for at in range(0, len(over), PRUNED_AT_ONCE):
            with self.pages.begin() as txn:
                for key in over[at : at + PRUNED_AT_ONCE]:
                    account = read(txn, key)
                    if account is not None and account.end <= now and not account.reserved:
                        txn.pop(key)

    def accounts(self, prefix: bytes = ACCOUNTS) -> list[tuple[bytes, Account]]:
        """All of them, as they stand."""
        with self.pages.begin(write=False) as txn:
            return [(key, Account._make(_ACCOUNT.unpack(value))) for key, value in txn.scan(prefix)]

    def reset(self, keys: Sequence[bytes], anew: Account | None = None) -> int:
        """Begin these accounts anew: only what is set aside still counts. How many there were.

        `anew`: what is written where there is none, and whose number of resets is, in a fleet, for the store to tell others.
        """
        count = 0
        with self.pages.begin() as txn:
            for key in keys:
                account = read(txn, key)
                count += account is not None
                if anew is not None:
                    reserved = account.reserved if account and account.start == anew.start else 0
                    write(txn, key, anew._replace(used=reserved, reserved=reserved))
                    txn.put(DIRTY + key, b"")
                elif account is not None:
                    write(txn, key, account._replace(used=account.reserved))
        return count

    def meta(self, name: str) -> bytes | None:
        """A note of whoever keeps this book."""
        with self.pages.begin(write=False) as txn:
            value = txn.get(META + name.encode())
            return None if value is None else bytes(value)

    def note(self, name: str, value: bytes) -> None:
        """Write such a note."""
        with self.pages.begin() as txn:
            txn.put(META + name.encode(), value)

    def _account(self, txn: Transaction, want: Want) -> tuple[bytes, Account]:
        """The account that is meant, in its window: that of names beyond all measure where it would be one name too many."""
        key = want.key
        value = txn.get(key)
        if value is None and txn.count() >= MOST_ACCOUNTS:
            key = key_of(names_in(key)[0], OTHERS)
            value = txn.get(key)
        if value is not None:
            account = Account._make(_ACCOUNT.unpack(value))
            if account.start >= want.start:  # the clock may have been set back
                return key, account
        return key, Account(want.start, want.end)


def _backed(account: Account, want: Want) -> bool:
    """Whether the store has recorded enough for this pod, but for one lease; one request alone may be larger than a lease."""
    granted = max(account.granted, 0)
    return account.used <= granted or account.used + want.amount <= granted + want.lease


def _entries(record: bytes) -> Iterator[Reserved]:
    at = 0
    while at < len(record):
        size, start, amount = _ENTRY.unpack_from(record, at)
        at += _ENTRY.size
        yield Reserved(bytes(record[at : at + size]), start, amount)
        at += size


def _close(txn: Transaction, part: Reserved, cost: int | None) -> None:
    """Of an account's window what was set aside in it; one that is over keeps account of nothing."""
    account = read(txn, part.key)
    if account is None or account.start != part.start:
        return
    used = account.used if cost is None else account.used + cost - part.amount
    write(txn, part.key, account._replace(used=capped(max(used, 0)), reserved=max(account.reserved - part.amount, 0)))
    if account.granted != UNKNOWN:
        txn.put(DIRTY + part.key, b"")


def read(txn: Transaction, key: bytes) -> Account | None:
    """The account under a key."""
    value = txn.get(key)
    return None if value is None else Account._make(_ACCOUNT.unpack(value))


def write(txn: Transaction, key: bytes, account: Account) -> None:
    """Put it there."""
    txn.put(key, _ACCOUNT.pack(*account))
