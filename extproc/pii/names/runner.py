"""The second of the two name models, layers of a transformer: one onnxruntime session, one thread, no state between calls."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from extproc.pii.names.shape import shape_of
from extproc.pii.names.spans import Span, clean, decode, offsets_of, words_of

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
KEPT: Final = 30_000
"""Words whose tokens are kept before they are all forgotten: some 5 MB."""
LONGEST_KEPT: Final = 24
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[!-/:-@\[-`{-~]")
"""What the tokenizer takes for words in ASCII."""
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
        self._known: dict[str, list[int]] = {}
        """Words and their tokens."""
        self._bias = offsets_of(bias)

    def find(self, text: str, windows: Sequence[Window]) -> list[Span]:
        """Names inside the windows, in the order of the text."""
        pieces: list[_Piece] = []
        for window in windows:
            pieces.extend(_pieces(text, *self._tokens(text, *window)))
        found: dict[tuple[int, int], Span] = {}
        for batch in _batches(pieces):
            rows = self._session.run(None, _feeds(batch))[0]
            for piece, logits in zip(batch, rows, strict=True):
                for span in piece.spans(logits, self._bias):
                    _keep_longest(found, span)
        return clean(text, [found[key] for key in sorted(found)])

    def _tokens(self, text: str, start: int, end: int) -> tuple[list[int], list[int], list[Window]]:
        """The tokens of a window, the first of each word, and where the words stand in the text."""
        if not text[start:end].isascii():
            encoding = self._tokenizer.encode(text[start:end], add_special_tokens=False)
            return encoding.ids, *words_of(encoding, start)
        ids: list[int] = []
        first: list[int] = []
        words: list[Window] = []
        for match in _WORD.finditer(
            text, start, end
        ):  # offsets and word numbers take the tokenizer longer than its tokens
            first.append(len(ids))
            words.append(match.span())
            ids += self._known.get(match[0]) or self._learn(match[0])
        return ids, first, words

    def _learn(self, word: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(word, add_special_tokens=False).ids
        if len(word) <= LONGEST_KEPT:
            if len(self._known) >= KEPT:
                self._known = {}
            self._known[word] = ids
        return ids


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


def _pieces(text: str, ids: list[int], first: list[int], words: list[Window]) -> Iterable[_Piece]:
    """A window as pieces; words are never cut."""
    shapes: list[int] = []
    for word, at, stop in zip(words, first, [*first[1:], len(ids)], strict=True):
        shapes += [shape_of(text, *word)] * (stop - at)
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
