"""Is a text an attack on the model that reads it? A cheap stage reads every window, the encoder those few that it points at."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from secrets import token_bytes
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.guardrails.injection.model import (
    ALONE,
    LAYERS,
    Beside,
    Side,
    SideModel,
    features,
    marks,
    marks_of_one,
    often,
    shipped,
)
from extproc.guardrails.injection.spelling import readings
from extproc.guardrails.injection.windows import LONGEST
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from extproc.config.guardrails import Place
    from extproc.embedding.encoder import Encoder
    from extproc.guardrails.injection.windows import Scanned

SIDE_OF: Final[Mapping[Place, Side]] = {
    "user": "direct",
    "assistant": "direct",
    "system": "direct",
    "answer": "direct",
    "tool": "indirect",
    "document": "indirect",
}
WINDOW_TOKENS: Final = 126
"""Tokens of a window that the encoder reads, beside its own two."""
BYTES_PER_WINDOW: Final = 8000
"""Some 2,000 tokens: of so many, the encoder reads as many tokens as one window has, in one or in several shorter ones."""
REMEMBERED: Final = 4096
"""Texts whose scores are kept by digest: a conversation sends all that was said again with every turn."""
_LOOKED_THROUGH: Final = 64
"""Windows, the likeliest first, among which are those that the encoder reads: of each that it may read."""
_COMPARED: Final = 6
"""Windows that a window is compared with."""
LEAST_COUNTED: Final = 64
"""Bytes that a window counts at least, so that the encoder is not asked about each of many short lines."""


class Window(NamedTuple):
    """A part of a text, and how much it looks like an attack."""

    how: str
    """`text`, or how it was read: `respelled`, `base64`, `hex`, `rot13`."""
    start: int
    """In bytes of the text as it was read."""
    end: int
    first: float
    """The first stage's logit."""
    score: float
    second: bool
    """Whether the encoder has read it."""


class Score(NamedTuple):
    """What was found out about one text."""

    score: float
    """How likely it is that the text is an attack, where attacks are as frequent as harmless texts."""
    windows: int
    """That were looked at."""
    best: tuple[Window, ...]
    """Those that count, the likeliest first."""
    bound: bool
    """The encoder would have read more of it, and may not."""


class Candidate(NamedTuple):
    """A window that the first stage points at."""

    how: str
    start: int
    end: int
    logit: float
    score: float
    """Of the first stage alone."""
    marks: NDArray[np.float64]
    beside: Beside
    data: bytes
    """The text as it was read, all of it."""


class Pending(NamedTuple):
    """A text that the first stage is not done with."""

    key: bytes
    model: SideModel
    windows: int
    candidates: Sequence[Candidate]
    """The likeliest first."""
    tokens: int
    """That the encoder may read."""
    bound: bool


_NOTHING: Final = Score(0.0, 0, (), bound=False)


class Detector:
    """Both stages over one encoder; remembers what it has seen. `first` is quick, `second` takes milliseconds."""

    def __init__(self, encoder: Callable[[], Encoder], models: Mapping[Side, SideModel] | None = None) -> None:
        """`encoder`: gives the bundled one, loaded when it is first asked for."""
        self._encoder = encoder
        self._models = models or shipped()
        self._recent: OrderedDict[bytes, Score] = OrderedDict()
        self._secret = token_bytes(16)

    def threshold(self, side: Side, false_alarms: float) -> float:
        """The score that this share of harmless texts of a side reaches."""
        return self._models[side].threshold(false_alarms)

    def first(self, text: str, side: Side) -> Score | Pending:
        """The first stage: a score, or what the second has to be asked."""
        if not text or text.isspace():
            return _NOTHING
        key = self._digest(text, side)
        recent = self._recent.get(key)
        if recent is not None:
            self._recent.move_to_end(key)
            return recent
        model = self._models[side]
        read = [
            (reading.how, data := reading.text.encode(errors="replace"), model.scan(data)) for reading in readings(text)
        ]
        windows = sum(len(scanned.scores) for *_, scanned in read)
        found = [one for how, data, scanned in read for one in candidates(model, how, data, scanned, windows)]
        found.sort(key=lambda one: -one.score)
        allowed = 1 + len(text) // BYTES_PER_WINDOW
        asked = [one for one in found if model.asks(one.score, one.beside)]
        some = within(asked, allowed * LONGEST)
        pending = Pending(key, model, windows, some or found[:1], allowed * WINDOW_TOKENS, len(asked) > len(some))
        return pending if asked else self.without_second(pending)

    def second(self, pending: Pending, deadline: float = float("inf")) -> Score:
        """The second stage. Raises TimeoutError when `monotonic()` has passed the deadline before it is done."""
        encoder = self._encoder()
        found: list[Window] = []
        left = pending.tokens
        for one in pending.candidates:
            if monotonic() > deadline:
                raise TimeoutError
            ids = encoder.tokenize(one.data[one.start : one.end].decode(errors="replace"), WINDOW_TOKENS)
            left -= len(ids)
            if left < 0 and found:
                break
            score = pending.model.by_both(encoded(encoder, ids), one.marks, one.beside, pending.windows)
            found.append(Window(one.how, one.start, one.end, one.logit, score, second=True))
        found.sort(key=lambda window: -window.score)
        return self._remember(pending.key, Score(found[0].score, pending.windows, tuple(found), pending.bound))

    def without_second(self, pending: Pending) -> Score:
        """The score of a text of which the second stage is not asked."""
        one = pending.candidates[0]
        bound = pending.bound or pending.model.asks(one.score, one.beside)
        window = Window(one.how, one.start, one.end, one.logit, one.score, second=False)
        return self._remember(pending.key, Score(one.score, pending.windows, (window,), bound))

    def score(self, text: str, side: Side) -> Score:
        """Both stages, one after the other: for commands and measurements."""
        found = self.first(text, side)
        return self.second(found) if isinstance(found, Pending) else found

    def forget(self) -> None:
        """All that was remembered: for measurements."""
        self._recent.clear()

    def _digest(self, text: str, side: Side) -> bytes:
        hashed = blake2b(text.encode(errors="surrogatepass"), digest_size=16, key=self._secret, person=side.encode())
        return hashed.digest()

    def _remember(self, key: bytes, score: Score) -> Score:
        """Digests only: no text is kept."""
        self._recent[key] = score
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return score


def candidates(model: SideModel, how: str, data: bytes, scanned: Scanned, windows: int) -> list[Candidate]:
    """Windows of one reading that do not overlap, the likeliest first: more than the encoder may read."""
    if len(scanned.scores) == 1:
        logit, size = float(scanned.scores[0]), len(data)
        known = marks_of_one(logit, size)
        score = model.by_first_at_once(logit, size) if windows == 1 else model.by_first(known, ALONE, windows)[0]
        return [Candidate(how, 0, size, logit, score, known[0], ALONE, data)]
    known = marks(scanned)
    apart = _apart(model.order(known, windows), scanned, len(data))
    known = known[apart]
    logits = known[:, 0].tolist()
    beside = Beside(often(windows), *(logits[min(nth, len(logits)) - 1] for nth in (3, _COMPARED)))
    scores = model.by_first(known, beside, windows)
    checkpoint()
    places = zip(scanned.starts[apart].tolist(), scanned.ends[apart].tolist(), strict=True)
    return [
        Candidate(how, start, end, logit, score, row, beside, data)
        for (start, end), logit, score, row in zip(places, logits, scores, known, strict=True)
    ]


def _apart(order: NDArray[np.intp], scanned: Scanned, size: int) -> list[int]:
    """The first windows in an order that do not overlap: as many as fill what the encoder may read, and _COMPARED."""
    allowed = 1 + size // BYTES_PER_WINDOW
    found: list[int] = []
    covered = bytearray(size)
    room = allowed * LONGEST
    some = order[: _LOOKED_THROUGH * (allowed + 1)]
    for at, start, end in zip(some.tolist(), scanned.starts[some].tolist(), scanned.ends[some].tolist(), strict=True):
        if 1 in covered[start:end]:
            continue
        covered[start:end] = b"\x01" * (end - start)
        found.append(at)
        room -= max(end - start, LEAST_COUNTED)
        if room < 0 and len(found) >= _COMPARED:
            break
    return found


def within(candidates: Sequence[Candidate], size: int) -> Sequence[Candidate]:
    """The first of them, as many as have so many bytes together, and one at least."""
    for at, one in enumerate(candidates):
        size -= max(one.end - one.start, LEAST_COUNTED)
        if size < 0 and at:
            return candidates[:at]
    return candidates


def encoded(encoder: Encoder, ids: Sequence[int]) -> NDArray[np.float32]:
    """What the second stage reads of one text."""
    row = list(ids) or [encoder.unknown or 0]
    halfway = encoder.start([row], LAYERS)
    read: NDArray[np.float32] = features(halfway.outputs, halfway.states, [halfway.states.shape[1]])[0]
    return read
