"""`intentmesh eval intents` and what it measures with."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from extproc.cli.eval_intents import eval_intents
from extproc.errors import ConfigError
from extproc.intent.calibration import Calibrator, Trial
from extproc.intent.measure import auroc, calibration_error
from extproc.intent.thresholds import SHARES_OF_ERRORS, ladder, refusals, thresholds

ROWS = [
    *(
        {"text": text, "intent": "bill", "split": "train"}
        for text in ("pay my bill", "when is my bill due", "bill too high")
    ),
    *({"text": text, "intent": "song", "split": "train"} for text in ("play a song", "what song is this", "next song")),
    {"text": "my bill is wrong", "intent": "bill", "split": "test"},
    {"text": "skip this song", "intent": "song", "split": "test"},
    {"text": "how tall is the Eiffel tower", "intent": None, "split": "test"},
]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A file with training and test rows, and a cache of its own."""
    monkeypatch.setenv("INTENTMESH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_figures_and_plots(data, tmp_path):
    """One JSON object with every figure, and two pictures on demand."""
    arguments = ["--train", str(data), "--test", str(data), "--json", "--plots", str(tmp_path / "plots")]
    result = CliRunner().invoke(eval_intents, arguments, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert figures["rows"] == {"in_scope": 2, "out_of_scope": 1}
    assert figures["accuracy"] == 1.0
    assert figures["out_of_scope_auroc"] == 1.0
    assert {"coverage", "macro_f1", "transformer_share", "expected_calibration_error", "microseconds"} <= figures.keys()
    for path in figures["plots"]:
        with Image.open(path) as picture:
            assert picture.size[0] > 100


def test_table_for_people(data):
    """Without --json a table; the number of examples can be limited."""
    arguments = ["--train", str(data), "--test", str(data), "--per-intent", "1"]
    result = CliRunner().invoke(eval_intents, arguments, catch_exceptions=False)
    assert "2 examples of 2 intents" in result.stdout
    assert "abstain band" in result.stdout


def test_contradictory_rows(data):
    """Of real data a few rows contradict one another: they are left out and counted, and the rest is measured."""
    twice = [{"text": "pay my bill", "intent": "song", "split": "train"}] * 2
    torn = [{"text": "well", "intent": name, "split": "train"} for name in ("bill", "song")]
    data.write_text("".join(json.dumps(row) + "\n" for row in [*ROWS, *twice, *torn]))
    result = CliRunner().invoke(
        eval_intents, ["--train", str(data), "--test", str(data), "--json"], catch_exceptions=False
    )
    assert "2 texts stand in several intents" in result.stderr
    texts = len({row["text"] for row in ROWS if row["split"] == "train" and row["intent"]})
    assert json.loads(result.stdout)["examples"] == {"intents": 2, "texts": texts}


def test_unknown_intent(data, tmp_path):
    """A test row of an intent without examples is a mistake in the data, and is named."""
    test = tmp_path / "test.jsonl"
    test.write_text('{"text": "x", "intent": "dance"}\n')
    with pytest.raises(ConfigError, match="dance"):
        CliRunner().invoke(eval_intents, ["--train", str(data), "--test", str(test)], catch_exceptions=False)


def test_auroc():
    """Ties count half; nothing to compare is no number."""
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([], [0.5]) is None


def test_calibration_error():
    """Scores that come true as often as they say have none."""
    assert calibration_error(np.full(10, 0.5), np.arange(10) < 5) == 0
    assert calibration_error(np.full(10, 0.9), np.zeros(10, bool)) == pytest.approx(0.9)


def trial(count=2000, seed=0):
    """Held-out rows whose signals grow with being in scope and right."""
    rng = np.random.default_rng(seed)
    in_scope = np.arange(count) < count // 2
    right = in_scope & (rng.random(count) < 0.9)
    signals = rng.normal(size=(count, 4)) + np.stack([right * 2.0, *[in_scope * 2.0] * 3], axis=1)
    best = rng.integers(0, 4, count)
    label = np.where(in_scope, best, -1)
    return Trial(signals.astype(np.float32), best, right, in_scope, ~in_scope, label, np.zeros(count, bool))


def test_calibrated_scores():
    """On rows like those it was fitted to, a score is a probability that means what it says."""
    calibrator, unseen = Calibrator.fit(trial()), trial(seed=1)
    scores = calibrator.probabilities(unseen.signals)
    mass = unseen.mass / len(scores)
    places = np.minimum((scores * 10).astype(int), 9)
    error = sum(abs((mass * (scores - unseen.right))[places == i].sum()) for i in range(10))
    assert error < 0.05


@pytest.mark.parametrize("target", [0.9, 0.95, 0.99])
def test_thresholds_reach_the_target(target):
    """What is accepted at the thresholds is right as often as was asked for, and a higher target accepts less."""
    rows = trial()
    scores = Calibrator.fit(rows).probabilities(rows.signals)
    limits = thresholds(rows, scores, 4, target)[0]
    accepted = scores >= limits[rows.best]
    assert (rows.mass * rows.right)[accepted].sum() / rows.mass[accepted].sum() >= target - 0.01
    assert limits.mean() <= thresholds(rows, scores, 4, 0.999)[0].mean()


def test_earlier_stages_err_where_the_last_one_errs_too():
    """The more of its errors the last stage shares, the more an earlier one may decide; what it adds stays in budget."""
    static, scores = trial(), Calibrator.fit(trial()).probabilities(trial().signals)
    perfect = replace(static, right=static.in_scope)
    told = {"static": scores, "early": scores, "transformer": scores}
    careful = ladder({"static": static, "early": static, "transformer": perfect}, told, 4, 0.95)
    bold = ladder(dict.fromkeys(told, static), told, 4, 0.95)
    assert bold["static"].mean() < careful["static"].mean()
    for stage, share in SHARES_OF_ERRORS.items():
        if stage == "transformer":  # the last one here
            continue
        accepted = scores >= careful[stage][0][static.best]
        assert (static.mass * ~static.right)[accepted].sum() / static.mass[accepted].sum() <= 0.05 * share + 0.005


def test_refusal_spares_what_is_in_scope():
    """Hardly a text of an intent is refused at a glance; few held-out texts refuse less than many."""
    rows = trial()
    scores = Calibrator.fit(rows).probabilities(rows.signals)
    limit = refusals(dict.fromkeys(("static", "transformer"), rows), {"static": scores})["static"]
    assert 0 < limit < 0.5
    assert (scores[rows.in_scope & rows.right] < limit).mean() <= 0.0015
    assert (scores[~rows.in_scope] < limit).mean() > 0.01
    few = refusals(dict.fromkeys(("static", "transformer"), trial(20)), {"static": scores[:20]})
    assert few["static"] < scores[:20].min() / 2
