"""What is done for accounts beside requests: what is never settled expires, what is over is removed, shares are fetched."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from extproc.logs import logger, where

if TYPE_CHECKING:
    from extproc.budget.book import Book
    from extproc.budget.leases import Leasing

log = logger()

LOOK_S: Final = 1.0
"""How often what is never settled is looked for."""
PRUNE_S: Final = 60.0
STOP_S: Final = 3.0
"""How long what is under way with a store may take to end."""


class Upkeep:
    """Runs in the loop that it is made in, until it is stopped."""

    def __init__(self, book: Book, leasing: Leasing | None) -> None:
        """Raises ConfigError where the accounts cannot be kept."""
        self._book = book
        self._leasing = leasing
        book.pages.open()
        self._tasks = [asyncio.create_task(self._keep())]
        if leasing:
            self._tasks.append(asyncio.create_task(leasing.run()))

    async def stop(self) -> None:
        """Let nothing be under way any more."""
        if self._leasing:
            self._leasing.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=STOP_S)

    async def _keep(self) -> None:
        pruned = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self._book.pages.lead():
                    await asyncio.to_thread(self._book.expire, time.time())
                    if time.monotonic() - pruned > PRUNE_S:
                        pruned = time.monotonic()
                        self._book.pages.tidy()
                        await asyncio.to_thread(self._book.prune, time.time())
            except Exception as error:  # noqa: BLE001 - the next look may do better
                log.error("budget_upkeep_failed", error=type(error).__name__, at=where(error))  # noqa: TRY400
