"""Four times the body, some four times the work: whatever it is made of, and whatever comes back.

Compared is the processor time of this thread for a body and for one four times its size. Where the square of the size is
taken, it is sixteen times as much; a moment's noise is not, for the least of several runs is taken.
"""

from time import thread_time

import pytest

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.errors import IntentmeshError
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Vault
from tests import hostile

RULE = Intercept.model_validate({"path_prefix": "/", "payload": "auto"})
SETTINGS = PiiSettings.model_validate({"remember_texts": 0})
ANONYMIZER = Anonymizer(SETTINGS, Analyzer(SETTINGS))
SIZE = 6_000
TIMES, MOST = 4, 9
SOON = 0.002
"""Seconds below which nothing is told of growth."""
TRIES = 5


def masked(request):
    """One request through what searches and masks it."""
    try:
        document = parse(RULE, request.path, request.content_type, request.content_encoding, request.body)
    except IntentmeshError:
        return
    document.replace(ANONYMIZER.anonymize(document.segments, body=document.body).edits)
    assert isinstance(document.intent_text, str)


def restored(answer, size=512):
    """One answer back through what restores it."""
    vault = Vault(restore_in_urls=False)
    for i in range(answer.placeholders):
        vault.placeholder("EMAIL_ADDRESS", f"user{i}@example.org")
    editor = response_editor(RULE, answer.content_type, answer.content_encoding, AnswerEditors(vault, None))
    for piece in hostile.pieces(answer.body, size):
        editor.feed(piece)
    editor.feed(b"", end=True)


def time_of(work, case):
    """Seconds of processor time."""
    began = thread_time()
    work(case)
    return thread_time() - began


def grows_with_size(work, make):
    """Whether the work grows hardly faster than the body."""
    small, large = make(SIZE), make(TIMES * SIZE)
    short = long = float("inf")
    for _ in range(TRIES):
        short, long = min(short, time_of(work, small)), min(long, time_of(work, large))
        if long <= MOST * max(short, SOON):
            return True
    return False


@pytest.mark.parametrize("name", hostile.REQUESTS)
def test_requests(name):
    """Reading, searching and masking a body takes no more than in proportion to its size."""
    assert grows_with_size(masked, hostile.REQUESTS[name])


@pytest.mark.parametrize("name", hostile.ANSWERS)
def test_answers(name):
    """Restoring an answer takes no more than in proportion to its size."""
    assert grows_with_size(restored, hostile.ANSWERS[name])
