"""What gates and judges say, and what becomes of a request for it."""

import json

import pytest

from extproc.config.mesh import Mesh
from extproc.decision import (
    NOTHING,
    Duty,
    Forward,
    Inquiry,
    Refuse,
    Respond,
    Ruling,
    Verdict,
)
from extproc.errors import DeniedError, IntentmeshError, UndecidedError
from extproc.exchange.events import RequestBody, RequestHeaders
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import End, HttpStream
from extproc.identity import Caller
from extproc.pipeline import Pipeline

MESH = Mesh.model_validate(
    {
        "version": 1,
        "models": {
            "large": {
                "endpoints": [
                    {"address": "127.0.0.1:1"},
                    {"address": "llm.example.eu:443", "zone": "external", "tls": True},
                ]
            },
            "small": {"endpoints": [{"address": "127.0.0.1:2"}], "upstream_name": "tiny"},
        },
        "default_model": "large",
        "pii": {"names": {"enabled": False}},
    }
)
HEADERS = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}
BODY = b'{"model": "gpt", "messages": [{"role": "user", "content": "I am ada@example.org"}]}'


class Says:
    """Gives one ruling, and keeps what it was asked."""

    edits_answers = True

    def __init__(self, ruling=NOTHING, name="policy"):
        self.name = name
        self.ruling = ruling
        self.asked = []

    def _rule(self, facts):
        self.asked.append(facts)
        if isinstance(self.ruling, Exception):
            raise self.ruling
        return self.ruling


class Gate(Says):
    """By the headers."""

    def judge(self, facts):
        """See decision.Gate."""
        return self._rule(facts)


class Judge(Says):
    """By the texts too."""

    async def judge(self, facts, content):
        """See decision.Judge."""
        self.texts = [segment.text for segment in content.segments]
        self.masked = list(content.masked)
        return self._rule(facts)


def pipeline(*, gates=(), at_body=(), understood=(), routed=()):
    """One with these deciders in its list."""

    class Listed(Pipeline):
        AT_HEADERS = tuple(lambda _mesh, gate=gate: gate for gate in gates)
        AT_BODY = tuple(lambda _mesh, judge=judge: judge for judge in at_body)
        UNDERSTOOD = tuple(lambda _mesh, judge=judge: judge for judge in understood)
        ROUTED = tuple(lambda _mesh, judge=judge: judge for judge in routed)

    return Listed.build(MESH)


def inquiry(body=BODY, headers=HEADERS):
    """A chat."""
    return Inquiry(MESH.intercept[0], headers[":path"], headers, body, Caller("spiffe://a/b", "red"))


def said(action, reason="rule", **more):
    """A ruling of one verdict."""
    return Ruling((Verdict("policy", action, reason, **more),))


async def test_each_is_asked_with_what_is_known_then():
    """A body's model when it is read, entities when they are found, the destination when it is chosen."""
    read, understood, routed = Judge(), Judge(), Judge()
    outcome = await pipeline(at_body=[read], understood=[understood], routed=[routed]).inspect(inquiry())
    (first,), (second,), (third,) = read.asked, understood.asked, routed.asked
    assert (first.caller.project, first.model, first.tokens, first.streamed) == ("red", "gpt", len(BODY) // 4, False)
    assert not first.knows("entities")
    assert second.entities == {"EMAIL_ADDRESS": 1}
    assert not second.knows("destination")
    assert third.destination == "large"
    assert "I am ada@example.org" in understood.texts
    assert "I am [EMAIL_ADDRESS_1]" in understood.masked
    assert "I am ada@example.org" not in understood.masked
    assert list(outcome.inspection.steps_s) == ["payload", "policy", "pii", "routing", "rewrite"]


async def test_a_block_refuses():
    """With 403, the step and the rule; what was said stands in the inspection."""
    outcome = await pipeline(understood=[Judge(said("block", "cards-stay"))]).inspect(inquiry())
    assert isinstance(outcome, Refuse)
    assert (type(outcome.error), outcome.error.status) == (DeniedError, 403)
    assert str(outcome.error) == "refused by policy: cards-stay"
    assert outcome.inspection.facts.verdicts == (Verdict("policy", "block", "cards-stay"),)
    assert outcome.inspection.facts.entities == {"EMAIL_ADDRESS": 1}


class SpentError(IntentmeshError):
    """As a budget would refuse."""

    status = 429

    def __init__(self):
        self.headers = {"retry-after": "7"}
        super().__init__("nothing left")


async def test_a_block_in_words_of_its_own():
    """A judge may say how its block is told, headers and all."""
    ruling = said("block")._replace(error=SpentError())
    spent = pipeline(routed=[Judge(ruling)])
    outcome = await spent.inspect(inquiry())
    assert outcome.error.status == 429
    stream = HttpStream(ExchangeSettings.of(MESH), spent)
    stream.receive(RequestHeaders(HEADERS))
    stream.receive(RequestBody(BODY, end_of_stream=True))
    (reply,) = stream.inspected(outcome)
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("place", ["at_body", "understood", "routed"])
@pytest.mark.parametrize("error", [RuntimeError("ada@example.org"), KeyError("x"), DeniedError("policy", "own")])
async def test_who_errs_denies(place, error):
    """Whatever a judge raises, nothing goes on; an error of ours says what it says, another's text is not told."""
    outcome = await pipeline(**{place: [Judge(error)]}).inspect(inquiry())
    assert isinstance(outcome, Refuse)
    if isinstance(error, IntentmeshError):
        assert outcome.error is error
    else:
        assert (type(outcome.error), outcome.error.status) == (UndecidedError, 503)
        assert "ada" not in str(outcome.error)


async def test_a_dry_run_goes_on():
    """What is not enforced is told, and changes nothing."""
    verdicts = tuple(
        Verdict("policy", action, "rule", to, enforced=False)
        for action, to in (("block", ""), ("confine", "pod"), ("reroute", "small"), ("redact", ""))
    )
    outcome = await pipeline(understood=[Judge(Ruling(verdicts))]).inspect(inquiry())
    plain = await pipeline().inspect(inquiry())
    assert outcome.inspection.facts.verdicts == verdicts
    assert (outcome.model, outcome.residency, outcome.body) == (plain.model, plain.residency, plain.body)
    assert [link.name for link in outcome.answer] == [link.name for link in plain.answer] == ["restore"]


@pytest.mark.parametrize("place", ["at_body", "understood", "routed"])
async def test_reroute_and_confine(place):
    """Another model, by the name that it goes by upstream, and the nearest zone of all, in whatever order they come."""
    judges = [
        Judge(said("confine", to="pod")),
        Judge(said("reroute", "cheaper", to="small")),
        Judge(said("confine", to="cluster"), "other"),
    ]
    outcome = await pipeline(**{place: judges}).inspect(inquiry())
    assert (outcome.model, outcome.residency, outcome.reason) == ("small", "pod", "policy:cheaper")
    assert json.loads(outcome.body)["model"] == "tiny"


async def test_redact():
    """Personal data of the model's own is masked in the answer, beside what is restored in it."""
    outcome = await pipeline(at_body=[Judge(said("redact"))]).inspect(inquiry())
    (link,) = outcome.answer
    assert link.name == "restore, redact"
    answer = b'{"choices":[{"message":{"content":"[EMAIL_ADDRESS_1], write to bob@example.org"}}]}'
    told = link.editor("application/json", "").feed(answer, end=True)
    assert b"ada@example.org" in told
    assert b"bob@example.org" not in told


class Shout:
    """A link of the answer's chain."""

    def __init__(self, *, masked, name="shout"):
        self.name, self.masked = name, masked
        self.seen = b""

    def editor(self, content_type, content_encoding):
        """See AnswerEdit."""
        return self

    def feed(self, chunk, *, end=False):
        """See ResponseEditor."""
        self.seen += chunk
        return chunk.upper() if end else chunk


async def test_links_of_the_answer():
    """A judge's editor sees the answer as the model wrote it, or as the client gets it, as it says."""
    first, last = Shout(masked=True), Shout(masked=False, name="last")
    judge = Judge(Ruling(answer=(last, first)))
    outcome = await pipeline(understood=[judge]).inspect(inquiry())
    assert [link.name for link in outcome.answer] == ["shout", "restore", "last"]


async def test_a_judge_that_edits_has_to_say_so_beforehand():
    """Envoy is told with the headers whether the answer will be asked for; later is too late."""
    for ruling in (said("redact"), Ruling(answer=(Shout(masked=True),))):
        judge = Judge(ruling)
        judge.edits_answers = False
        outcome = await pipeline(understood=[judge]).inspect(inquiry())
        assert type(outcome.error) is UndecidedError


async def test_an_answer_without_an_upstream():
    """As a cache gives it: what it keeps is masked, and the caller gets it restored. No later step is taken."""
    cached = Respond(200, {"content-type": "application/json"}, b'{"content": "hello [EMAIL_ADDRESS_1]"}', "cached")
    later = Judge()
    outcome = await pipeline(understood=[Judge(Ruling(response=cached)), later]).inspect(inquiry())
    assert isinstance(outcome, Respond)
    assert (outcome.status, outcome.body, outcome.details) == (200, b'{"content": "hello ada@example.org"}', "cached")
    assert later.asked == []
    assert cached.body == b'{"content": "hello [EMAIL_ADDRESS_1]"}'


async def test_a_block_comes_before_an_answer():
    """Whoever says both has said no."""
    both = said("block")._replace(response=Respond(200, {}, b"hi"))
    outcome = await pipeline(understood=[Judge(both)]).inspect(inquiry())
    assert isinstance(outcome, Refuse)


async def test_duties_reach_the_steps_they_are_for():
    """A policy at the gate requires a guardrail, which stands later in the list."""
    duty = Duty("guardrails", "injection")
    later = Judge(name="guardrails")
    made = pipeline(gates=[Gate(Ruling(duties=(duty,)))], understood=[later])
    admitted = made.admit(inquiry())
    await made.inspect(Inquiry(MESH.intercept[0], HEADERS[":path"], HEADERS, BODY, admission=admitted))
    assert later.asked[0].duties == (duty,)


def exchange(made):
    """A stream on this pipeline, whose headers have come, and the replies to them."""
    stream = HttpStream(ExchangeSettings.of(MESH), made)
    return stream, stream.receive(RequestHeaders(HEADERS))


@pytest.mark.parametrize(
    ("ruling", "status", "outcome"),
    [
        (said("block", "contractors"), 403, "rejected"),
        (ValueError("x"), 503, "rejected"),
        (Ruling(response=Respond(200, {"content-type": "application/json"}, b"{}")), 200, "answered"),
    ],
)
def test_a_gate_decides_without_a_body(ruling, status, outcome):
    """What is clear by the headers costs no body: Envoy answers at once, and what was said is on record."""
    stream, (reply,) = exchange(pipeline(gates=[Gate(ruling)]))
    assert (type(reply), reply.status, stream.finished) == (Respond, status, True)
    record = stream.end(End.CLOSED)
    assert (record.outcome, record.status) == (outcome, status)
    assert record.verdicts == (ruling.verdicts if isinstance(ruling, Ruling) else ())


def test_an_open_gate_costs_nothing():
    """What it says is known when the body comes."""
    stream, _ = exchange(pipeline(gates=[Gate(said("flag", "seen"))]))
    asked = stream.receive(RequestBody(BODY, end_of_stream=True))
    assert asked.facts().verdicts == (Verdict("policy", "flag", "seen"),)


async def test_what_cannot_be_read_is_judged_all_the_same():
    """A body that passes unread has no texts and no model, and judges can tell."""
    rule = MESH.intercept[0].model_copy(update={"on_unreadable": "pass"})
    judge = Judge()
    made = pipeline(understood=[judge])
    outcome = await made.inspect(Inquiry(rule, HEADERS[":path"], HEADERS, b"{not json"))
    assert isinstance(outcome, Forward)
    assert (outcome.reason, outcome.body) == ("unreadable", None)
    assert (judge.texts, judge.asked[0].knows("model")) == ([], False)
