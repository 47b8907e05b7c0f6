"""A classifier of one's own, in a folder: what it says of the labels that count, in windows."""

import asyncio
import json
from time import monotonic

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from extproc.config.guardrails import OnnxGuard
from extproc.decision import Facts
from extproc.errors import ConfigError
from extproc.guardrails.check import Question
from extproc.guardrails.passages import Passage
from extproc.guardrails.sequence_classifier import OnnxCheck


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    """A model that says `bad` where the word `bad` (id 1) stands."""
    return made(tmp_path_factory.mktemp("model"), [[0.0, -5.0], [0.0, 5.0]])


def made(folder, numbers, **config):
    """A model that gives each word its numbers, and a text the largest of them."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "bad": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "good", "1": "bad"}, **config}))
    table = np.array(numbers, np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("ReduceMax", ["each"], ["logits"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "n"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 2])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    return folder


def found(folder, text, **settings):
    """What comes of a text."""
    guard = {"kind": "onnx", "folder": folder, "labels": ["bad"], "max_tokens": 16, **settings}
    check = OnnxCheck(OnnxGuard.model_validate(guard))

    async def look():
        finding = check.look(Question([Passage("user", text, "m")], Facts()), monotonic() + 5)
        return await finding if asyncio.iscoroutine(finding) else finding

    return asyncio.run(look())


@pytest.mark.parametrize(("text", "fires"), [("a bad word", True), ("a good word", False), (" ", False)])
def test_labels(folder, text, fires):
    """The probability of the label that counts."""
    finding = found(folder, text)
    assert (finding.fires, finding.what if fires else "") == (fires, "bad" if fires else "")


def test_long_texts_are_read_in_windows(folder):
    """However far from the beginning; what is beyond the bound is told."""
    assert found(folder, "x " * 60 + "bad").fires
    assert found(folder, "x " * 600 + "bad").bound == "classifier_bound"


def test_labels_that_may_stand_together(tmp_path):
    """Where a model says so, each label has a probability of its own: two that are sure do not halve one another."""
    both = [[-5.0, -5.0], [5.0, 5.0]]
    assert found(made(tmp_path, both, problem_type="multi_label_classification"), "bad", threshold=0.9).fires
    assert not found(made(tmp_path, both), "bad", threshold=0.9).fires


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_a_failure(tmp_path, number):
    """And not a text that nothing speaks against."""
    with pytest.raises(ValueError, match="no number"):
        found(made(tmp_path, [[0.0, 0.0], [0.0, number]]), "bad")


def test_mistakes(folder, tmp_path):
    """A label that is not there, a folder that is none."""
    with pytest.raises(ConfigError, match="no label `evil`; there are: good, bad"):
        found(folder, "x", labels=["evil"])
    with pytest.raises(ValueError, match=r"has no model\.onnx, tokenizer\.json, config\.json"):
        OnnxGuard(kind="onnx", folder=tmp_path, labels=("bad",))
