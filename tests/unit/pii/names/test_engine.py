"""Another name finder by configuration: a token classifier in ONNX, here one that looks each word up."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from tokenizers import Tokenizer, models, pre_tokenizers

from extproc.config.names import NameSettings, TokenClassifierSettings
from extproc.errors import ConfigError
from extproc.pii.names import recognizer
from extproc.pii.names.engine import TokenClassifier

WORDS = {
    "[UNK]": "O",
    "tell": "O",
    "Aisha": "B-PER",
    "Okafor": "I-PER",
    "in": "O",
    "Enugu": "B-LOC",
    "Acme": "B-ORG",
    ",": "O",
}
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG"]


@pytest.fixture
def folder(tmp_path):
    """A model whose logits are a table's rows, with its tokenizer and config, as an export would lay them out."""
    table = np.zeros((len(WORDS), len(NAMES)), dtype=np.float32)
    for row, label in enumerate(WORDS.values()):
        table[row, NAMES.index(label)] = 9.0
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["all"]),
            helper.make_node("Cast", ["attention_mask"], ["weight"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["weight", "last"], ["column"]),
            helper.make_node("Mul", ["all", "column"], ["logits"]),
        ],
        "lookup",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "t", len(NAMES)])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([2]), "last")],
    )
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        str(tmp_path / "model.onnx"),
    )
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"id2label": dict(enumerate(NAMES))}))
    return tmp_path


def settings(folder, **more):
    """The engine's section for the folder."""
    return TokenClassifierSettings(**{"model": folder, "labels": {"PER": "PERSON", "LOC": "LOCATION"}} | more)


TEXT = "tell Aisha Okafor in Enugu, Acme"


def test_its_labels_become_our_types(folder):
    """Mapped labels are found, labels that are not mapped are not."""
    spans, _ = TokenClassifier(settings(folder)).read(TEXT, [(0, len(TEXT))])
    assert [(s.entity_type, TEXT[s.start : s.end]) for s in spans] == [
        ("PERSON", "Aisha Okafor"),
        ("LOCATION", "Enugu"),
    ]


def test_it_stands_behind_the_same_recognizer(folder):
    """Gate, wanted types and results are those of the bundled model."""
    names = recognizer(NameSettings(engine=settings(folder)), frozenset({"PERSON"}))
    assert [(r.entity_type, TEXT[r.start : r.end], r.evidence) for r in names(TEXT)] == [
        ("PERSON", "Aisha Okafor", ("name model",))
    ]


def test_long_windows_are_read_in_parts_that_overlap(folder):
    """A window beyond `max_tokens` is read to its end, each name once."""
    text = "tell " * 50 + "Aisha Okafor " + "tell " * 50 + "Enugu"
    spans, done = TokenClassifier(settings(folder, max_tokens=16)).read(text, [(0, len(text))])
    assert ([text[s.start : s.end] for s in spans], done) == (["Aisha Okafor", "Enugu"], 1)


def test_budget_stops_between_windows(folder):
    """Windows that would go beyond the budget are left, and said so."""
    windows = [(0, 17), (18, len(TEXT))]
    spans, done = TokenClassifier(settings(folder)).read(TEXT, windows, budget=3)
    assert (len(spans), done) == (1, 1)


@pytest.mark.parametrize(
    ("spoil", "more", "says"),
    [
        (lambda f: (f / "model.onnx").unlink(), {}, "no such file"),
        (lambda f: (f / "model.onnx").write_bytes(b"no model"), {}, "not a model"),
        (lambda f: (f / "tokenizer.json").unlink(), {}, "tokenizer"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), {}, "tokenizer"),
        (lambda f: (f / "config.json").unlink(), {}, "id2label"),
        (lambda _: None, {"label_names": ("O", "B-PER")}, "label_names"),
        (lambda _: None, {"labels": {"PERS": "PERSON"}}, "no label PERS"),
    ],
)
def test_what_does_not_fit_is_said(folder, spoil, more, says):
    """A missing file, a broken one, labels that the model lacks: an error that names what would be right."""
    spoil(folder)
    with pytest.raises(ConfigError, match=says):
        TokenClassifier(settings(folder, **more))
