"""Floors for intents, on CLINC150: all rows, ten and five examples an intent, few intents among much else; and sets of
other kinds cut from it: one narrow domain, neighbours left out of it, wrong labels.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from extproc.embedding.encoder import Encoder
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.intent.measure import Row, figures, measure

BANKING = (  # noqa: SIM905 - words
    "transfer transactions balance freeze_account pay_bill bill_balance bill_due interest_rate routing min_payment "
    "order_checks pin_change report_fraud account_blocked spending_history"
).split()
CARDS = (  # noqa: SIM905 - words
    "credit_score report_lost_card credit_limit rewards_balance new_card application_status card_declined "
    "international_fees apr redeem_rewards credit_limit_change damaged_card replacement_card_duration "
    "improve_credit_score expiration_date"
).split()
HOME = (  # noqa: SIM905 - words
    "smart_home todo_list todo_list_update reminder reminder_update shopping_list shopping_list_update calendar "
    "calendar_update play_music update_playlist next_song order order_status what_song"
).split()
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
    return built(encoder, examples_of(rows, per_intent, intents))


def examples_of(rows, per_intent=None, intents=None):
    """Intent -> so many examples, evenly spaced."""
    texts = {}
    for row in rows["train"]:
        if row.intent is not None and (intents is None or row.intent in intents):
            texts.setdefault(row.intent, []).append(row.text)
    if per_intent:
        texts = {name: [some[len(some) * i // per_intent] for i in range(per_intent)] for name, some in texts.items()}
    return texts


def built(encoder, texts):
    """A cascade from these examples at the default precision."""
    return Cascade.build(encoder, Examples.of_texts(texts), Budget(), 0.95, print, None)


def measured(cascade, rows):
    """All figures."""
    result = figures(measure(cascade, rows))
    print(json.dumps(result))
    return result


def test_all_rows(encoder, rows):
    """15,000 examples: right, calibrated, aware of what it does not know, and the transformer seldom asked."""
    result = measured(learned(encoder, rows), rows["test"])
    assert result["accuracy"] >= 0.960
    assert result["out_of_scope_auroc"] >= 0.980
    assert result["out_of_scope_auroc_transformer_alone"] >= 0.982
    assert result["transformer_share"] <= 0.33
    assert result["transformer_share_out_of_scope"] <= 0.60
    assert result["precision_of_accepted"] >= 0.95
    assert result["coverage"] >= 0.89
    assert result["expected_calibration_error"] <= 0.03


@pytest.mark.parametrize(
    ("per_intent", "accuracy", "auroc", "coverage"), [(10, 0.925, 0.970, 0.78), (5, 0.89, 0.960, 0.58)]
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


@pytest.mark.parametrize(
    ("domain", "accuracy", "auroc", "share"), [(BANKING, 0.95, 0.980, 0.30), (HOME, 0.945, 0.985, 0.50)]
)
def test_one_domain(encoder, rows, domain, accuracy, auroc, share):
    """Fifteen intents of one domain; every other domain is out of scope, and most of it is refused without the transformer."""
    test = [Row(row.text, row.intent if row.intent in domain else None) for row in rows["test"]]
    chosen = [row for row in test if row.intent] + [row for row in test if not row.intent][::8]
    result = measured(learned(encoder, rows, intents=domain), chosen)
    assert result["accuracy"] >= accuracy
    assert result["out_of_scope_auroc"] >= auroc
    assert result["precision_of_accepted_in_scope"] >= 0.95
    assert result["coverage"] >= 0.80
    assert result["out_of_scope_accepted"] <= 0.08
    assert result["transformer_share"] <= share
    assert result["transformer_share_out_of_scope"] <= 0.50


def test_neighbours_are_out_of_scope(encoder, rows):
    """Six of thirty banking intents are asked for and were never shown: near is harder than far, most of all for words."""
    kept = [name for i, name in enumerate(BANKING + CARDS) if i % 5]
    test = [row for row in rows["test"] if row.intent in BANKING + CARDS]
    test = [Row(row.text, row.intent if row.intent in kept else None) for row in test]
    result = measured(learned(encoder, rows, intents=kept), test)
    assert result["accuracy"] >= 0.945
    assert result["precision_of_accepted_in_scope"] >= 0.95
    assert result["out_of_scope_auroc"] >= 0.82
    assert result["out_of_scope_auroc_transformer_alone"] >= 0.93


@pytest.mark.parametrize("wrong", [0.03, 0.1])
def test_wrong_labels(encoder, rows, wrong):
    """Some of the examples stand in a random other intent: accuracy falls little, and thresholds stay within reach."""
    names = BANKING + CARDS + HOME
    chance = np.random.default_rng(0)
    texts = {name: [] for name in names}
    for name, examples in examples_of(rows, intents=names).items():
        for text in examples:
            texts[name if chance.random() > wrong else names[chance.integers(len(names))]].append(text)
    test = [row for row in rows["test"] if row.intent in names] + [row for row in rows["test"] if row.intent is None][
        ::4
    ]
    result = measured(built(encoder, texts), test)
    assert result["accuracy"] >= 0.925
    assert result["precision_of_accepted_in_scope"] >= 0.945
    assert result["coverage"] >= 0.85
    assert result["out_of_scope_auroc"] >= 0.96


def test_uneven_numbers_of_examples(encoder, rows):
    """A fifth of the intents has a hundred examples, a fifth six; all are asked for equally often."""
    names = BANKING + CARDS
    given = examples_of(rows, intents=names)
    texts = {name: given[name][: int(100 * 0.5 ** (i % 5))] for i, name in enumerate(names)}
    result = measured(built(encoder, texts), [row for row in rows["test"] if row.intent in names])
    assert result["accuracy"] >= 0.85
    assert result["precision_of_accepted"] >= 0.87
