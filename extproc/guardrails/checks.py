"""Which check does the work of which kind of guardrail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.guardrails import (
    AnswerTopicsGuard,
    CodeGuard,
    EchoGuard,
    InjectionGuard,
    LinksGuard,
    ModerationGuard,
    OnnxGuard,
    ToolsGuard,
    TopicsGuard,
)
from extproc.guardrails.answer_checks import Code, Echo
from extproc.guardrails.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    if isinstance(guard, TopicsGuard):
        from extproc.guardrails.topics import TopicsCheck  # noqa: PLC0415 - loads the encoder

        return TopicsCheck(guard)
    if isinstance(guard, ToolsGuard):
        from extproc.guardrails.tools import ToolsCheck  # noqa: PLC0415 - loads the validator

        return ToolsCheck(guard)
    if isinstance(guard, OnnxGuard):
        from extproc.guardrails.sequence_classifier import OnnxCheck  # noqa: PLC0415 - loads onnxruntime

        return OnnxCheck(guard)
    raise AssertionError(f"no check for {type(guard).__name__}")


def inspects_of(guard: AnswerGuard, texts: Callable[[Place], list[str]]) -> Inspects:
    """What looks at one answer for a guardrail. `texts` gives those of the request, by where they stand."""
    if isinstance(guard, LinksGuard):
        return Links(guard)
    if isinstance(guard, EchoGuard):
        return Echo(guard, texts("system"), texts("user"))
    if isinstance(guard, CodeGuard):
        return Code(guard)
    raise AssertionError(f"no inspector for {type(guard).__name__}")


def learned(guards: Iterable[AnswerGuard]) -> dict[int, Inspects]:
    """What takes long to make and is the same for all answers, by the guardrail's id."""
    inspections: dict[int, Inspects] = {}
    for guard in guards:
        if isinstance(guard, AnswerTopicsGuard):
            from extproc.guardrails.topics import AnswerTopics  # noqa: PLC0415 - loads the encoder

            inspections[id(guard)] = AnswerTopics(guard)
    return inspections
