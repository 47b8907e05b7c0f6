"""The first of the two name models: three narrow convolutions over word vectors, in int8, for all of a text.

It says what each word is and how sure it is; `cascade.py` has the network of `runner.py` read again what it is not sure of.
A word's vector is the mean of its pieces' vectors plus what its letters and the word lists say; it is made once and kept,
so that reading a text is a look-up per word and one run of onnxruntime.
"""

from __future__ import annotations

import re
import threading
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from extproc.pii.names.words import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from extproc.pii.names.cues import Window

    Floats = npt.NDArray[np.float32]

_UNIT: Final = re.compile(r"(\n|\w+|[^\w\s])")
"""What is read one by one: words, signs, line breaks."""
OFFSETS: Final = ((-2, -1, 0, 1, 2), (-2, 0, 2), (-4, 0, 4))
"""Which neighbours each layer sees: eight words to either side in all."""
GAP: Final = max(max(layer) for layer in OFFSETS)
"""Rows kept empty between two windows, in every layer, so that none sees the other."""
BLOCK: Final = 2048
"""Words that are read at once, so that the memory of a long text is bounded; a window is never parted."""
FORMS: Final = 10
CAPITALISED: Final = 7
SHORTEST: Final = 2
EVERYDAY, STRANGE, UNKNOWN = 1, 2, 3
LISTS: Final = 16
"""Combinations of the four word lists that a word may stand in."""
MAX_PIECES: Final = 6
PADDING: Final = 0
"""Row of the vector that stands between two windows: all zero."""
KEPT_WORDS: Final = 50_000
"""Word vectors kept before they are all forgotten and made anew: 13 MB."""


def form_of(word: str) -> int:  # noqa: PLR0911 - a table in order
    """How a word is written, whatever stands around it."""
    if word == "\n":
        return 0
    if not word[0].isalnum():
        return 1
    if word.isdigit():
        return 2
    if not word.isalpha():
        return 3
    if word.islower():
        return 4
    if len(word) == 1:
        return 5
    if word.isupper():
        return 6
    if word[0].isupper() and word[1:].islower():
        return CAPITALISED
    return 8 if word != word.lower() else 9


def lists_of(word: str) -> int:
    """Which of the word lists hold it, a bit each."""
    low = word.lower()
    return (
        (low in load("given"))
        + 2 * (low in load("places"))
        + 4 * (low in load("common"))
        + 8 * (low in load("ambiguous"))
    )


def kind_of(word: str) -> int:
    """EVERYDAY: a word of English. Of no list, and so of all words those of which least is known: STRANGE with a capital as names
    have, UNKNOWN without one.
    """
    if len(word) <= SHORTEST or not word.isalpha():
        return 0
    if form_of(word) == CAPITALISED:
        return 0 if lists_of(word) else STRANGE
    if not word.islower() or word in load("dictionary"):
        return 0
    return UNKNOWN if not lists_of(word) else EVERYDAY if word in load("common") else 0


def units(text: str, windows: Sequence[Window]) -> tuple[list[str], npt.NDArray[np.int32], list[int]]:
    """Words of the windows, where they stand (n x 2), and where each window's words begin."""
    words: list[str] = []
    sizes: list[int] = []  # of the space before each word and of the word, in turn
    begins = []
    at = 0
    for start, end in windows:
        begins.append(len(words))
        parts = _UNIT.split(text[start:end])  # space and unit in turn, and the space at the end
        if len(parts) > 1:
            words += parts[1::2]
            own = list(map(len, parts))
            after = end - own.pop()
            own[0] += start - at
            at = after
            sizes += own
    return words, np.array(sizes, dtype=np.int32).cumsum(dtype=np.int32).reshape(-1, 2), begins


class _Vectors:
    """Words and their vectors. Only grows; replaced as a whole when full."""

    __slots__ = ("array", "kinds", "rows")

    def __init__(self, width: int) -> None:
        self.rows: dict[int, int] = {}
        """By the hash of a word: the words are their senders', and outlive no request."""
        self.array: Floats = np.zeros((4096, width), dtype=np.float32)
        """The first row is that of PADDING."""
        self.kinds: npt.NDArray[np.uint8] = np.zeros(4096, dtype=np.uint8)
        """By row: `kind_of` its word."""


class LightModel:
    """Shared by all threads."""

    def __init__(self, folder: Path | None = None) -> None:
        assets = resources.files("extproc.assets")
        stored_in = folder or assets.joinpath("names")
        with stored_in.joinpath("light.npz").open("rb") as file:
            stored = dict(np.load(file))
        self._pieces: npt.NDArray[np.int8] = stored["pieces"]
        self._scales: Floats = stored["scales"]
        self._forms, self._lists, self._glued = stored["forms"], stored["lists"], stored["glued"]
        self.width = self._forms.shape[1]
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = stored_in.joinpath("light.onnx").read_bytes()
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_str(
            assets.joinpath("all-MiniLM-L6-v2", "tokenizer.json").read_text(encoding="utf-8")
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._vectors = _Vectors(self.width)
        self._lock = threading.Lock()

    def logits(self, words: Sequence[str], places: npt.NDArray[np.int32], begins: Sequence[int]) -> Floats:
        """What each word is: n x labels."""
        return self.read(words, places, begins)[0]

    def read(
        self, words: Sequence[str], places: npt.NDArray[np.int32], begins: Sequence[int]
    ) -> tuple[Floats, npt.NDArray[np.uint8]]:
        """What each word is (n x labels), and its kind."""
        ends = [*begins[1:], len(words)]
        parts = [
            self._read(words[begins[first] : ends[last]], places[begins[first] : ends[last]], begins[first : last + 1])
            for first, last in _blocks(begins, ends)
        ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([logits for logits, _ in parts]), np.concatenate([kinds for _, kinds in parts])

    def _read(
        self, words: Sequence[str], places: npt.NDArray[np.int32], begins: Sequence[int]
    ) -> tuple[Floats, npt.NDArray[np.uint8]]:
        found, known, kinds = self._look_up(words)
        size = len(words)
        glued = np.zeros(size, dtype=np.bool_)
        np.equal(places[1:, 0], places[:-1, 1], out=glued[1:])
        where = np.arange(size)
        for begin in begins[1:]:
            where[begin - begins[0] :] += GAP
            glued[begin - begins[0] :][:1] = False
        rows = np.zeros(size + GAP * (len(begins) - 1), dtype=np.intp)
        rows[where] = found
        vectors = known.take(rows, axis=0)
        vectors[where[glued]] += self._glued
        inside = (rows != PADDING).astype(np.float32)[:, None]
        logits: Floats = self._session.run(None, {"vectors": vectors, "inside": inside})[0]
        return logits.take(where, axis=0), kinds.take(found)

    def _look_up(self, words: Sequence[str]) -> tuple[list[int], Floats, npt.NDArray[np.uint8]]:
        vectors = self._vectors
        get = vectors.rows.get
        rows = [get(hashed, PADDING) for hashed in map(hash, words)]
        if PADDING in rows:
            with self._lock:
                vectors = self._vectors
                if len(vectors.rows) + len(words) > KEPT_WORDS:
                    vectors = self._vectors = _Vectors(self.width)
                self._learn(vectors, [w for w in dict.fromkeys(words) if hash(w) not in vectors.rows])
            rows = [vectors.rows[hashed] for hashed in map(hash, words)]
        return rows, vectors.array, vectors.kinds

    def _learn(self, vectors: _Vectors, words: Sequence[str]) -> None:
        """Add words. The array first, then the names: another thread may be looking up."""
        known = len(vectors.rows) + 1
        array = vectors.array
        if known + len(words) > len(array):
            array = np.zeros((2 * (known + len(words)), self.width), dtype=np.float32)
            array[:known] = vectors.array[:known]
            kinds = np.zeros(len(array), dtype=np.uint8)
            kinds[:known] = vectors.kinds[:known]
            vectors.kinds = kinds
        for at, word in enumerate(words, known):
            ids = self._tokenizer.encode(word, add_special_tokens=False).ids[:MAX_PIECES] or [0]
            array[at] = (self._pieces[ids] * self._scales[ids, None]).mean(axis=0)
            array[at] += self._forms[form_of(word)]
            array[at] += self._lists[lists_of(word)]
            vectors.kinds[at] = kind_of(word)
        vectors.array = array
        for at, word in enumerate(words, known):
            vectors.rows[hash(word)] = at


def _blocks(begins: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last window of each block: whole windows of some BLOCK words together."""
    first = 0
    for last, end in enumerate(ends):
        if end - begins[first] >= BLOCK or last == len(ends) - 1:
            if end > begins[first]:
                yield first, last
            first = last + 1
