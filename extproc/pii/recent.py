"""What was found in texts that were searched lately: a conversation sends all that was said again with every turn.

Kept by a digest under a key of this process: neither a text nor a value is in it, and no digest can be guessed from outside.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.pii.results import RecognizerResult

    Search = Callable[[str, str | None], list[RecognizerResult]]

MOST_FINDINGS: Final = 500
"""Of a text with more nothing is kept, so that the memory is bounded."""


class RecentFindings:
    """A search that remembers its last `size` texts. Shared by threads."""

    def __init__(self, search: Search, size: int) -> None:
        self._search, self._size = search, size
        self._known: OrderedDict[bytes, tuple[RecognizerResult, ...]] = OrderedDict()
        self._secret = os.urandom(32)
        self._lock = Lock()

    def __call__(self, text: str, key: str | None, caller: str = "") -> list[RecognizerResult]:
        """The findings in a text, searched for, or remembered of this caller."""
        if not self._size:
            return self._search(text, key)
        digest = self._digest(text, key, caller)
        with self._lock:
            known = self._known.get(digest)
            if known is not None:
                self._known.move_to_end(digest)
                return list(known)
        found = self._search(text, key)
        if len(found) <= MOST_FINDINGS:
            with self._lock:
                self._known[digest] = tuple(found)
                if len(self._known) > self._size:
                    self._known.popitem(last=False)
        return found

    def _digest(self, text: str, key: str | None, caller: str) -> bytes:
        label = b"" if key is None else b"k" + key.encode(errors="surrogatepass")
        hashed = blake2b(label, digest_size=16, key=self._secret)
        hashed.update(b"\0" + caller.encode(errors="surrogatepass") + b"\0")
        hashed.update(text.encode(errors="surrogatepass"))
        return hashed.digest()
