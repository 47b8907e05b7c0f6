"""From the windows of a text to one score: which ones the encoder reads, how both stages are weighed, what their number costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from extproc.guardrails.injection.detector import BYTES_PER_WINDOW, candidates, within
from extproc.guardrails.injection.model import SideModel, marks
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
    *("readmes", "stdlib", "python-manual", "own-docs", "own-long", "no_pii_probe", "pl_pii_bench", "ambientmeta"),
    *("bipia-email-harmless", "bipia-table-harmless", "bipia-code-harmless", "datafog_corpus"),
)
"""Sources of which pages are made, each as often as any other: manuals, mails, tables, code."""
WITH_LOOKALIKE = 0.5
"""Of the pages, so many have a text of another source in them, as a page may that speaks about prompts or gives orders."""
STRATA = ((1, 1.5), (1.5, 8), (8, 32), (32, 128), (128, 512), (512, 1e9))
"""Numbers of windows that are calibrated together."""
FEWEST_IN_STRATUM = 100
AT = 0.01
"""False alarms at which numbers of windows are made equal."""
ROUNDS = 3
LIKELIEST = 32
"""Windows of a text that are weighed."""
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
    start: int
    end: int
    model: SideModel
    marks: NDArray[np.float64]
    """Of its likeliest windows, ..."""
    inside: NDArray[np.bool_]
    """... and which of them are in the attack."""
    windows: int


def long_documents(left: Sequence[Row], rng: Random, first: int) -> list[Document]:
    """Harmless texts of 500 to 8,000 tokens, and the same with an attack somewhere in them. `first`: the number of `left[0]`."""
    hosts = [[row.text for row in left if not row.attack and row.source == source] for source in ORDINARY]
    hosts = [texts for texts in hosts if texts]
    others = [row.text for row in left if not row.attack and row.source not in (*ORDINARY, "clinc150")]
    attacks = [i for i, row in enumerate(left) if row.attack]
    found = []
    if not attacks or not hosts:
        return []
    for _ in range(LONG_TEXTS):
        size, parts = rng.choice(LONG_BYTES), []
        while sum(map(len, parts)) < size:
            parts.append(rng.choice(rng.choice(hosts)))
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
    nothing = np.zeros(1)
    network = fitted.network
    return SideModel(
        weights=fitted.weights,
        bias=fitted.bias,
        hidden=network.hidden.astype(np.float32),
        shifts=network.shifts,
        outputs=network.outputs,
        alone=nothing,
        both=nothing,
        counts=nothing,
        offsets=nothing,
        calibration=np.array([1.0, 0.0]),
        asks_from=0.0,
        rates=nothing,
        scores=nothing,
    )


def left_out(documents: Sequence[Document], model: SideModel) -> list[Left]:
    """Each with its likeliest windows."""
    found = []
    for document in documents:
        text = document.row.text
        data = data_of(text)
        whole = document.end == 0
        start = 0 if whole else len(data_of(text[: document.start]))
        end = len(data) if whole else start + len(data_of(text[document.start : document.end]))
        scanned = model.scan(data)
        inside = in_attack(scanned.starts, scanned.ends, start, end)
        order = np.argsort(-scanned.scores, kind="stable")
        some = order[:LIKELIEST]
        if not whole:
            some = np.unique(np.concatenate([some, order[inside[order]][:8]]))
        found.append(Left(document, data, start, end, model, marks(scanned)[some], inside[some], len(scanned.scores)))
    return found


def in_attack(starts: NDArray[np.intp], ends: NDArray[np.intp], start: int, end: int) -> NDArray[np.bool_]:
    """Which windows are the attack, for the greater part."""
    common = np.minimum(ends, end) - np.maximum(starts, start)
    inside: NDArray[np.bool_] = common >= IN_ATTACK * np.minimum(np.maximum(ends - starts, 1), max(end - start, 1))
    return inside


def weigh(
    xs: Sequence[NDArray[np.float64]],
    insides: Sequence[NDArray[np.bool_]],
    lefts: Sequence[Left],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How the marks of a text's likeliest window make a logit; of a text with an attack in it, of the attack's windows."""
    y = np.array([float(one.document.row.attack) for one in lefts])
    w = start
    for _ in range(ROUNDS):
        best = np.zeros((len(xs), len(start) - 1))
        known = np.ones(len(xs), bool)
        for i, (x, inside) in enumerate(zip(xs, insides, strict=True)):
            if y[i]:
                known[i] = inside.any()
                x = x[inside]  # noqa: PLW2901 - those that count
            if known[i]:
                best[i] = x[np.argmax(x @ w[:-1])]
        rows = [one.document.row.source for one, here in zip(lefts, known, strict=True) if here]
        mass = balanced(rows, y[known], np.ones(int(known.sum())))
        w = dense(best[known], y[known], mass, 1e-3)
    return w


class Read(NamedTuple):
    """A document as the detector would have read it."""

    firsts: NDArray[np.float64]
    """Of its candidates: the first stage's logits, ..."""
    x: NDArray[np.float64]
    """... the second's beside their marks, ..."""
    inside: NDArray[np.bool_]
    """... and which are in the attack."""


def read(lefts: Sequence[Left], alone: NDArray[np.float64], states: States) -> list[Read]:
    """What the encoder says of the candidates."""
    found, windows = [], []
    for left in lefts:
        model = replace(left.model, alone=alone, counts=np.zeros(1), offsets=np.zeros(1))
        some = candidates(model, "text", left.data, model.scan(left.data), left.windows)
        found.append(within(some, (1 + len(left.data) // BYTES_PER_WINDOW) * LONGEST))
        windows.append([left.data[one.start : one.end] for one in found[-1]])
    states.know([window for some in windows for window in some])
    seconds = [left.model.second(states.of(some)) for left, some in zip(lefts, windows, strict=True)]
    told = []
    for left, some, second in zip(lefts, found, seconds, strict=True):
        known = np.stack([one.marks for one in some])
        starts, ends = np.array([one.start for one in some]), np.array([one.end for one in some])
        x = np.concatenate([second[:, None], known], axis=1)
        told.append(Read(known[:, 0], x, in_attack(starts, ends, left.start, left.end)))
    return told


def weighted_quantile(values: NDArray[np.float64], mass: NDArray[np.float64], share: float) -> float:
    """The value below which this share of the mass lies."""
    order = np.argsort(values)
    cumulated = np.cumsum(mass[order])
    return float(values[order][min(np.searchsorted(cumulated, share * cumulated[-1]), len(values) - 1)])


def offsets_of(
    logits: NDArray[np.float64], logs: NDArray[np.float64], mass: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What harmless texts of so many windows reach at AT, beyond those of one window."""
    counts, reached = [], []
    for low, high in STRATA:
        here = (logs >= np.log(low)) & (logs < np.log(high))
        if here.sum() >= FEWEST_IN_STRATUM:
            counts.append(float(np.median(logs[here])))
            reached.append(weighted_quantile(logits[here], mass[here], 1 - AT))
    return np.array(counts), np.array(reached) - reached[0]
