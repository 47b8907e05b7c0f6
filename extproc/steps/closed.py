"""What becomes of a fault in what must not fail open: the request is refused, and nothing is sent on."""

from __future__ import annotations

from extproc.errors import MaskingError


def not_masked(error: Exception) -> MaskingError:
    """The refusal for a fault of ours in what searches for texts and masks them."""
    return MaskingError(f"the body could not be masked ({type(error).__name__})")
