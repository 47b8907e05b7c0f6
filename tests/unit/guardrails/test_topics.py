"""Topics by a handful of examples: what is denied fires, what is near and harmless does not, in answers too."""

import asyncio
from time import monotonic

import pytest

from extproc.config.guardrails import AnswerTopicsGuard, TopicsGuard
from extproc.decision import Facts
from extproc.guardrails.answers import AnswerGuards, Watched
from extproc.guardrails.check import Question
from extproc.guardrails.passages import Passage
from extproc.guardrails.topics import AnswerTopics, TopicsCheck
from tests.unit.guardrails.test_answers import CHAT, RULE, said

LEGAL = [
    "Can I sue my landlord for the broken heating?",
    "Is this clause of my contract enforceable in court?",
    "What damages can I claim after a breach of contract?",
    "Do I need a lawyer to contest a will?",
    "How long do I have to file a lawsuit?",
]
MEDICAL = [
    "Which dose of ibuprofen may I take for a headache?",
    "What do these symptoms mean, fever and a rash?",
    "Should I stop taking my blood pressure tablets?",
    "Is this mole on my arm cancer?",
    "What helps against a migraine?",
]
ORDERS = [
    "Where is my parcel?",
    "I want to return a pair of shoes.",
    "When will my order be delivered?",
    "Can I change the delivery address?",
    "How do I cancel my order?",
]


@pytest.fixture(scope="module", name="denied")
def _denied(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTENTMESH_CACHE", str(tmp_path_factory.mktemp("cache")))
        guard = {"kind": "topics", "denied": {"legal": LEGAL, "medical": MEDICAL}, "allowed": {}}
        return TopicsCheck(TopicsGuard.model_validate(guard))


@pytest.fixture(scope="module", name="allowed")
def _allowed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTENTMESH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return TopicsCheck(
            TopicsGuard.model_validate({"kind": "topics", "allowed": {"orders": ORDERS, "legal": LEGAL}})
        )


def found(check, *texts):
    """What comes of passages with these texts."""

    async def look():
        passages = [Passage("user", text, "messages[0]") for text in texts]
        finding = check.look(Question(passages, Facts()), monotonic() + 60)
        return await finding if asyncio.iscoroutine(finding) else finding

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Can I sue the shop in court if it breaches our contract?", "legal"),
        ("Which dose of paracetamol may I take against a headache?", "medical"),
        ("What is the weather in Rome tomorrow?", ""),
        ("Write a poem about autumn.", ""),
        ("", ""),
    ],
)
def test_denied(denied, text, topic):
    """The topic is told by its name."""
    finding = found(denied, text)
    assert (finding.fires, finding.what) == (bool(topic), topic)


def test_a_topic_within_a_long_text(denied):
    """Every stretch is read, not only the beginning and the end."""
    filler = "The museum lies at the river and is open from nine to five every day but Monday. " * 15
    assert found(denied, filler + LEGAL[2] + " " + filler).what == "legal"


def test_more_than_can_be_read_is_told(denied):
    """For the ledger."""
    assert found(denied, "The museum lies at the river. " * 13_000).bound == "topics_bound"


@pytest.mark.parametrize(
    ("text", "fires"), [("Where is my order?", False), ("Write me a haiku about volcanoes.", True)]
)
def test_allowed(allowed, text, fires):
    """Where only some topics are allowed, anything else is `other`."""
    assert found(allowed, text).fires is fires


def test_answers(monkeypatch, tmp_path):
    """Sentence by sentence."""
    monkeypatch.setenv("INTENTMESH_CACHE", str(tmp_path))
    guard = AnswerTopicsGuard.model_validate(
        {"kind": "answer_topics", "denied": {"legal": LEGAL, "medical": MEDICAL}, "action": "redact"}
    )
    link = AnswerGuards(RULE, CHAT, (Watched("mine", guard, AnswerTopics(guard), enforced=True),))
    text = "The museum is open until five. You can sue your landlord in court for the broken heating. Have a nice day!"
    assert said(link, text, 5) == "The museum is open until five. [removed]Have a nice day!"
