"""Floors for intents, on CLINC150: all rows, ten and five examples an intent, and few intents among much else."""

import json
from pathlib import Path

import pytest

from extproc.encoder import Encoder
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.measure import Row, figures, measure

DATA = Path(__file__).parents[3] / "shared" / "data" / "intents" / "clinc150.jsonl"
pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/intents"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def rows():
    """Rows by split."""
    splits = {"train": [], "test": []}
    for line in DATA.read_text().splitlines():
        row = json.loads(line)
        splits.setdefault(row["split"], []).append(Row(row["text"], row["intent"]))
    return splits


@pytest.fixture(scope="module")
def encoder():
    """The bundled model, loaded once."""
    return Encoder.load()


def learned(encoder, rows, per_intent=None, intents=None):
    """A cascade from so many examples of each intent, evenly spaced; no out-of-scope text is learned from."""
    texts = {}
    for row in rows["train"]:
        if row.intent is not None and (intents is None or row.intent in intents):
            texts.setdefault(row.intent, []).append(row.text)
    if per_intent:
        texts = {name: [some[len(some) * i // per_intent] for i in range(per_intent)] for name, some in texts.items()}
    return Cascade.build(encoder, Examples.of_texts(texts), 128, 0.95, print, None)


def measured(cascade, rows):
    """All figures."""
    result = figures(measure(cascade, rows))
    print(json.dumps(result))
    return result


def test_all_rows(encoder, rows):
    """15,000 examples: right, calibrated, aware of what it does not know, and the transformer seldom asked."""
    result = measured(learned(encoder, rows), rows["test"])
    assert result["accuracy"] >= 0.960
    assert result["out_of_scope_auroc"] >= 0.976
    assert result["out_of_scope_auroc_transformer_alone"] >= 0.979
    assert result["transformer_share"] <= 0.40
    assert result["precision_of_accepted"] >= 0.95
    assert result["coverage"] >= 0.89
    assert result["expected_calibration_error"] <= 0.03


@pytest.mark.parametrize(
    ("per_intent", "accuracy", "auroc", "coverage"), [(10, 0.915, 0.968, 0.78), (5, 0.885, 0.953, 0.58)]
)
def test_few_examples(encoder, rows, per_intent, accuracy, auroc, coverage):
    """With a handful of examples an intent it is right nearly as often, and precise where it accepts."""
    result = measured(learned(encoder, rows, per_intent), rows["test"][::2])
    assert result["accuracy"] >= accuracy
    assert result["out_of_scope_auroc"] >= auroc
    assert result["coverage"] >= coverage
    assert result["precision_of_accepted"] >= 0.94
    assert result["expected_calibration_error"] <= 0.06


def test_few_intents_among_much_else(encoder, rows):
    """Eight intents with ten examples each; everything else in the test split belongs to none: half of it is near."""
    intents = {"transfer", "balance", "pay_bill", "book_flight", "flight_status", "alarm", "timer", "recipe"}
    test = [Row(row.text, row.intent if row.intent in intents else None) for row in rows["test"]]
    chosen = [row for row in test if row.intent] + [row for row in test if not row.intent][::8]
    result = measured(learned(encoder, rows, 10, intents), chosen)
    assert result["accuracy"] >= 0.95
    assert result["out_of_scope_auroc"] >= 0.95
    assert result["out_of_scope_accepted"] <= 0.25
