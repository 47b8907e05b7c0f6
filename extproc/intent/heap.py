"""Memory that learning took and that nobody needs any more."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Return freed memory to the system where the C library can (glibc): it keeps 80 MB after 15,000 examples were learned."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
