"""From the windows of a text to one score: which ones the encoder reads, how both stages are weighed, what their number costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from extproc.guardrails.injection.detector import BYTES_PER_WINDOW, LEAST_COUNTED, candidates
from extproc.guardrails.injection.model import Beside, Scale, SideModel, together
from extproc.guardrails.injection.windows import LONGEST
from guardrails.fit import dense
from guardrails.material import Row
from guardrails.stages import Fitted, balanced, data_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from numpy.typing import NDArray

    from guardrails.states import States

LONG_TEXTS = 400
LONG_BYTES = (2_000, 4_000, 8_000, 16_000, 32_000)
ORDINARY = (
    *(
        "readmes",
        "stdlib",
        "python-manual",
        "docstrings",
        "code",
        "own-docs",
        "own-long",
        "btc-threads",
        "wnut17-threads",
    ),
    *("no_pii_probe", "pl_pii_bench", "ambientmeta"),
    *("bipia-email-harmless", "bipia-table-harmless", "bipia-code-harmless", "datafog_corpus"),
)
"""Sources of which pages are made, each by the root of how much it holds: manuals, mails, tables, code, talk."""
WITH_LOOKALIKE = 0.5
"""Of the pages, so many have a text of another source in them, as a page may that speaks about prompts or gives orders."""
OF_ONE_SOURCE = 0.5
"""Of the pages, so many are made of one source alone."""
BEGINNING = np.array([1.4, -0.1, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7])
"""How windows are ordered before it is known how to weigh them: by the logit, and the shorter before the longer."""
LOOKALIKES, LOOKALIKES_TIMES, LOOKALIKES_WINDOWS = "piguard-valid-harmless", 10, 8
"""What users ask with the words of attacks in it, in so few windows: false alarms may be so many times as frequent there."""
STRATA = ((1, 1.5), (1.5, 8), (8, 32), (32, 128), (128, 512), (512, 1e9))
"""Numbers of windows that are calibrated together."""
FEWEST_IN_STRATUM = 100
AT = 0.01
"""False alarms at which numbers of windows are made equal."""
ROUNDS = 3
IN_ATTACK = 0.5
"""Of a window or of the attack, the part that they have in common at least where the window counts as the attack."""


class Document(NamedTuple):
    """A text that was left out of training, and where in it the attack stands."""

    row: Row
    start: int = 0
    end: int = 0
    """In characters; both 0: all of it is what the row says."""
    bare: int = -1
    """Which document is the attack alone."""


@dataclass(slots=True)
class Left:
    """A document under the stages that have not seen it."""

    document: Document
    data: bytes
    model: SideModel
    windows: int
    marks: NDArray[np.float64]
    """Of its likeliest windows that do not overlap, ..."""
    places: NDArray[np.intp]
    """... where they begin and end, ..."""
    inside: NDArray[np.bool_]
    """... and which of them are in the attack."""
    beside: Beside

    def features(self, seconds: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Of its windows, with what the second stage says of the first of them where it was asked."""
        known = self.marks
        if seconds is not None:
            known = np.concatenate([known[: len(seconds)], seconds[:, None]], axis=1)
        return together(known, self.beside)


def long_documents(left: Sequence[Row], rng: Random, first: int) -> list[Document]:
    """Harmless texts of 500 to 8,000 tokens, and the same with an attack somewhere in them. `first`: the number of `left[0]`."""
    hosts = [[row.text for row in left if not row.attack and row.source == source] for source in ORDINARY]
    hosts = [texts for texts in hosts if texts]
    often = [sum(map(len, texts)) ** 0.5 for texts in hosts]
    others = [
        row.text for row in left if not row.attack and row.source not in (*ORDINARY, "clinc150", "clinc150-lists")
    ]
    attacks = [i for i, row in enumerate(left) if row.attack]
    if not attacks or not hosts:
        return []
    found = []
    for _ in range(LONG_TEXTS):
        size, parts = rng.choice(LONG_BYTES), []
        one = rng.choices(hosts, often)[0] if rng.random() < OF_ONE_SOURCE else None
        while sum(map(len, parts)) < size:
            parts.append(rng.choice(one or rng.choices(hosts, often)[0]))
        if others and rng.random() < WITH_LOOKALIKE:
            parts.insert(rng.randrange(len(parts) + 1), rng.choice(others))
        page = "\n".join(parts)
        found.append(Document(Row(page, False, "di", "long-harmless")))
        which = rng.choice(attacks)
        attack = left[which].text
        at = rng.randrange(len(page))
        at = max(page.rfind("\n", 0, at), page.rfind(". ", 0, at) + 1, 0)
        text = f"{page[:at]}\n{attack}\n{page[at:]}"
        row = Row(text, True, "di", f"buried-{left[which].source}")
        found.append(Document(row, at + 1, at + 1 + len(attack), first + which))
    return found


def bare_model(fitted: Fitted) -> SideModel:
    """The stages of a fold, before anything is known of how to weigh them."""
    nothing, as_it_is = np.zeros(1), Scale(np.zeros(1), np.zeros(1), 1.0, 0.0)
    network = fitted.network
    return SideModel(
        weights=fitted.weights,
        bias=fitted.bias,
        hidden=network.hidden.astype(np.float32),
        shifts=network.shifts,
        outputs=network.outputs,
        first=BEGINNING,
        both=nothing,
        first_scale=as_it_is,
        both_scale=as_it_is,
        asks_from=(0.0, 0.0),
        rates=nothing,
        scores=nothing,
    )


def left_out(document: Document, model: SideModel) -> Left:
    """A document with its likeliest windows, under stages that have not seen it."""
    text = document.row.text
    data = data_of(text)
    whole = document.end == 0
    start = 0 if whole else len(data_of(text[: document.start]))
    end = len(data) if whole else start + len(data_of(text[document.start : document.end]))
    scanned = model.scan(data)
    windows = len(scanned.scores)
    some = candidates(model, "text", data, scanned, windows)
    places = np.array([(one.start, one.end) for one in some])
    inside = in_attack(places[:, 0], places[:, 1], start, end)
    known = np.stack([one.marks for one in some])
    return Left(document, data, model, windows, known, places, inside, some[0].beside)


def in_attack(starts: NDArray[np.intp], ends: NDArray[np.intp], start: int, end: int) -> NDArray[np.bool_]:
    """Which windows are the attack, for the greater part."""
    common = np.minimum(ends, end) - np.maximum(starts, start)
    inside: NDArray[np.bool_] = common >= IN_ATTACK * np.minimum(np.maximum(ends - starts, 1), max(end - start, 1))
    return inside


def weigh(xs: Sequence[NDArray[np.float64]], lefts: Sequence[Left], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """How the features of a text's likeliest window make a logit; of a text with an attack in it, of the attack's windows."""
    y = np.array([float(one.document.row.attack) for one in lefts])
    w = start
    for _ in range(ROUNDS):
        best = np.zeros((len(xs), len(start) - 1))
        known = np.ones(len(xs), bool)
        for i, (x, left) in enumerate(zip(xs, lefts, strict=True)):
            if y[i]:
                inside = left.inside[: len(x)]
                known[i] = inside.any()
                x = x[inside]  # noqa: PLW2901 - those that count
            if known[i]:
                best[i] = x[np.argmax(x @ w[:-1])]
        rows = [one.document.row.source for one, here in zip(lefts, known, strict=True) if here]
        mass = balanced(rows, y[known], np.ones(int(known.sum())))
        w = dense(best[known], y[known], mass, 1e-3)
    return w


def seconds_of(lefts: Sequence[Left], states: States) -> list[NDArray[np.float64]]:
    """What the encoder says of the windows that it may read of each."""
    windows = []
    for left in lefts:
        room, some = (1 + len(left.data) // BYTES_PER_WINDOW) * LONGEST, []
        for start, end in left.places.tolist():
            room -= max(end - start, LEAST_COUNTED)
            if room < 0 and some:
                break
            some.append(left.data[start:end])
        windows.append(some)
    return [left.model.second(states.of(some)) for left, some in zip(lefts, windows, strict=True)]


def weighted_quantile(values: NDArray[np.float64], mass: NDArray[np.float64], share: float) -> float:
    """The value below which this share of the mass lies."""
    order = np.argsort(values)
    cumulated = np.cumsum(mass[order])
    return float(values[order][min(np.searchsorted(cumulated, share * cumulated[-1]), len(values) - 1)])


class Harmless(NamedTuple):
    """What thresholds are set by, of all texts: what is learned of attacks is not looked at."""

    y: NDArray[np.float64]
    """1: an attack."""
    logs: NDArray[np.float64]
    """Logs of their numbers of windows."""
    mass: NDArray[np.float64]
    """How much each counts."""
    alike: NDArray[np.bool_]
    """Harmless ones with the words of attacks in them, of which LOOKALIKES_TIMES as many may be taken for one."""


def scale_of(logits: NDArray[np.float64], here: NDArray[np.intp], all_of_them: Harmless) -> Scale:
    """Takes off what AT of the harmless texts of so many windows reach beyond those of one; the rest is made a probability.

    `here`: the texts that the logits are of, the likeliest of all.
    """
    y, logs, mass, alike = all_of_them
    counts, reached = [], []
    for low, high in STRATA:
        stratum = (y == 0) & (logs >= np.log(low)) & (logs < np.log(high))
        some = stratum[here]
        if stratum.sum() < FEWEST_IN_STRATUM or not some.any():
            continue
        share = AT * mass[stratum].sum() / mass[here[some]].sum()
        counts.append(float(np.median(logs[stratum])))
        reached.append(weighted_quantile(logits[some], mass[here[some]], max(0.0, 1 - share)))
        if high <= LOOKALIKES_WINDOWS and alike.any():
            reached[-1] = max(reached[-1], limit_of(logits[alike[here]], AT, int(alike.sum())))
    offsets = np.array(reached) - reached[0]
    even = logits - np.interp(logs[here], counts, offsets)
    slope, shift = dense(even[:, None], y[here], mass[here], 1e-3).tolist()
    return Scale(np.array(counts), offsets, slope, shift)


def limit_of(alike: NDArray[np.float64], rate: float, count: int) -> float:
    """What no more of `count` look-alikes reach than may be taken for an attack; `alike`: of the likeliest of them."""
    allowed = int(min(0.5, rate * LOOKALIKES_TIMES) * count)
    return float(np.sort(alike)[::-1][allowed]) + 1e-9 if allowed < len(alike) else -np.inf
