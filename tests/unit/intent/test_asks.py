"""What is asked, wherever it stands: not what is declined, the ask in a long text, several asks, a turn that leans back."""

import pytest

from extproc.config import parse
from extproc.intent import Classifier

SMALL_TALK = (
    "Hello, I have been a customer of yours for more than six years and have always been happy with the service. "
    "Last month I celebrated my birthday with the whole family in a small restaurant in the mountains. "
    "My sister came from Canada, and my nephew played the piano for us. "
)
MESH = """\
version: 1
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
intents:
  printer: {examples: [the printer is jammed, printer prints blank pages, how do I add a printer, toner is empty]}
  refund: {examples: [I want my money back, please refund my order, when do I get my refund, give me a refund, refund the amount]}
  password: {examples: [I forgot my password, reset my password, my account is locked, unlock my account, password expired]}
  monitor: {examples: [I need a second monitor, order a monitor for me, my screen is too small, request a bigger display]}
"""


@pytest.fixture(scope="module")
def classifier(encoder):
    """Four intents of a helpdesk and a shop."""
    classifier = Classifier(parse(MESH), encoder, keep=False)
    yield classifier
    classifier.close()


@pytest.mark.parametrize(
    "text",
    [
        "I do NOT want a refund",
        "the printer is not jammed",
        "please do not reset my password",
        "no need to refund my order",
        "I have not asked for a refund",
        "I did not want the refund",
        "we haven't been asking for a second monitor",
        "I never wanted to reset my password",
        "I wasn't looking for a bigger display",
        "I don't think I need a second monitor",
        "I had no intention of asking for my money back",
        "I have not requested a refund",
        "I wouldn't like a refund",
        "the printer has not been jammed",
        "my account hasn't been locked",
        "my account was never locked",
    ],
)
def test_negation(classifier, text):
    """What is declined, or is said not to be so, is no intent."""
    score = classifier.classify_now(text)
    assert score.intent is None
    assert score.reason == "negated"


@pytest.mark.parametrize("text", ["I forgot my password", "please refund my order", "the printer is jammed"])
def test_the_same_without(classifier, text):
    """The same words without a negator are accepted."""
    assert classifier.classify_now(text).intent is not None


@pytest.mark.parametrize("at", [0, 1, 2])
def test_long(classifier, at):
    """The ask is found at the beginning, in the middle and at the end of small talk; small talk alone asks for nothing."""
    talk = [SMALL_TALK, SMALL_TALK.replace("Canada", "Spain")]
    talk.insert(at, "I want my money back. ")
    assert classifier.classify_now("".join(talk)).intent == "refund"
    assert classifier.classify_now(SMALL_TALK * 2).intent is None


def test_several(classifier):
    """Two asks are both told, in their order; the first one is the intent."""
    score = classifier.classify_now("I forgot my password and I need a second monitor")
    assert (score.intent, score.intents) == ("password", ("password", "monitor"))


def test_a_conversation(classifier):
    """A short turn is read with what came before it, and only a short one."""
    before = ("the printer is jammed",)
    score = classifier.classify_now("and the second one?", before=before)
    assert (score.intent, score.reason) == ("printer", "conversation")
    assert classifier.classify_now("and the second one?").intent is None
    assert classifier.classify_now("what is the capital of Peru", before=before).intent is None


def test_masked_data_moves_nothing(classifier):
    """A placeholder or an address in a text leaves its decision as it is."""
    plain = classifier.classify_now("reset my password please")
    for noise in ("[EMAIL_ADDRESS_1]", "[PERSON_2]", "ada@example.org"):
        assert classifier.classify_now(f"reset my password {noise} please").score == pytest.approx(plain.score)
