"""The light name model and the cascade: what one window says does not depend on its neighbours, and second looks are paid for."""

from types import SimpleNamespace

import numpy as np
import pytest

from extproc.pii.names import LightModel, NameCascade
from extproc.pii.names.cascade import _stretches
from extproc.pii.names.light import EVERYDAY, STRANGE, UNKNOWN, form_of, kind_of, units
from extproc.pii.names.spans import LABELS

TEXT = "Please tell Aisha Okafor that it rained. The build of release 7 is slow.\nDr. Brandt lives at 14 Elm Street."
WINDOWS = [(0, 40), (41, 72), (73, len(TEXT))]


@pytest.fixture(scope="module")
def light():
    """The bundled model."""
    return LightModel()


class Recorder:
    """In place of the network: keeps what it was to read and asked, and takes the first word of each window for a person."""

    def __init__(self):
        self.read, self.asked = [], set()

    def logits(self, text, windows, asked):
        """Sure of everything."""
        del text
        self.read, self.asked = list(windows), asked
        people = {start for start, _ in windows}
        label = LABELS.index("B-PERSON")
        return {start: 9 * np.eye(len(LABELS))[label if start in people else 0] for start in asked}


def test_windows_do_not_see_each_other(light):
    """Read together or alone, a window's words are judged the same."""
    together = light.logits(*units(TEXT, WINDOWS))
    alone = np.concatenate([light.logits(*units(TEXT, [window])) for window in WINDOWS])
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_long_texts_are_read_in_blocks(light, monkeypatch):
    """Many windows, empty ones among them and at the end: the same answers as each by itself."""
    text = (TEXT + "\n \n") * 60
    starts = [n * (len(TEXT) + 3) for n in range(60)]
    windows = [(s + a, s + b) for s in starts for a, b in [*WINDOWS, (len(TEXT), len(TEXT) + 3)]]
    monkeypatch.setattr("extproc.pii.names.light.BLOCK", 100)
    together = light.logits(*units(text, windows))
    alone = np.concatenate([light.logits(*units(TEXT, [window])) for window in WINDOWS])
    assert len(together) > 200
    np.testing.assert_allclose(together[: len(alone)], alone, atol=1e-4)
    np.testing.assert_allclose(together[-len(alone) - 2 : -2], alone, atol=1e-4)


def test_an_empty_window_is_nobody(light):
    """Windows of white space hold no word, at the end too."""
    words, places, begins = units("  Aisha   ", [(0, 2), (2, 7), (7, 10)])
    assert (words, places.tolist(), begins) == (["Aisha"], [[2, 7]], [0, 0, 1])
    assert light.logits(words, places, begins).shape == (1, 9)


@pytest.mark.parametrize(
    "text", ["\U0001f600" * 300, "é" * 10_000, "\u202e\u200b", "ｆｕｌｌ", "a" * 100_000], ids=range(5)
)
def test_any_text_is_read(light, text):
    """Emoji, one endless word: no error, and finite numbers."""
    words, places, begins = units(text, [(0, len(text))])
    if words:
        assert np.isfinite(light.logits(words, places, begins)).all()


def test_words_are_forgotten_in_the_end(monkeypatch):
    """What is kept is bounded, and forgetting changes no answer."""
    monkeypatch.setattr("extproc.pii.names.light.KEPT_WORDS", 2500)
    model = LightModel()
    before = model.logits(*units(TEXT, WINDOWS))
    for part in range(0, 6000, 1000):
        text = " ".join(f"w{n}" for n in range(part, part + 1000))
        model.logits(*units(text, [(0, len(text))]))
    assert 1000 <= len(model._vectors.rows) <= 2500
    np.testing.assert_allclose(model.logits(*units(TEXT, WINDOWS)), before, atol=1e-5)


@pytest.mark.parametrize(
    ("word", "form"),
    [("\n", 0), (",", 1), ("12", 2), ("a1", 3), ("rain", 4), ("A", 5), ("NASA", 6), ("Aisha", 7), ("McKay", 8)],
)
def test_forms(word, form):
    """How a word is written."""
    assert form_of(word) == form


def test_sure_windows_are_read_once(light):
    """Where the light model is sure, the network is not asked."""
    network = Recorder()
    text = "it rained all day and nobody was there"
    spans, done = NameCascade({"PERSON"}, light, network).read(text, [(0, len(text))])
    assert (spans, done, network.read) == ([], 1, [])


@pytest.mark.parametrize(
    ("doubtful", "names", "stretches"),
    [
        ([50], [], [(36, 65)]),
        ([50, 60], [], [(36, 75)]),
        ([3, 97], [], [(0, 18), (83, 100)]),
        ([98, 102], [], [(84, 100), (100, 117)]),
        ([50], range(30, 37), [(30, 65)]),
        ([50], [64, 65, 66], [(36, 67)]),
        ([50], [35, 65], [(36, 65)]),
    ],
)
def test_doubtful_words_are_read_with_those_around_them(doubtful, names, stretches):
    """Not beyond their window, no name is cut, and what overlaps is read once."""
    is_name = np.zeros(200, dtype=bool)
    is_name[list(names)] = True
    assert _stretches(doubtful, 14, is_name, [0, 100], [100, 200]) == stretches


def test_unsure_windows_are_read_again(light, monkeypatch):
    """Where it is not sure, the network has the last word."""
    network = Recorder()
    monkeypatch.setattr("extproc.pii.names.cascade.SURE", 1.1)
    monkeypatch.setattr("extproc.pii.names.cascade.SURE_OF_STRANGE", 1.1)
    monkeypatch.setattr("extproc.pii.names.cascade.SURE_OF_UNKNOWN", 1.1)
    spans, _ = NameCascade({"PERSON"}, light, network).read(TEXT, WINDOWS)
    assert network.read == WINDOWS
    assert network.asked == {int(start) for start, _ in units(TEXT, WINDOWS)[1]}
    assert [span.start for span in spans] == [0, 41]  # of the third, no more than a title


def test_the_network_is_asked_of_few_words(light, monkeypatch):
    """A word in doubt and its neighbours; of all others the light model has the last word."""
    network = Recorder()
    words, _, _ = units(TEXT, WINDOWS)
    sure = np.where(np.arange(len(LABELS)) == 0, 9.0, 0.0) * np.ones((len(words), 1))
    sure[words.index("Okafor")] = 0
    monkeypatch.setattr(light, "read", lambda *_: (sure, np.zeros(len(words), dtype=np.uint8)))
    NameCascade({"PERSON"}, light, network).read(TEXT, WINDOWS)
    assert network.read == WINDOWS[:1]
    assert network.asked == {TEXT.index(word) for word in ("Aisha", "Okafor", "that")}


@pytest.mark.parametrize(("everyday", "asked"), [(2, {"Aisha", "Okafor", "that"}), (0, set())])
def test_strange_words_are_asked_of_sooner(light, monkeypatch, everyday, asked):
    """In English, a capitalised word of no list is read again even where the light model is surer than of others."""
    network = Recorder()
    words, _, _ = units(TEXT, WINDOWS)
    nearly = np.where(np.arange(len(LABELS)) == 0, 4.0, 0.0) * np.ones((len(words), 1))
    kinds = np.array([STRANGE if word == "Okafor" else EVERYDAY * (nth < everyday) for nth, word in enumerate(words)])
    monkeypatch.setattr(light, "read", lambda *_: (nearly, kinds))
    NameCascade({"PERSON"}, light, network).read(TEXT, WINDOWS)
    assert network.asked == {TEXT.index(word) for word in asked}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Wolfowitz", STRANGE),
        ("wolfowitz", UNKNOWN),
        ("WOLFOWITZ", 0),
        ("laden", 0),
        ("3pm", 0),
        ("Grace", 0),
        ("Al", 0),
        ("that", EVERYDAY),
        ("That", 0),
    ],
)
def test_kinds(word, kind):
    """Of no list and longer than an initial: strange with a capital, unknown without."""
    assert kind_of(word) == kind


@pytest.mark.parametrize("paid", [0, 9])
def test_second_looks_are_bounded(light, monkeypatch, paid):
    """The least sure places first, as many as the budget holds."""
    network = Recorder()
    monkeypatch.setattr("extproc.pii.names.cascade.SURE", 1.1)
    NameCascade({"PERSON"}, light, network, paid).read(TEXT, WINDOWS)
    assert sum(len(units(TEXT, [window])[0]) for window in network.read) <= paid


def test_beyond_the_budget_nothing_is_read(light):
    """Windows are read whole or not at all."""
    cascade = NameCascade({"PERSON"}, light, SimpleNamespace(logits=lambda *_: {}), 0)
    assert [cascade.read(TEXT, WINDOWS, budget)[1] for budget in (1, 9, 15, 16, 1000)] == [0, 1, 1, 2, 3]
