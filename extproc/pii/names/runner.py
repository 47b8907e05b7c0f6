"""The second of the two name models, layers of a transformer: one onnxruntime session, one thread, no state between calls."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from extproc.pii.by_hash import ByHash
from extproc.pii.names.shape import shape_of
from extproc.pii.names.spans import words_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from extproc.pii.names.cues import Window
    from extproc.pii.names.light import Floats

MAX_TOKENS: Final = 96
"""Longest piece that the model reads at once; attention costs the square of it."""
OVERLAP: Final = 16
"""Words that neighbouring pieces share."""
BATCH_TOKENS: Final = 768
KEPT: Final = 30_000
"""Words whose tokens are kept before they are all forgotten: some 5 MB."""
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[!-/:-@\[-`{-~]")
"""What the tokenizer takes for words in ASCII."""


class NameModel:
    """all-MiniLM-L6-v2's first layers, trained to name people, places, organisations and addresses."""

    def __init__(self, model: Path | None = None) -> None:
        assets = resources.files("extproc.assets")
        graph = model.read_bytes() if model else assets.joinpath("names", "names.onnx").read_bytes()
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # that fusion's kernel is the slower one for so small a model: 34 against 29 microseconds a token
        self._session = ort.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
        )
        self._tokenizer = Tokenizer.from_str(
            assets.joinpath("all-MiniLM-L6-v2", "tokenizer.json").read_text(encoding="utf-8")
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokens_of = ByHash(self._tokenize, KEPT)

    def logits(self, text: str, windows: Sequence[Window], asked: Container[int]) -> dict[int, Floats]:
        """What the words of some windows are: logits of LABELS, by the position where the word begins, for those of `asked`.

        The windows are read whole, and only what is asked is worked out to the end.
        """
        pieces: list[_Piece] = []
        for window in windows:
            pieces.extend(_pieces(text, *self._tokens(text, *window), asked))
        found: dict[int, Floats] = {}
        for batch in _batches(pieces):
            rows = self._session.run(None, _feeds(batch))[0]
            for piece, logits in zip(batch, rows, strict=True):
                found.update(zip(piece.asked, logits, strict=False))
        return found

    def _tokens(self, text: str, start: int, end: int) -> tuple[list[int], list[int], list[Window]]:
        """The tokens of a window, the first of each word, and where the words stand in the text."""
        if not text[start:end].isascii():
            encoding = self._tokenizer.encode(text[start:end], add_special_tokens=False)
            return encoding.ids, *words_of(encoding, start)
        ids: list[int] = []
        first: list[int] = []
        words: list[Window] = []
        # offsets and word numbers take the tokenizer longer than its tokens
        for match in _WORD.finditer(text, start, end):
            first.append(len(ids))
            words.append(match.span())
            ids += self._tokens_of(match[0])
        return ids, first, words

    def _tokenize(self, word: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(word, add_special_tokens=False).ids
        return ids


def _feeds(batch: Sequence[_Piece]) -> Mapping[str, Any]:
    width = max(len(piece.ids) for piece in batch) + 2
    ids, shapes = np.zeros((2, len(batch), width), dtype=np.int64)
    asked = np.zeros((len(batch), max(len(piece.asked) for piece in batch)), dtype=np.int64)
    for row, piece in enumerate(batch):
        size = len(piece.ids)
        ids[row, 0], ids[row, 1 : size + 1], ids[row, size + 1] = _CLS, piece.ids, _SEP
        shapes[row, 1 : size + 1] = piece.shapes
        asked[row, : len(piece.asked)] = [row * width + 1 + token for token in piece.asked.values()]
    return {"ids": ids, "shapes": shapes, "asked": asked}


_CLS: Final = 101
_SEP: Final = 102


class _Piece(NamedTuple):
    """At most MAX_TOKENS tokens of a window."""

    ids: list[int]
    shapes: list[int]
    asked: dict[int, int]
    """Where the words begin that are asked for, and which of the tokens is their first."""


def _pieces(
    text: str, ids: list[int], first: list[int], words: list[Window], asked: Container[int]
) -> Iterator[_Piece]:
    """A window as pieces in which something is asked for; words are never cut.

    Where two pieces overlap, each has the last word on its own half.
    """
    if not words:
        return
    shapes: list[int] = []
    ends = [*first[1:], len(ids)]
    for word, at, stop in zip(words, first, ends, strict=True):
        shapes += [shape_of(text, *word)] * (stop - at)
    low = told = 0
    while low < len(first):
        high = low + 1
        while high < len(first) and ends[high] - first[low] <= MAX_TOKENS:
            high += 1
        tells = high if high == len(first) else max(low + 1, high - OVERLAP // 2)
        base, stop = first[low], ends[high - 1]
        wanted = {words[nth][0]: first[nth] - base for nth in range(told, tells) if words[nth][0] in asked}
        if wanted:
            yield _Piece(ids[base:stop], shapes[base:stop], wanted)
        if high == len(first):
            return
        told = tells
        low = max(high - OVERLAP, low + 1)


def _batches(pieces: Sequence[_Piece]) -> Iterable[list[_Piece]]:
    """Pieces of like length together, so that little is padding."""
    batch: list[_Piece] = []
    for piece in sorted(pieces, key=lambda p: len(p.ids)):
        if batch and (len(piece.ids) * (len(batch) + 1) > BATCH_TOKENS or len(piece.ids) > len(batch[0].ids) + 12):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch
