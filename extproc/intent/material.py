"""Texts as the two stages see them: token ids, vectors, and what is known of their words."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from time import perf_counter
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from extproc.intent.batching import PASS_SIZE
from extproc.intent.head import centre_of, unit
from extproc.intent.wording import neutral
from extproc.language import ENGLISH, SURE, guess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from extproc.embedding.encoder import Encoder, Halfway
    from extproc.embedding.encoders import Encoders
    from extproc.intent.head import Head, Reading
    from extproc.intent.table import StaticTable
    from extproc.intent.words import Words

REPORT_FROM = 2000
"""Texts from which on embedding them takes long enough to say so."""
FEWEST_OUTSIDE = 5
"""With fewer texts that belong to no intent than this, even those near an example are kept."""
LONELIEST = 0.1
"""Share of the examples whose distance from the next one is still that of an intent."""
NEAR_IF_ALONE, NEAR_AT_LEAST = 0.6, 0.3
"""Cosine that is near where no intent has two examples, and below which nothing is, however wide an intent is."""
EARLY = ("mean_3", "mean_0")
LATE = ("mean_6", "mean_4")
WIDE = ("mean_12", "mean_6")
SHIFT_ROWS = 6.0
"""A language of few texts is drawn to all other languages by as many."""
_BATCH = 16
_backgrounds: WeakKeyDictionary[Encoder, dict[object, Material]] = WeakKeyDictionary()


def parts_of(encoders: Encoders) -> dict[str, int]:
    """The learned stages in the order in which they are asked, and of how many vectors side by side each one's view is."""
    main, wide = encoders
    parts = {"static": 2, "early": 2, "transformer": 2} if main.has_halves else {"static": 1, "transformer": 1}
    return parts if wide is None else parts | {"wide": parts["transformer"] + (len(WIDE) if wide.has_halves else 1)}


def foreign_language(text: str) -> str:
    """The language other than English that a text is surely in, else nothing: what could be English is read as English."""
    language, likely = guess(text)
    return language if language != ENGLISH and likely >= SURE else ""


def start(encoder: Encoder, batch: Sequence[Sequence[int]]) -> tuple[Halfway, NDArray[np.float32]]:
    """The early stage's view of texts: the middle layer and what is before the first."""
    halfway = encoder.start(batch, EARLY)
    return halfway, np.concatenate(halfway.outputs, axis=1)


def finish(encoder: Encoder, halfway: Halfway, chosen: Sequence[int]) -> NDArray[np.float32]:
    """The transformer stage's view of some of them: the last layer and the last but two."""
    return np.concatenate(encoder.finish(halfway, chosen, LATE), axis=1)


def whole(encoder: Encoder, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The transformer stage's view of texts, in one go."""
    if not encoder.has_halves:
        return encoder.embed(batch)
    return np.concatenate(encoder.run(batch, LATE)[0], axis=1)


def wide_views(encoder: Encoder, batch: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
    """What the multilingual encoder adds to the transformer stage's view: its last layer and its middle one."""
    if not encoder.has_halves:
        return {"wide": encoder.embed(batch)}
    return {"wide": np.concatenate(encoder.run(batch, WIDE)[0], axis=1)}


def joined(wide: NDArray[np.float32], english: NDArray[np.float32], languages: Sequence[str]) -> NDArray[np.float32]:
    """The last stage's view: of texts that are not in English, what the English encoder makes of them is left out."""
    known = np.array([[not language] for language in languages], np.float32)
    return np.concatenate([wide, english * known], axis=1)


def views_of(encoder: Encoder, batch: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
    """Stage -> its view of the texts, for the stages that run the encoder."""
    if not encoder.has_halves:
        return {"transformer": encoder.embed(batch)}
    halfway, early = start(encoder, batch)
    return {"early": early, "transformer": finish(encoder, halfway, range(len(batch)))}


def embed_all(
    encoder: Encoder,
    ids: Sequence[Sequence[int]],
    report: Callable[[str], None],
    views: Callable[[Encoder, Sequence[Sequence[int]]], dict[str, NDArray[np.float32]]] = views_of,
) -> dict[str, NDArray[np.float32]]:
    """`views_of` many texts, those of like length together."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out: dict[str, NDArray[np.float32]] = {}
    told = perf_counter()
    at = 0
    while at < len(order):
        longest = len(ids[order[min(at + _BATCH, len(order)) - 1]])
        part = order[at : at + max(1, min(_BATCH, PASS_SIZE // max(longest, 1)))]
        for stage, vectors in views(encoder, [ids[i] for i in part]).items():
            out.setdefault(stage, np.zeros((len(ids), vectors.shape[1]), np.float32))[part] = vectors
        at += len(part)
        if len(ids) >= REPORT_FROM and perf_counter() - told > 2:
            told = perf_counter()
            report(f"embedding the examples: {at} of {len(ids)}")
    return out


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens read of a text; of a longer one, its head and its tail."""

    static: int = 128
    transformer: int = 64


@dataclass(frozen=True, slots=True)
class Material:
    """Examples (and titles) with their vectors; the background likewise."""

    ids: list[list[int]]
    vectors: dict[str, NDArray[np.float32]]
    """Stage -> its view of each text."""
    parts: dict[str, int]
    """Stage -> of how many vectors side by side its view is made."""
    languages: tuple[str, ...]
    """Of each text, the language other than English that it is surely in; empty for all others."""

    given: int = 0
    """How many of the texts, the first ones, somebody has given, and did not come with the package."""

    @property
    def foreign(self) -> NDArray[np.bool_]:
        """Which texts are in another language than English."""
        return np.array([bool(language) for language in self.languages], bool)

    @classmethod
    def of(
        cls,
        encoders: Encoders,
        table: StaticTable,
        texts: Sequence[str],
        budget: Budget,
        report: Callable[[str], None] = lambda _: None,
    ) -> Material:
        """Tokenize and embed."""
        encoder, wide = encoders
        texts = [neutral(text) for text in texts]
        languages = tuple(map(foreign_language, texts))
        ids = [encoder.tokenize(text, budget.static) for text in texts]
        views = embed_all(encoder, [encoder.shorten(row, budget.transformer) for row in ids], report)
        vectors = {"static": np.stack([table.embed(row) for row in ids]), **views}
        if wide is not None:
            seen = embed_all(wide, [wide.tokenize(text, budget.transformer) for text in texts], report, wide_views)
            vectors["wide"] = joined(seen["wide"], views["transformer"], languages)
        return cls(ids, vectors, parts_of(encoders), languages)

    def and_(self, others: Material) -> Material:
        """The texts of both, these first."""
        return Material(
            [*self.ids, *others.ids],
            {stage: np.concatenate([mine, others.vectors[stage]]) for stage, mine in self.vectors.items()},
            self.parts,
            (*self.languages, *others.languages),
            self.given,
        )

    def only(self, chosen: NDArray[np.int64]) -> Material:
        """Of some of the texts."""
        vectors = {stage: vectors[chosen] for stage, vectors in self.vectors.items()}
        return Material(
            [self.ids[i] for i in chosen],
            vectors,
            self.parts,
            tuple(self.languages[i] for i in chosen),
            int((chosen < self.given).sum()),
        )


def far_from(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], outside: NDArray[np.float32], given: int, parts: int = 1
) -> NDArray[np.int64]:
    """Which outside texts to keep: all that the user gave, and of the background those that are not near an example.

    Near: nearer than one in ten examples is to the next one of its own intent. `parts`: of so many vectors side by side a
    vector is made; one that is not there, as the English one of a text in another language, is no likeness.
    """
    sample = np.linspace(0, len(vectors) - 1, min(len(vectors), 1500)).astype(np.int64)
    middle = centre_of(np.concatenate([vectors, outside]), parts)
    x, y = unit(vectors[sample], middle, parts), unit(outside, middle, parts)
    among = x @ x.T
    among[labels[sample][:, None] != labels[sample][None, :]] = -1
    np.fill_diagonal(among, -1)
    nearest = among.max(axis=1)
    nearest = nearest[nearest > -1]
    limit = float(np.quantile(nearest, LONELIEST)) if len(nearest) else NEAR_IF_ALONE
    near = (y @ x.T).max(axis=1) > max(limit, NEAR_AT_LEAST)
    near[:given] = False
    kept = np.flatnonzero(~near)
    return kept if len(kept) >= FEWEST_OUTSIDE else np.arange(len(outside))


def readings_of(heads: Mapping[str, Head], vectors: Mapping[str, NDArray[np.float32]], i: int) -> dict[str, Reading]:
    """Stage -> what its head says of one text."""
    readings: dict[str, Reading] = {}
    for stage, head in heads.items():
        readings[stage] = head.read(vectors[stage][i], readings.get("early"))
    return readings


def signals_of(readings: Sequence[Reading], words: tuple[float, float], *, alone: bool = False) -> tuple[float, ...]:
    """What the last one of the stages so far says about its best intent, and what those before it say.

    First how likely that intent is against the others, to each of them; then what tells whether the text belongs to any:
    see `Calibrator`. The last two are shares of the text that examples have words for: see `Words`. `alone`: the last stage is
    the only one that knows the language, and what the others say is not known.
    """
    last, *before = reversed(readings)
    odds, *signals = last.signals
    supports = [reading.odds_of(last.best) for reading in before]
    others = [value for reading in before for value in reading.signals[2:]]
    if alone:
        return (odds, *[nan] * len(supports), *signals, *[nan] * len(others), nan, nan)
    return (odds, *supports, *signals, *others, *words)


def signals_so_far(
    readings: Mapping[str, Reading], words: Words, ids: Sequence[int], *, foreign: bool
) -> list[tuple[float, ...]]:
    """`signals_of` after each of the stages."""
    told = tuple(readings.values())
    return [
        signals_of(told[: i + 1], words.shares(ids, reading.best), alone=foreign and stage == "wide")
        for i, (stage, reading) in enumerate(readings.items())
    ]


def background_of(encoders: Encoders, table: StaticTable, texts: tuple[str, ...], budget: Budget) -> Material:
    """`Material.of` texts that come with the package: the same for all meshes of a process, and so made once."""
    known = _backgrounds.setdefault(encoders.main, {})
    key = (encoders.wide and encoders.wide.name, texts, budget)
    if key not in known:
        known[key] = Material.of(encoders, table, texts, budget)
    return known[key]


class Shifts:
    """How far vectors of the multilingual encoder lie from where English ones do, for being in another language alone.

    They are taken off: what a text means is told by the rest. Without that, a text in a language that no example has would be
    far from all of them.
    """

    def __init__(self, names: NDArray[np.str_], shifts: NDArray[np.float32]) -> None:
        self.names, self.shifts = names, shifts
        """Languages, and the shift of each; the last one is that of all languages together."""
        self._at = {str(name): i for i, name in enumerate(names)}

    @classmethod
    def of(cls, background: Material, width: int) -> Shifts:
        """By what people say to any assistant, in many languages. The first `width` numbers of a vector are the encoder's."""
        vectors = background.vectors["wide"][:, :width]
        languages = np.array(background.languages)
        foreign = languages != ""
        if foreign.all() or not foreign.any():
            return cls(np.array([""]), np.zeros((1, vectors.shape[1]), np.float32))
        english = vectors[~foreign].mean(axis=0)
        every = vectors[foreign].mean(axis=0) - english
        names = np.unique(languages[foreign])
        shifts = []
        for name in names:
            mine = vectors[languages == name]
            own = mine.mean(axis=0) - english
            shifts.append((len(mine) * own + SHIFT_ROWS * every) / (len(mine) + SHIFT_ROWS))
        return cls(np.array([*names, ""]), np.stack([*shifts, every]).astype(np.float32))

    def of_language(self, language: str) -> NDArray[np.float32]:
        """What to take off a vector of this language; nothing of English."""
        if not language:
            return np.zeros(self.shifts.shape[1], np.float32)
        return np.asarray(self.shifts[self._at.get(language, -1)], np.float32)

    def take_off(self, material: Material) -> None:
        """From all vectors, in place."""
        wide = material.vectors["wide"]
        for i, language in enumerate(material.languages):
            if language:
                wide[i, : self.shifts.shape[1]] -= self.of_language(language)
