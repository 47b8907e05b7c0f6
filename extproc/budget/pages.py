"""Where accounts lie: in this process's memory, or in a file that the workers of a pod share.

The file is LMDB's: a transaction of one worker is seen by the others whole or not at all, also where the worker is killed in
the midst of it, and takes some microseconds. It is written and not synced: what a machine that loses power loses is the last
seconds' spending, and requests do not wait for a disk.

One transaction at a time has the file, by a lock of the kernel's on a file beside it (`flock`). LMDB's own is a mutex in shared
memory: a process that is killed just as it is woken takes with it the word that others wait, and they wait on until somebody new
comes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from extproc.errors import ConfigError
from extproc.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

log = logger()

MAP_BYTES = 2**30
"""What the file may grow to; it is as large as what is in it. All accounts that there may be (`book.py`) fill a third of it."""


class Transaction(Protocol):
    """Reads and writes that happen together. Keys begin with a byte that says what they are keys of."""

    def get(self, key: bytes) -> bytes | None:
        """What stands under a key."""

    def put(self, key: bytes, value: bytes) -> object:
        """Write it there."""

    def pop(self, key: bytes) -> bytes | None:
        """Take it away."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All that stands under keys that begin like this, in their order."""

    def count(self) -> int:
        """How many keys there are."""


class Pages(Protocol):
    """A store of transactions."""

    def open(self) -> None:
        """Make sure that it can be used. Raises ConfigError."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """Begin a transaction; it counts when it is left without an error."""

    def lead(self) -> bool:
        """Whether this process is the one that does what is to be done once for all that share it. Asked now and then: it may
        become the one.
        """

    def tidy(self) -> None:
        """Now and then: clear away what processes have left that are dead."""

    def close(self) -> None:
        """Let go of it."""


class Memory:
    """Of this process alone."""

    def __init__(self) -> None:
        self._families: dict[bytes, dict[bytes, bytes]] = {}
        self._lock = threading.RLock()
        """The port for operators asks from a thread of its own."""

    def open(self) -> None:
        """See Pages."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Memory]:
        """See Pages. Who writes has decided before that nothing will fail; who reads sees each key as it is then."""
        return self if write else contextlib.nullcontext(self)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def get(self, key: bytes) -> bytes | None:
        """See Transaction."""
        return self._family(key).get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """See Transaction."""
        self._family(key)[key] = value

    def pop(self, key: bytes) -> bytes | None:
        """See Transaction."""
        return self._family(key).pop(key, None)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See Transaction."""
        items = list(self._family(prefix).items())
        if len(prefix) > 1:
            items = [(key, value) for key, value in items if key.startswith(prefix)]
        return iter(sorted(items))

    def count(self) -> int:
        """See Transaction."""
        return sum(map(len, self._families.values()))

    def _family(self, key: bytes) -> dict[bytes, bytes]:
        family = self._families.get(key[:1])
        if family is None:
            family = self._families[key[:1]] = {}
        return family

    def lead(self) -> bool:
        """See Pages."""
        return True

    def tidy(self) -> None:
        """See Pages."""

    def close(self) -> None:
        """See Pages."""


class _Shared:
    """A transaction of LMDB's, under the lock that all who share the file take."""

    __slots__ = ("_begin", "_lock", "_txn", "get", "pop", "put")

    def __init__(self, lock: _Lock, begin: Callable[[], Any]) -> None:
        self._lock, self._begin = lock, begin

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            txn = self._txn = self._begin()
        except BaseException:
            self._lock.release()
            raise
        self.get, self.put, self.pop = txn.get, txn.put, txn.pop
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._txn.__exit__(*error)
        finally:
            self._lock.release()

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See Transaction."""
        cursor = self._txn.cursor()
        items = []
        if cursor.set_range(prefix):
            for key, value in cursor:
                if not key.startswith(prefix):
                    break
                items.append((key, value))
        return iter(items)

    def count(self) -> int:
        """See Transaction."""
        entries: int = self._txn.stat()["entries"]
        return entries


class _Lock:
    """Between processes, and between the threads of one. The kernel takes it back from who dies, and wakes the next."""

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> None:
        """Wait for it."""
        self._threads.acquire()
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        """Let the next one have it."""
        try:
            fcntl.flock(self._number, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._number)


class SharedFile:
    """Of all processes that open the file. A process opens it for itself: what is open when it is forked is not the child's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._owner = 0
        self._env: Any = None
        self._lock: _Lock | None = None
        self._opening: dict[int, threading.Lock] = {}
        """One thread of a process opens it. By process: what a thread held when it was forked, nobody in the child lets go."""
        self._lead = -1

    def open(self) -> None:
        """See Pages."""
        process = os.getpid()
        with self._opening.setdefault(process, threading.Lock()):
            if self._owner != process:
                self._open()

    def _open(self) -> None:
        import lmdb  # noqa: PLC0415 - for those only who share accounts

        self._lead = -1
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _Lock(self.path.with_name(f"{self.path.name}-lock"))
            self._lock.acquire()  # who makes the file, or puts one aside, is alone
            try:
                self._env = self._opened()
            except (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError) as error:
                spoilt = self.path.with_name(f"{self.path.name}.unreadable")
                self.path.replace(spoilt)
                log.error("budget_accounts_lost", reason=type(error).__name__, kept=str(spoilt))  # noqa: TRY400
                self._env = self._opened()
            finally:
                self._lock.release()
        except lmdb.Error as error:
            raise ConfigError(f"budget_state.path: {self.path}: {error}") from None
        except OSError as error:
            raise ConfigError(f"budget_state.path: {self.path}: {error.strerror}") from None
        self._owner = os.getpid()

    def _opened(self) -> Any:
        import lmdb  # noqa: PLC0415

        return lmdb.open(
            str(self.path),
            subdir=False,
            map_size=MAP_BYTES,
            mode=0o600,
            sync=False,
            metasync=False,
            lock=False,
            max_spare_txns=2,
        )

    def begin(self, *, write: bool = True) -> _Shared:
        """See Pages."""
        if self._owner != os.getpid():
            self.open()
        assert self._lock is not None
        return _Shared(self._lock, partial(self._env.begin, write=write))

    def lead(self) -> bool:
        """See Pages. The kernel takes the lock back from who has died."""
        self.open()
        if self._lead >= 0:
            return True
        number = os.open(self.path.with_name(f"{self.path.name}.lead"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(number)
            return False
        self._lead = number
        return True

    def tidy(self) -> None:
        """See Pages."""

    def close(self) -> None:
        """See Pages."""
        if self._owner != os.getpid():
            return
        if self._env is not None:
            self._env.close()
        if self._lock is not None:
            self._lock.close()
        if self._lead >= 0:
            os.close(self._lead)
        self._owner, self._env, self._lock, self._lead = 0, None, None, -1
