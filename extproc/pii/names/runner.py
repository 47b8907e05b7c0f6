"""The second of the two name models, layers of a transformer: one onnxruntime session, one thread, no state between calls."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from extproc.pii.names.shape import OTHER, shape_of
from extproc.pii.names.spans import Span, clean, decode, offsets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from extproc.pii.names.cues import Window

MAX_TOKENS: Final = 96
"""Longest piece that the model reads at once; attention costs the square of it."""
OVERLAP: Final = 16
"""Tokens that neighbouring pieces share."""
BATCH_TOKENS: Final = 768
BIAS: Final = {"PERSON": 0.6, "LOCATION": 0.0, "ORGANIZATION": 0.0, "ADDRESS": 0.0}
"""Added to the logits of each type; found on held-out text, where a missed person costs more than a false one."""


class NameModel:
    """all-MiniLM-L6-v2's first layers, trained to name people, places, organisations and addresses."""

    def __init__(self, model: Path | None = None, bias: Mapping[str, float] = BIAS) -> None:
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
        self._bias = offsets_of(bias)

    def find(self, text: str, windows: Sequence[Window]) -> list[Span]:
        """Names inside the windows, in the order of the text."""
        pieces: list[_Piece] = []
        for start, end in windows:
            pieces.extend(_pieces(self._tokenizer.encode(text[start:end], add_special_tokens=False), text, start))
        found: dict[tuple[int, int], Span] = {}
        for batch in _batches(pieces):
            rows = self._session.run(None, _feeds(batch))[0]
            for piece, logits in zip(batch, rows, strict=True):
                for span in piece.spans(logits, self._bias):
                    _keep_longest(found, span)
        return clean(text, [found[key] for key in sorted(found)])


def _feeds(batch: Sequence[_Piece]) -> Mapping[str, Any]:
    width = max(len(piece.ids) for piece in batch) + 2
    ids, shapes = np.zeros((2, len(batch), width), dtype=np.int64)
    for row, piece in enumerate(batch):
        size = len(piece.ids)
        ids[row, 0], ids[row, 1 : size + 1], ids[row, size + 1] = _CLS, piece.ids, _SEP
        shapes[row, 1 : size + 1] = piece.shapes
    return {"ids": ids, "shapes": shapes}


_CLS: Final = 101
_SEP: Final = 102


class _Piece:
    """At most MAX_TOKENS tokens of a window, and where its words stand in the text."""

    __slots__ = ("first", "ids", "inner", "shapes", "words")

    def __init__(self, ids: list[int], shapes: list[int], first: list[int], words: list[Window], inner: Window) -> None:
        self.ids, self.shapes, self.first, self.words = ids, shapes, first, words
        self.inner = inner
        """Characters for which this piece, and not its neighbour, has the last word."""

    def spans(self, logits: Any, bias: npt.NDArray[np.float32]) -> Iterable[Span]:
        rows = logits[[at + 1 for at in self.first]]
        low, high = self.inner
        return [s for s in decode(rows + bias, self.words) if s.start < high and s.end > low]


def _pieces(encoding: Any, text: str, offset: int) -> Iterable[_Piece]:
    """A window as pieces; words are never cut."""
    ids, offsets, word_ids = encoding.ids, encoding.offsets, encoding.word_ids
    first: list[int] = []
    words: list[Window] = []
    shapes: list[int] = []
    current, shape = None, OTHER
    for at, word in enumerate(word_ids):
        start, end = offsets[at]
        if word == current:
            words[-1] = (words[-1][0], offset + end)
        else:
            current = word
            first.append(at)
            words.append((offset + start, offset + end))
        shapes.append(0)
    for nth, at in enumerate(first):
        shape = shape_of(text, *words[nth])
        stop = first[nth + 1] if nth + 1 < len(first) else len(ids)
        shapes[at:stop] = [shape] * (stop - at)
    if len(ids) <= MAX_TOKENS:
        if ids:
            yield _Piece(ids, shapes, first, words, (words[0][0], words[-1][1]))
        return
    low = 0
    while low < len(first):
        high = low + 1
        while high < len(first) and (first[high + 1] if high + 1 < len(first) else len(ids)) - first[low] <= MAX_TOKENS:
            high += 1
        stop = first[high] if high < len(first) else len(ids)
        base = first[low]
        inner = (words[low][0] if low == 0 else words[min(low + OVERLAP // 2, high - 1)][0], words[high - 1][1])
        yield _Piece(ids[base:stop], shapes[base:stop], [f - base for f in first[low:high]], words[low:high], inner)
        if high >= len(first):
            return
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


def _keep_longest(found: dict[tuple[int, int], Span], span: Span) -> None:
    """Where two pieces of one window overlap, the longer of two overlapping spans stays."""
    for key in [k for k in found if k[0] < span.end and span.start < k[1]]:
        if key[1] - key[0] >= span.end - span.start:
            return
        del found[key]
    found[span.start, span.end] = span
