"""How a process ended, in words. Standard library only: set-up says it before anything is installed."""

from __future__ import annotations

import signal


def in_words(code: int) -> str:
    """`died of SIGILL (illegal instruction)`, `ended with exit code 1`: from what `subprocess` gives as the return code."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        number = signal.Signals(-code)
    except ValueError:
        return f"died of signal {-code}"
    return f"died of {number.name} ({(signal.strsignal(number) or 'unknown').lower()})"
