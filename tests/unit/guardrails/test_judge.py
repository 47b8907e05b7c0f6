"""Guardrails as a judge: who is asked, what is said, and what comes of one that fails, hangs or is late."""

import asyncio
from time import monotonic
from types import SimpleNamespace

import pytest

from extproc.config.guardrails import InjectionGuard
from extproc.decision import NOTHING, Duty, Facts
from extproc.errors import GuardrailError, UndecidedError
from extproc.guardrails.check import Finding
from extproc.guardrails.judge import Guardrails
from extproc.payload import Segment

CONTENT = SimpleNamespace(
    segments=[Segment("Hello.", role="user")], masked=["Hello."], body=b"{}", deadline=float("inf")
)


class Fake:
    """A check that gives, raises or never gives what it is made with."""

    def __init__(self, result, *, slow=False):
        self.places = frozenset(["user"])
        self.masked = False
        self.result = result
        self.slow = slow
        self.asked = 0

    def look(self, _question, _deadline):
        """See Check."""
        self.asked += 1
        if self.slow:
            return self.later()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def later(self):
        """The same, late."""
        await asyncio.sleep(60 if self.result is None else 0)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def close(self):
        """See Check."""


def guard(**settings):
    """One guardrail's settings."""
    return InjectionGuard.model_validate({"kind": "injection", "deadline_ms": 20, **settings})


def ruled(guards, checks, *duties):
    """What the judge says."""
    facts = Facts(duties=tuple(Duty("guardrails", name) for name in duties))
    return asyncio.run(Guardrails(guards, checks).judge(facts, CONTENT))


FIRES, RESTS = Finding(0.9, True), Finding(0.1, False)


def test_a_block_names_its_rule():
    """With the score in the verdict, and the name in the error."""
    ruling = ruled({"mine": guard(action="block")}, {"mine": Fake(FIRES)})
    assert ruling.verdicts == (("guardrails", "block", "mine", "", 0.9, True),)
    assert isinstance(ruling.error, GuardrailError)
    assert (str(ruling.error), ruling.error.status) == ("refused by guardrails: mine", 403)


def test_a_block_may_answer_400():
    """As APIs do whose clients know no 403."""
    error = ruled({"mine": guard(action="block", status=400)}, {"mine": Fake(FIRES)}).error
    assert (error.status, error.error_type) == (400, "invalid_request_error")


def test_all_guardrails_have_the_time_of_the_request():
    """Several that hang, each for less than its deadline: the last one's policy holds before nobody waits any more."""
    guards = {name: guard(deadline_ms=60_000, on_error="open") for name in "abc"}
    content = SimpleNamespace(**vars(CONTENT) | {"deadline": monotonic() + 0.1})
    checks = {name: Fake(None, slow=True) for name in "abc"}
    ruling = asyncio.run(Guardrails(guards, checks).judge(Facts(), content))
    assert [(one.rule, one.cause) for one in ruling.unenforced] == [(name, "late") for name in "abc"]


def test_monitor_tells_every_score():
    """Of what it would do, and of what it leaves alone: from these a threshold can be set."""
    guards = {"a": guard(action="block", mode="monitor"), "b": guard(mode="monitor")}
    verdicts = ruled(guards, {"a": Fake(FIRES), "b": Fake(RESTS)}).verdicts
    assert [(v.action, v.reason, v.score, v.enforced) for v in verdicts] == [
        ("block", "a", 0.9, False),
        ("allow", "b", 0.1, False),
    ]


def test_it_is_silent_where_nothing_fires():
    """No verdict, no entry in the ledger."""
    assert ruled({"mine": guard()}, {"mine": Fake(RESTS)}) == NOTHING


@pytest.mark.parametrize("check", [Fake(ValueError("a text")), Fake(ValueError("a text"), slow=True)])
def test_failing_closed(check):
    """One that raises refuses the request, whatever the text of its error; the others have their say."""
    guards = {"mine": guard(), "other": guard()}
    ruling = ruled(guards, {"mine": check, "other": Fake(FIRES)})
    assert [(v.action, v.reason) for v in ruling.verdicts] == [("block", "mine:failed"), ("flag", "other")]
    assert isinstance(ruling.error, UndecidedError)
    assert str(ruling.error) == "the step guardrails: mine failed (ValueError)"


def test_failing_open():
    """The request goes on, and the ledger knows."""
    ruling = ruled({"mine": guard(on_error="open")}, {"mine": Fake(ValueError())})
    assert (ruling.verdicts, ruling.unenforced) == ((), (("guardrails", "mine", "failed"),))


@pytest.mark.parametrize(("policy", "told"), [("closed", "block"), ("open", None)])
def test_hanging(policy, told):
    """One that does not answer is late at its deadline, and its policy holds."""
    ruling = ruled({"mine": guard(on_error=policy)}, {"mine": Fake(None, slow=True)})
    assert [v.reason for v in ruling.verdicts] == (["mine:late"] if told else [])
    assert ruling.unenforced == (() if told else (("guardrails", "mine", "late"),))


def test_monitoring_never_refuses():
    """A guardrail on trial costs no request, even where it fails."""
    ruling = ruled({"mine": guard(mode="monitor")}, {"mine": Fake(ValueError())})
    assert (ruling.verdicts, ruling.error) == ((), None)


def test_asking_another():
    """The other one decides, and is not asked otherwise."""
    guards = {"mine": guard(action="ask", ask="judge"), "judge": guard(action="block")}
    judge = Fake(FIRES)
    assert [v.reason for v in ruled(guards, {"mine": Fake(FIRES), "judge": judge}).verdicts] == ["judge"]
    assert ruled(guards, {"mine": Fake(RESTS), "judge": judge}).verdicts == ()
    assert judge.asked == 1


def test_a_duty_enforces():
    """What a policy requires is asked, and counts, in `monitor` too."""
    guards = {"mine": guard(action="ask", ask="judge"), "judge": guard(action="block", mode="monitor")}
    checks = {"mine": Fake(RESTS), "judge": Fake(FIRES)}
    assert [(v.reason, v.enforced) for v in ruled(guards, checks, "judge").verdicts] == [("judge", True)]


def test_a_duty_that_nobody_can_do_refuses():
    """A policy that requires a guardrail which is not there."""
    with pytest.raises(UndecidedError, match="guardrails: gone"):
        ruled({"mine": guard()}, {"mine": Fake(RESTS)}, "gone")
