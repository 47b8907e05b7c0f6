"""What is known of pieces changes the time that a text takes, and nothing else."""

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer, scan
from extproc.pii import pieces as module
from extproc.pii.names.cues import CASUAL, Cues
from extproc.pii.pieces import SHORT, Cut, Pieces

PROSE = "so my card number is not what I asked for and please tell Grace or Dr. Okonkwo at 14 Harbour Road that I'd call back. "
WORDS = [
    *PROSE.split(),
    *[
        "ssn:",
        "401k.",
        "4111",
        "1111",
        "12",
        "AB",
        "NIP",
        "ABé",
        "ada@example.org,",
        "sk-live",
        "customerPhone",
        "-",
        "::",
    ],
    *["(+49", "(30", "a.b.org/x", "日本", "x\x0by"],
]
GAPS = st.sampled_from([" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\x0b", "", ",", ". "])
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), GAPS), min_size=20, max_size=80).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
WARM, PLAIN = Analyzer(PiiSettings(packs=PACKS)), Analyzer(PiiSettings(packs=PACKS))
CUES, PLAIN_CUES = Cues(), Cues()


@pytest.fixture
def known(monkeypatch):
    """Texts of any length are read by pieces, which are known."""
    monkeypatch.setattr(module, "MOST_SIGNS", 0)
    monkeypatch.setattr(module, "MOST_UNKNOWN", 0)
    for _ in range(40):
        WARM.patterns(PROSE * 20)
        CUES.windows(Cut(PROSE * 20))


def as_a_whole(read, text):
    """What is found where no piece is known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pieces, "_busy", lambda _, block: [(block.start, block.end, None)])
        return read(Cut(text))


@pytest.mark.usefixtures("known")
@settings(deadline=None)
@given(TEXTS)
def test_the_same_is_found_where_the_pieces_are_known(text):
    """Tokens, labels, secrets and cues: the same as word by word, whatever stands between the pieces."""
    text += PROSE * (1 + SHORT // len(PROSE))
    assert len(text) > max(SHORT, CASUAL)
    assert as_a_whole(PLAIN._scan, text) == WARM._scan(Cut(text))
    assert as_a_whole(PLAIN_CUES.windows, text) == CUES.windows(Cut(text))


@pytest.mark.usefixtures("known")
def test_what_is_known_is_not_read_for_the_sake_of_what_is_new(monkeypatch):
    """Of a text that is known but for a number now and then, the scan reads those, and a token behind each of them."""
    read = []

    class Counted:
        def finditer(self, *args):
            for match in real.finditer(*args):
                read.append(match)
                yield match

    text = "".join(PROSE + f"{876543 + i} " for i in range(100))
    real = scan.SCAN
    monkeypatch.setattr(scan, "SCAN", Counted())
    tokens = WARM._scan(Cut(text))
    assert len([kind for kind, *_ in tokens.found if kind == scan.CHAIN]) >= 100
    assert len(read) < 600


def letters(piece):
    """Notes the capitals of a piece; one with a bracket is to be read."""
    return None if "(" in piece else tuple(c for c in piece if c.isupper())


def test_a_known_piece_is_not_judged_again():
    """Idle pieces are passed over, those with notes come with them, and what cannot be judged alone comes as it stands."""
    judged = []
    pieces = Pieces(lambda piece: judged.append(piece) or letters(piece))
    text = "the Cat  sat\non the 3 876543 (and\ton the Cat)\r\n"
    for _ in range(20):
        busy = list(pieces.busy(Cut(text)))
    assert [(text[start:end], notes) for start, end, notes in busy] == [
        ("Cat", ("C",)),
        ("876543 (and", None),
        ("Cat)", ("C",)),
    ]
    assert sorted(judged) == ["(and", "3", "Cat", "Cat)", "on", "sat", "the"]


def test_what_is_new_is_learned_little_by_little():
    """A text of nothing but new pieces costs few judgements, and is to be read in full."""
    judged = []
    pieces = Pieces(lambda piece: judged.append(piece) or ())
    text = " ".join("".join(random.Random(i).choices("abcdefgh", k=9)) for i in range(1600))
    assert list(pieces.busy(Cut(text))) == [(0, len(text), None)]
    assert len(judged) <= 110


def test_what_is_known_is_bounded(monkeypatch):
    """Beyond so many pieces all are forgotten."""
    monkeypatch.setattr(module, "KEPT", 50)
    pieces = Pieces(letters)
    for i in range(200):
        text = " ".join("".join(random.Random(f"{i}{j}").choices("abcdefGH", k=6)) for j in range(30))
        list(pieces.busy(Cut(text)))
    assert len(pieces._notes) <= 50


def test_code_and_data_are_read_in_full():
    """Where signs stand thick, nothing is cut up."""
    pieces = Pieces(letters)
    for text in ('{"a": 1, "b": [2, 0, 1]}', "def f(x): return x == 1", "a|b|c|d"):
        assert list(pieces.busy(Cut(text))) == [(0, len(text), None)]


def test_a_long_text_is_cut_up_by_blocks(monkeypatch):
    """Blocks end at gaps; what comes is in order, and in positions of the whole text."""
    monkeypatch.setattr(module, "BLOCK", 64)
    pieces = Pieces(letters)
    text = "so they went to Rome and Oslo but not to Bonn " * 20
    for _ in range(30):
        busy = list(pieces.busy(Cut(text)))
    assert [text[start:end] for start, end, _ in busy] == ["Rome", "Oslo", "Bonn"] * 20
    assert busy == sorted(busy)


def test_threads_may_share_it():
    """Two threads that learn and forget at the same time find what one finds."""
    texts = [" ".join(random.Random(i).choices(WORDS, k=300)) for i in range(16)]
    shared = Analyzer(PiiSettings(packs=PACKS))
    expected = [PLAIN.patterns(text) for text in texts]
    found = {}

    def run(nth):
        found[nth] = [[shared.patterns(text) for text in texts] for _ in range(3)]

    threads = [threading.Thread(target=run, args=(nth,)) for nth in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(round_ == expected for rounds in found.values() for round_ in rounds)
    assert len(found) == 3
