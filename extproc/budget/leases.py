"""Accounts of a fleet, in Valkey or Redis: each pod takes a share of one, spends from it, gives back what it does not need.

No request waits for the store. A pod tells it what it has spent and asks for a lease more; until it has been answered, and
while the store is away, it may be one lease ahead of what is recorded. So the worst overspend of an account is one lease for
each pod.

What a pod tells is where it stands, never what to add: said twice, nothing is counted twice, and a store that comes back empty
is told all again. Until every pod has had the time for that it grants nothing, and a pod's own memory of what others had
is the least that it takes them to have.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from extproc.budget.book import DIRTY, UNKNOWN, Account, Book, names_in, read, write
from extproc.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extproc.config.budgets import BudgetStore

log = logger()

SYNC_S: Final = 0.1
"""How often the store is told of what has changed."""
BEAT_S: Final = 1.0
"""And how often it is asked whether it is there."""
AWAY_S: Final = 3.0
"""After so long without an answer it is away."""
IDLE_S: Final = 10.0
"""What a pod holds of an account that nobody asks for goes back after so long."""
TELL_S: Final = 30.0
"""And is told again so often, should the store have forgotten it."""
TIMEOUT_S: Final = 1.0
"""Of one call to the store."""
GRACE_MS: Final = 3000
"""A store whose data is new grants nothing for so long: every pod has told it where it stands by then."""
BATCH: Final = 200
"""Accounts that are told of in one round trip."""
AFTER_S: Final = 3600
"""What the store keeps of a window that is over."""
POD, ANSWERED = "pod", "answered"
"""Notes in the book: this pod's name in the store, and when the store answered last."""


class Leasing:
    """Between the book of a pod and the store. One of the processes that share the book does the talking."""

    def __init__(self, book: Book, store: BudgetStore, limit_of: Callable[[bytes], tuple[int, int] | None]) -> None:
        """`limit_of`: limit and lease of an account, None where there is no such budget any more."""
        self.open = store.on_store_loss == "open"
        self._book = book
        self._store = store
        self._limit_of = limit_of
        self._client: Any = None
        self._script = resources.files("extproc.budget").joinpath("lease.lua").read_text()
        self._digest = ""
        self._pod = ""
        self._answered = 0.0
        self._touched: dict[bytes, float] = {}
        self._told_at: dict[bytes, float] = {}
        self._looked = 0.0
        self._lost = False
        self._ends = False

    def away(self, now: float) -> bool:
        """Whether the store does not answer."""
        return not 0 <= now - self._answered <= AWAY_S

    def state(self) -> dict[str, Any]:
        """For operators, by whichever process they are told."""
        pod, answered = self._book.meta(POD), float(self._book.meta(ANSWERED) or 0)
        ago = max(0.0, time.time() - answered)
        pod_name = None if pod is None else pod.decode()
        return {"pod": pod_name, "away": ago > AWAY_S, "answered_s_ago": round(ago, 1) if answered else None}

    async def run(self) -> None:
        """Talk to the store until cancelled, or told to end: a client library may take a cancellation for a timeout."""
        failures, self._ends = 0, False
        while not self._ends:
            await asyncio.sleep(min(SYNC_S * 2**failures, BEAT_S))
            try:
                if not self._book.pages.lead():
                    self._answered = float(self._book.meta(ANSWERED) or 0)
                    continue
                await self._sync(self._due())
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the pod goes on with what it has
                failures = min(failures + 1, 5)
                await self._drop(error)

    def end(self) -> None:
        """Talk no more, whatever becomes of what is under way."""
        self._ends = True

    async def close(self, *, give_back: bool) -> None:
        """Say a last word: what is held and not spent is free for others."""
        if give_back:
            with contextlib.suppress(Exception):  # a store that is away keeps the lease until the window is over
                if self._book.pages.lead():
                    held = [(key, account, account.used) for key, account in self._book.accounts()]
                    await asyncio.wait_for(self._sync(held), 2 * TIMEOUT_S)
        await self._drop(None)

    def _due(self) -> list[tuple[bytes, Account, int]]:
        """The accounts of which the store is to be told now, and how much the pod wants of each in all."""
        now = time.monotonic()
        due = {key: (account, True) for key, account in take_dirty(self._book)}
        self._touched |= dict.fromkeys(due, now)
        if now - self._looked > BEAT_S:
            self._looked = now
            due = self._again(now) | due
        wanted = []
        for key, (account, active) in due.items():
            if (limits := self._limit_of(key)) is not None:
                wanted.append((key, account, account.used + (limits[1] if active else 0)))
        return wanted

    def _again(self, now: float) -> dict[bytes, tuple[Account, bool]]:
        """The accounts to be asked about though nothing has changed here, and whether each is in use.

        What is to go back, what is not recorded yet, and of those in use, for what others have spent, the ones that were asked
        about longest ago.
        """
        again, in_use = {}, []
        ended = time.time()
        for key, account in self._book.accounts():
            if account.end <= ended:
                self._touched.pop(key, None)
                self._told_at.pop(key, None)
                continue
            idle = now - self._touched.get(key, 0.0) > IDLE_S
            told_s = now - self._told_at.get(key, 0.0)
            if account.granted == UNKNOWN or (idle and account.granted > account.used) or told_s > TELL_S:
                again[key] = account, not idle
            elif not idle and told_s > BEAT_S:
                in_use.append((told_s, key, account))
        in_use.sort(reverse=True, key=lambda each: each[0])
        return again | {key: (account, True) for _, key, account in in_use[:BATCH]}

    async def _sync(self, due: list[tuple[bytes, Account, int]]) -> None:
        client = await self._connected()
        if not due:
            if time.time() - self._answered > BEAT_S:
                await client.ping()
                self._heard()
            return
        for at in range(0, len(due), BATCH):
            batch = due[at : at + BATCH]
            try:
                answers = await self._ask(client, batch)
            except BaseException:
                mark_dirty(self._book, [key for key, _, _ in due[at:]])
                raise
            granted(self._book, batch, answers)
            now = time.monotonic()
            self._told_at |= dict.fromkeys((key for key, _, _ in batch), now)
            self._heard()

    async def _ask(self, client: Any, batch: list[tuple[bytes, Account, int]]) -> list[list[int]]:
        pipeline = client.pipeline(transaction=False)
        prefix = f"{{{self._store.prefix}}}"
        for key, account, amount in batch:
            budget, name = names_in(key)
            limits = self._limit_of(key)
            limit = limits[0] if limits else 0
            keys = (f"{prefix}:budget:{budget}:{account.start}:{name}", f"{prefix}:epoch")
            lasts = max(1, account.end - int(time.time())) + AFTER_S
            numbers = (account.used, amount, limit, account.floor, account.epoch, account.others, account.resets)
            fresh = int.from_bytes(os.urandom(6), "little") | 1
            pipeline.evalsha(self._digest, 2, *keys, self._pod, *numbers, lasts, fresh, GRACE_MS)
        answers: list[list[int]] = await pipeline.execute()
        return answers

    async def _connected(self) -> Any:
        if self._client is None:
            from redis.asyncio import Redis  # noqa: PLC0415 - for fleets only
            from redis.asyncio.retry import Retry  # noqa: PLC0415
            from redis.backoff import NoBackoff  # noqa: PLC0415

            options: dict[str, Any] = {}
            if self._store.password_file:  # read each time: it may have been replaced
                options["password"] = self._store.password_file.read_text().strip()
            if self._store.ca_file:
                options["ssl_ca_certs"] = str(self._store.ca_file)
            self._client = Redis.from_url(
                self._store.url,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
                single_connection_client=True,
                **options,
            )
            self._digest = await self._client.script_load(self._script)
            if not self._pod:
                kept = self._book.meta(POD)
                self._pod = kept.decode() if kept else os.urandom(8).hex()
                if not kept:
                    self._book.note(POD, self._pod.encode())
        return self._client

    def _heard(self) -> None:
        self._answered = time.time()
        self._book.note(ANSWERED, repr(self._answered).encode())
        if self._lost:
            self._lost = False
            log.info("budget_store_back")

    async def _drop(self, error: Exception | None) -> None:
        """Begin with a connection of its own next time: whatever is under way on this one is of no account."""
        client, self._client = self._client, None
        if error is not None and not self._lost:
            self._lost = True
            log.error("budget_store_lost", error=type(error).__name__, on_store_loss=self._store.on_store_loss)
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.aclose(), TIMEOUT_S)


def take_dirty(book: Book) -> list[tuple[bytes, Account]]:
    """The accounts that have changed since they were taken last."""
    with book.pages.begin(write=False) as txn:
        if next(txn.scan(DIRTY), None) is None:
            return []
    with book.pages.begin() as txn:
        keys = [key for key, _ in txn.scan(DIRTY)]
        dirty = []
        for key in keys:
            txn.pop(key)
            if (account := read(txn, key[1:])) is not None:
                dirty.append((key[1:], account))
    return dirty


def mark_dirty(book: Book, keys: Iterable[bytes]) -> None:
    """The store has not been told of them."""
    with book.pages.begin() as txn:
        for key in keys:
            txn.put(DIRTY + key, b"")


def granted(book: Book, requests: Iterable[tuple[bytes, Account, int]], answers: Iterable[list[int]]) -> None:
    """Write down what the store has said: this pod's share, that of the others, resets, and the life of its data."""
    with book.pages.begin() as txn:
        for (key, before, _), (mine, others, resets, epoch) in zip(requests, answers, strict=True):
            account = read(txn, key)
            if account is None or account.start != before.start or account.resets != before.resets:
                continue
            if resets > account.resets:
                anew = Account(account.start, account.end, account.reserved, account.reserved, resets=resets)
                write(txn, key, anew)
                txn.put(DIRTY + key, b"")
                continue
            lost = account.epoch not in (0, epoch)
            floor = max(account.floor, account.others) if lost else account.floor
            write(txn, key, account._replace(granted=mine, others=others, floor=floor, epoch=epoch))
