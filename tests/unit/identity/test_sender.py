"""What is remembered of requests is remembered for their callers, and none of their words."""

import subprocess
import sys

import pytest

from extproc.config.mesh import Mesh
from extproc.identity import ANONYMOUS, Caller, sender_of
from extproc.intent import Classifier
from extproc.pii.recent import RecentFindings

SECRETS = ("muabnegshcstewZ", "akswokyzclawoK", "hsifdrows2retnuh", "reuahleitsnennafP")
"""Backwards: forwards they stand nowhere but in the request."""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({"authorization": "Bearer a"}, {"authorization": "Bearer b"}, False),
        ({"authorization": "Bearer a", "x-forwarded-for": "1.1.1.1"}, {"authorization": "Bearer a"}, True),
        ({"x-api-key": "a"}, {"x-api-key": "b"}, False),
        ({"x-forwarded-client-cert": "Hash=a"}, {"x-forwarded-client-cert": "Hash=b"}, False),
        ({"x-forwarded-for": "1.1.1.1"}, {"x-forwarded-for": "2.2.2.2"}, False),
        ({"x-forwarded-for": "9.9.9.9, 1.1.1.1"}, {"x-forwarded-for": "1.1.1.1"}, True),
        ({"x-forwarded-for": "1.1.1.1, 9.9.9.9"}, {"x-forwarded-for": "1.1.1.1"}, False),
    ],
)
def test_callers(one, other, same):
    """By credential, else by peer: the address that Envoy saw itself, not what a client wrote before it."""
    assert (sender_of(ANONYMOUS, one) == sender_of(ANONYMOUS, other)) is same


def test_what_one_caller_sent_is_news_of_another():
    """A text is searched again for the next caller, and so takes as long as if nobody had sent it."""
    searched = []
    recent = RecentFindings(lambda text, key: searched.append((text, key)) or [], 10)
    for caller in ("a", "a", "b", "b", "", ""):
        recent("a text", None, caller)
    assert searched == [("a text", None)] * 3


def test_intents_are_remembered_for_callers():
    """Likewise."""
    mesh = Mesh.model_validate(
        {
            "version": 1,
            "intents": {"a": {"examples": ["a b c", "b c d"]}, "b": {"examples": ["x y z", "y z x"]}},
            "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
            "default_model": "general",
        }
    )
    classifier = Classifier(mesh, keep=False)
    try:
        ask = lambda caller: classifier.classify_now("some text", {"authorization": caller}).cached  # noqa: E731
        assert [ask(caller) for caller in ("a", "a", "b", "b")] == [False, True, False, True]
    finally:
        classifier.close()


LEFT_IN_MEMORY = """
import gc
from extproc.config.pii import PiiSettings
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer

HOLDERS = (dict, list, set, tuple, frozenset)

def strings():
    for holder in gc.get_objects():
        inner = [x for x in gc.get_referents(holder) if type(x) in HOLDERS and not gc.is_tracked(x)]
        for container in (holder, *inner):
            if type(container) in HOLDERS:
                values = (*container.keys(), *container.values()) if type(container) is dict else tuple(container)
                yield from (x for x in values if type(x) is str)

def request(words):
    prose = f"I am {words[0]} {words[1]}. My password is {words[2]}, and I live in {words[3]}. " * 20
    anonymizer.anonymize([Segment(prose), Segment(words[1], words[3]), Segment(f"{words[0]} likes {words[3]}")])

def backwards(secrets):
    return tuple(secret[::-1] for secret in secrets)

settings = PiiSettings()
anonymizer = Anonymizer(settings, Analyzer(settings))
request(backwards(SECRETS))
gc.collect()
left = list(strings())
print(sorted({secret for secret in SECRETS for text in left if secret[::-1] in text}), len(left) > 10_000)
"""
"""A process that prints which of the secrets are held anywhere, in containers too that the collector does not look into."""


def test_no_word_outlives_its_request():
    """Names, passwords and PINs of a request are in none of the tables that make the next one faster."""
    script = f"SECRETS = {SECRETS}\n{LEFT_IN_MEMORY}"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[] True\n"


def test_who_is_known_needs_no_credential():
    """What is remembered for a caller is found again from wherever it calls; callers of one project are told apart."""
    ada, bob = Caller("ada", "red"), Caller("bob", "red")
    here, there = {"x-forwarded-for": "1.1.1.1"}, {"x-forwarded-for": "2.2.2.2"}
    assert sender_of(ada, here) == sender_of(ada, there) != sender_of(bob, here)
    assert sender_of(Caller(project="red"), here) != sender_of(Caller(project="red"), there)
