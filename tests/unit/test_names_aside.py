"""Work in a second thread: begun early, waited for, never lost."""

import os
import threading

import pytest

from extproc.config.pii import PiiSettings
from extproc.errors import MaskingError
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer
from extproc.pii.names import aside as module
from extproc.pii.names.aside import MOST_THREADS, Aside
from extproc.pii.names.cascade import LONG

TEXT = "Then Kiran told me so.\n" + "And nobody came by four. " * 200


@pytest.fixture
def aside(monkeypatch):
    """One that believes in two processors."""
    monkeypatch.setattr(module, "_processors", lambda: 2)
    return Aside()


def test_work_is_done_in_another_thread(aside):
    """While the caller is busy."""
    outcome = aside.begin(threading.get_ident)
    aside.begin(lambda: None)()
    assert outcome() != threading.get_ident()


def test_what_work_raises_is_raised_where_its_result_is_wanted(aside):
    """Nothing is swallowed."""
    outcome = aside.begin(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        outcome()


def test_nobody_waits_for_a_thread_that_has_not_begun(aside):
    """With all threads busy, callers do their own work."""
    held = threading.Event()
    busy = [aside.begin(held.wait) for _ in range(MOST_THREADS)]
    assert aside.begin(threading.get_ident)() == threading.get_ident()
    held.set()
    assert all(outcome() for outcome in busy)


def test_without_a_second_processor_there_is_no_thread(monkeypatch):
    """There it would only be in the way."""
    monkeypatch.setattr(module, "_processors", lambda: 1)
    assert Aside().begin(threading.get_ident)() == threading.get_ident()


def test_without_a_thread_to_be_had_the_caller_works(aside, monkeypatch):
    """At the machine's limit no request is refused for it."""

    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert [aside.begin(threading.get_ident)() for _ in range(2)] == [threading.get_ident()] * 2


def test_it_works_in_a_forked_process(aside):
    """Threads do not survive a fork: the child has its own."""
    aside.begin(int)()
    child = os.fork()
    if not child:
        os._exit(aside.begin(lambda: 7)())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_second_look_that_fails_refuses_the_request(monkeypatch):
    """In the thread as in the caller's: nothing goes on unmasked, and nothing of the text is told."""
    analyzer = Analyzer(PiiSettings())
    network = analyzer.names._model._network

    def fail(feeds):
        raise RuntimeError("kiran")

    monkeypatch.setattr("extproc.pii.names.cascade.SURE", 1.1)
    assert len(TEXT) >= LONG
    assert analyzer.analyze(TEXT)
    monkeypatch.setattr(network, "_passes", fail)
    with pytest.raises(MaskingError, match=r"^a recognizer failed \(RuntimeError\)$"):
        Anonymizer(PiiSettings(), analyzer).anonymize([Segment(TEXT, None)])
