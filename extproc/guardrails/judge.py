"""The guardrails of a mesh as one judge: each is asked, each says one thing at most, each fails as its policy says."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Self, cast

from extproc.config.guardrails import AnswerGuard, Guard, ToolsGuard
from extproc.config.intercept import rule_for
from extproc.decision import NOTHING, Ruling, Unenforced, Verdict
from extproc.errors import GuardrailError, UndecidedError
from extproc.guardrails.answers import AnswerGuards, Watched
from extproc.guardrails.check import Question
from extproc.guardrails.checks import check_of, inspects_of, learned
from extproc.guardrails.passages import passages_of
from extproc.guardrails.tool_answers import ToolAnswers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from extproc.config import Mesh
    from extproc.config.guardrails import AnyGuard, Place
    from extproc.config.intercept import Intercept
    from extproc.decision import Action, AnswerEdit, Content, Facts
    from extproc.errors import IntentmeshError
    from extproc.guardrails.check import Check, Finding
    from extproc.guardrails.passages import Passage
    from extproc.guardrails.tools import ToolsCheck

NAME: Final = "guardrails"
_RESERVE_S: Final = 0.05
"""Of a request's time, kept for what comes after guardrails: one that hangs must not make its fail policy come too late."""


class _Guardrail(NamedTuple):
    """One entry of the section, and what does its work."""

    name: str
    settings: Guard
    check: Check


class _Said(NamedTuple):
    """What came of one guardrail."""

    verdict: Verdict | None = None
    unenforced: tuple[Unenforced, ...] = ()
    error: IntentmeshError | None = None
    """How the verdict, a block, is told."""


class Guardrails:
    """Asks the guardrails about requests, in the order of the section."""

    name: Final = NAME

    def __init__(
        self, guards: Mapping[str, AnyGuard], checks: Mapping[str, Check], rules: Sequence[Intercept] = ()
    ) -> None:
        """`checks`: of those that look at requests. `rules`: under which answers are read."""
        self._all = {
            name: _Guardrail(name, guard, checks[name]) for name, guard in guards.items() if isinstance(guard, Guard)
        }
        asked = {guardrail.settings.ask for guardrail in self._all.values()}
        self._first = tuple(guardrail for guardrail in self._all.values() if guardrail.name not in asked)
        self._answers = {name: guard for name, guard in guards.items() if isinstance(guard, AnswerGuard)}
        self._learned = learned(self._answers.values())
        self._rules = rules
        self._tools = [g for g in self._all.values() if isinstance(g.settings, ToolsGuard)]
        redacts = any(guardrail.settings.action == "redact" for guardrail in self._all.values())
        self.edits_answers = bool(self._answers or self._tools or redacts)
        for check in checks.values():
            weakref.finalize(self, check.close)

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """Those of a mesh that has any."""
        guards = mesh.guardrails
        if not guards:
            return None
        return cls(
            guards, {name: check_of(guard) for name, guard in guards.items() if isinstance(guard, Guard)}, mesh.read
        )

    async def judge(self, facts: Facts, content: Content) -> Ruling:
        """See decision.Judge."""
        texts = _Texts(content)
        duties = frozenset(duty.what for duty in facts.duties if duty.step == NAME)
        answers = [await self._ask(guardrail, facts, texts, duties) for guardrail in self._to_ask(duties)]
        verdicts = tuple(one.verdict for one in answers if one.verdict is not None)
        unenforced = tuple(entry for one in answers for entry in one.unenforced)
        answer = (*self._watching(facts, texts, duties), *self._watching_tools(facts, duties))
        if not verdicts and not unenforced and not answer:
            return NOTHING
        error = next((one.error for one in answers if one.error is not None), None)
        return Ruling(verdicts, answer=answer, unenforced=unenforced, error=error)

    def _watching(self, facts: Facts, texts: _Texts, duties: frozenset[str]) -> tuple[AnswerGuards, ...]:
        """The link through which the answer passes."""
        if not self._answers:
            return ()
        rule = rule_for(self._rules, facts.method or None, facts.path)
        if rule is None:
            return ()
        watched = tuple(
            Watched(
                name,
                guard,
                self._learned.get(id(guard)) or inspects_of(guard, texts.masked),
                guard.mode == "enforce" or name in duties,
            )
            for name, guard in self._answers.items()
        )
        return (AnswerGuards(rule, facts.path, watched),)

    def _watching_tools(self, facts: Facts, duties: frozenset[str]) -> Iterable[AnswerEdit]:
        """Links for the calls of tools in the answer."""
        for name, guard, check in self._tools:
            assert isinstance(guard, ToolsGuard)
            enforced = guard.mode == "enforce" or name in duties
            yield ToolAnswers(name, guard, cast("ToolsCheck", check).tools, facts.caller, enforced)

    def _to_ask(self, duties: frozenset[str]) -> Iterable[_Guardrail]:
        """Those that are always asked, and those that a policy requires. Raises UndecidedError: there is none such."""
        if not duties:
            return self._first
        if unknown := duties - self._all.keys() - self._answers.keys():
            raise UndecidedError(f"{NAME}: {min(unknown)}", LookupError())
        return (*self._first, *(g for name, g in self._all.items() if name in duties and g not in self._first))

    async def _ask(self, guardrail: _Guardrail, facts: Facts, texts: _Texts, duties: frozenset[str]) -> _Said:
        name, settings, check = guardrail
        enforced = settings.mode == "enforce" or name in duties
        deadline = min(monotonic() + settings.deadline_ms / 1000, texts.by)
        passages = texts.at(check)
        try:
            finding = await _found(check, Question(passages, facts, texts.body), deadline)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in it, its policy says what comes of it
            return _failed(guardrail, error, enforced=enforced)
        bound = (Unenforced(NAME, name, finding.bound),) if finding.bound else ()
        if not finding.fires:
            if settings.mode == "monitor" and passages:
                rests = Verdict(NAME, "allow", name, score=round(finding.score, 4), enforced=False)
                return _Said(rests, bound)
            return _Said(unenforced=bound)
        if settings.ask is not None:
            return await self._ask(self._all[settings.ask], facts, texts, duties)
        reason = f"{name}:{finding.what}" if finding.what else name
        action = cast("Action", settings.action)
        verdict = Verdict(NAME, action, reason, settings.to or "", round(finding.score, 4), enforced)
        told = GuardrailError(reason, settings.status) if action == "block" and enforced else None
        return _Said(verdict, bound, told)


def _failed(guardrail: _Guardrail, error: Exception, *, enforced: bool) -> _Said:
    late = isinstance(error, TimeoutError)
    if guardrail.settings.on_error == "open" or not enforced:
        return _Said(unenforced=(Unenforced(NAME, guardrail.name, "late" if late else "failed"),))
    refusal = UndecidedError(f"{NAME}: {guardrail.name}", error)
    refusal.__cause__ = error
    return _Said(Verdict(NAME, "block", f"{guardrail.name}:{'late' if late else 'failed'}"), error=refusal)


class _Texts:
    """The passages of one request, gathered once for each set of places."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._known: dict[tuple[frozenset[Place], bool], list[Passage]] = {}
        self.by = content.deadline - _RESERVE_S
        """Until when guardrails have to be done, all of them together."""

    @property
    def body(self) -> bytes:
        """All of it."""
        return self._content.body

    def at(self, check: Check) -> list[Passage]:
        """Those that a check wants to see."""
        return self._of(check.places, masked=check.masked)

    def masked(self, place: Place) -> list[str]:
        """The texts in one place, as the upstream gets them."""
        return [passage.text for passage in self._of(frozenset([place]), masked=True)]

    def _of(self, places: frozenset[Place], *, masked: bool) -> list[Passage]:
        key = places, masked
        known = self._known.get(key)
        if known is None:
            segments = self._content.segments if places else ()
            if masked:
                segments = [s._replace(text=text) for s, text in zip(segments, self._content.masked, strict=True)]
            known = self._known[key] = passages_of(segments, places)
        return known


async def _found(check: Check, question: Question, deadline: float) -> Finding:
    finding = check.look(question, deadline)
    if not inspect.isawaitable(finding):
        return finding
    return await asyncio.wait_for(finding, max(0.0, deadline - monotonic()))
