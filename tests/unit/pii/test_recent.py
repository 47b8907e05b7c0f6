"""Findings that are remembered: the same as found anew, bounded, and nothing of the text kept."""

from extproc.config.pii import PiiSettings
from extproc.pii import Analyzer, Anonymizer
from extproc.pii.recent import MOST_FINDINGS, RecentFindings
from extproc.pii.results import RecognizerResult

TEXT = "my mail is ada@corp.example and my name is Aisha Okafor"


class Search:
    """Counts what it is asked."""

    def __init__(self, findings=1):
        self.asked = []
        self.findings = findings

    def __call__(self, text, key):
        """Findings at the start of the text."""
        self.asked.append((text, key))
        return [RecognizerResult("PERSON", 0, 1, 0.9, ())] * self.findings


def test_a_text_is_searched_once():
    """The second time its findings are the same, and no recognizer runs."""
    search = Search()
    recent = RecentFindings(search, 10)
    assert recent("a", None) == recent("a", None)
    assert search.asked == [("a", None)]


def test_the_key_is_part_of_it():
    """A number under `phone` is not what it is under `id`."""
    search = Search()
    recent = RecentFindings(search, 10)
    for key in ("phone", "id", None, ""):
        recent("555 0100", key)
    assert len(search.asked) == 4


def test_key_and_text_are_kept_apart():
    """No letter of one counts as a letter of the other."""
    search = Search()
    recent = RecentFindings(search, 10)
    recent("bc", "a")
    recent("c", "ab")
    assert len(search.asked) == 2


def test_the_oldest_is_forgotten():
    """What is used stays; what is not goes first."""
    search = Search()
    recent = RecentFindings(search, 2)
    for text in ("a", "b", "a", "c", "a", "b"):
        recent(text, None)
    assert [text for text, _ in search.asked] == ["a", "b", "c", "b"]


def test_texts_full_of_findings_are_not_kept():
    """Memory is bounded by the number of texts."""
    search = Search(MOST_FINDINGS + 1)
    recent = RecentFindings(search, 2)
    recent("a", None)
    recent("a", None)
    assert len(search.asked) == 2


def test_size_zero_keeps_nothing():
    """By choice every text is searched."""
    search = Search()
    recent = RecentFindings(search, 0)
    recent("a", None)
    recent("a", None)
    assert len(search.asked) == 2


def test_nothing_of_the_text_is_kept():
    """Digests, types and positions only, and other digests in another process."""
    kept = []
    for _ in range(2):
        recent = RecentFindings(Analyzer(PiiSettings()).analyze, 10)
        recent(TEXT, "content")
        kept.append(next(iter(recent._known)))
        assert not any(word in repr(recent._known) for word in ("ada", "corp", "Aisha", "Okafor"))
    assert kept[0] != kept[1]


def test_the_caller_may_change_what_it_got():
    """Each caller has a list of its own."""
    recent = RecentFindings(Search(), 10)
    recent("a", None).clear()
    assert len(recent("a", None)) == 1


def test_masking_twice_is_masking_once():
    """The same request again has the same placeholders."""
    settings = PiiSettings()
    anonymizer = Anonymizer(settings, Analyzer(settings))
    texts = [type("Text", (), {"text": TEXT, "key": None, "kind": "text"})()]
    first, second = (anonymizer.anonymize(texts).texts for _ in range(2))
    assert first == second == ["my mail is [EMAIL_ADDRESS_1] and my name is [PERSON_1]"]
