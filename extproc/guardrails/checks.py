"""Which check does the work of which kind of guardrail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.guardrails import CodeGuard, EchoGuard, InjectionGuard, LinksGuard, ModerationGuard
from extproc.guardrails.answer_checks import Code, Echo, Links

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config.guardrails import AnswerGuard, Guard, Place
    from extproc.guardrails.answers import Inspects
    from extproc.guardrails.check import Check


def check_of(guard: Guard) -> Check:
    """The check of a guardrail on requests."""
    if isinstance(guard, InjectionGuard):
        from extproc.guardrails.injection.check import InjectionCheck  # noqa: PLC0415 - loads the encoder

        return InjectionCheck(guard)
    if isinstance(guard, ModerationGuard):
        from extproc.guardrails.moderation import ModerationCheck  # noqa: PLC0415 - loads an HTTP client

        return ModerationCheck(guard)
    raise AssertionError(f"no check for {type(guard).__name__}")


def inspects_of(guard: AnswerGuard, texts: Callable[[Place], list[str]]) -> Inspects:
    """What looks at one answer for a guardrail. `texts` gives those of the request, by where they stand."""
    if isinstance(guard, LinksGuard):
        return Links(guard)
    if isinstance(guard, EchoGuard):
        return Echo(guard, texts("system"), texts("user"))
    assert isinstance(guard, CodeGuard)
    return Code(guard)
