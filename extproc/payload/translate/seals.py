"""The seals under thoughts. Only the provider that has set one can read it, so it says whose it is on its way to the caller.

A caller brings it back with its next request, which may go to a model of another provider.
"""

from __future__ import annotations

from typing import Final

GEMINI: Final = "gemini:"
OPENAI: Final = "openai:"
REDACTED: Final = "redacted:"
"""Before thought of Anthropic's that is sealed as a whole, where an API has one place for both."""


def of_anthropic(signature: str) -> bool:
    """Whether a seal may be Anthropic's, which has no mark."""
    return bool(signature) and not signature.startswith((GEMINI, OPENAI))
