"""Around what must not fail open."""

from __future__ import annotations

from extproc.errors import IntentmeshError, MaskingError


class _FailingClosed:
    """Around what searches for texts and masks them: what goes wrong in it becomes a refusal, and nothing is sent on."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, IntentmeshError):
            raise MaskingError(f"the body could not be masked ({type(error).__name__})") from error


FAILING_CLOSED = _FailingClosed()
