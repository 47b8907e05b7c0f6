"""An encoder of one's own in a folder: looked into by `check`, its static table built once, used end to end."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.embedding.encoder import Encoder
from extproc.errors import ConfigError
from extproc.intent import Classifier

BILL = ("pay my bill", "my bill is due", "send the bill", "the bill is wrong")
SONG = ("play a song", "sing the song", "a song please", "what song is this")
HEAD = 'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: general\n'
WIDTH = 24


def write_model(folder, *, seed=0):
    """A model whose vectors are those of the words, turned a little: no attention, another width, another tokenizer."""
    words = ["[PAD]", "[UNK]", *sorted({word for text in BILL + SONG for word in text.split()})]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]", "model_max_length": 64}))
    table = np.random.default_rng(seed).normal(size=(len(words), WIDTH)).astype(np.float32)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    states = helper.make_tensor_value_info("token_embeddings", TensorProto.FLOAT, ["batch", "length", WIDTH])
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    nodes.append(helper.make_node("Tanh", ["rows"], ["token_embeddings"]))
    graph = helper.make_graph(nodes, "words", [ids], [states], [numpy_helper.from_array(table, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))


@pytest.fixture
def folder(tmp_path):
    """A folder with such a model, beside a mesh.yaml."""
    place = tmp_path / "model"
    place.mkdir()
    write_model(place)
    return place


def test_end_to_end(folder, tmp_path):
    """The table is built with the first start and says so, kept for the second, and the mesh classifies."""
    text = HEAD + json.dumps({"intents": {"bill": {"examples": BILL}, "song": {"examples": SONG}}})[1:-1]
    mesh = parse(text + "\nclassifier: {encoder: ./model}\n", folder=folder.parent)
    told = []
    classifier = Classifier(mesh, report=told.append, folder=tmp_path / "kept")
    assert classifier.cascade.table.rows.shape == (Encoder.load(str(folder)).tokenizer.get_vocab_size(), WIDTH)
    assert [line for line in told if "static table" in line]
    assert classifier.classify_now("the bill please").best == "bill"
    assert classifier.classify_now("sing a song").best == "song"
    told.clear()
    assert Classifier(mesh, report=told.append, folder=tmp_path / "kept").classify_now("sing a song").best == "song"
    assert told == []


def test_another_model_in_its_place(folder):
    """What was kept of a model is not used for another one in the same folder."""
    before = Encoder.load(str(folder)).name
    write_model(folder, seed=1)
    assert Encoder.load(str(folder)).name != before


def test_pooling(folder):
    """The mean over the tokens, unless sentence-transformers' file says that the first token stands for the text."""
    mean = Encoder.load(str(folder))
    ids = mean.tokenize("pay my bill", 16)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    write_model(folder)
    first = Encoder.load(str(folder))
    assert np.allclose(first.embed([ids]), first.embed([ids[:1]]), atol=1e-6)
    assert not np.allclose(mean.embed([ids]), first.embed([ids]), atol=1e-3)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("model.onnx", "has no model.onnx or onnx/model.onnx"),
        ("tokenizer.json", "has no tokenizer.json"),
        (None, "no folder"),
    ],
)
def test_what_is_missing_is_named(folder, gone, message):
    """A folder without one of its files, or none at all, is a mistake in mesh.yaml that says what is missing."""
    if gone:
        (folder / gone).unlink()
    text = HEAD + f"intents: {{bill: {{examples: [pay]}}}}\nclassifier: {{encoder: ./{'model' if gone else 'gone'}}}\n"
    with pytest.raises(InvalidMeshError) as caught:
        parse(text, folder=folder.parent)
    assert any(problem.key == "classifier.encoder" and message in problem.message for problem in caught.value.problems)


def test_not_a_model(folder):
    """A file that is no ONNX graph is an error with the reason, not a crash."""
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Encoder.load(str(folder))
