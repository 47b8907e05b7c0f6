"""Two pictures of a measurement: the ROC curve, and the scores of attacks and of harmless texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from pathlib import Path

    from extproc.guardrails.measure import Scored

_SIDE: Final = 420
_MARGIN: Final = 60
_BINS: Final = 20
_LEAST_RATE: Final = 0.001
_INK, _PAPER, _GRID, _BLUE, _RED = "#1a1a1a", "#ffffff", "#dddddd", "#2b6cb0", "#c53030"


def write_plots(result: Scored, folder: Path) -> list[Path]:
    """Write `roc.png` and `scores.png`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "roc.png", folder / "scores.png"]
    _roc(result).save(paths[0])
    _scores(result).save(paths[1])
    return paths


def _at(x: float, y: float) -> tuple[float, float]:
    return _MARGIN + x * _SIDE, _MARGIN + (1 - y) * _SIDE


def _canvas(across: list[tuple[float, str]], title: str, below: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (_SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    for tick in range(6):
        draw.line([_at(0, tick / 5), _at(1, tick / 5)], _GRID)
        draw.text((_MARGIN - 8, _at(0, tick / 5)[1]), f"{tick / 5:.1f}", _INK, font, anchor="rm")
    for x, name in across:
        draw.line([_at(x, 0), _at(x, 1)], _GRID)
        draw.text((_at(x, 0)[0], _MARGIN + _SIDE + 8), name, _INK, font, anchor="mt")
    draw.text((_MARGIN, _MARGIN - 24), title, _INK, font)
    draw.text((_MARGIN + _SIDE / 2, _MARGIN + _SIDE + 30), below, _INK, font, anchor="mt")
    return image, draw


def _roc(result: Scored) -> Image.Image:
    """The share of attacks that are found over the share of harmless texts that are taken for one, on a logarithmic axis."""
    decades = -np.log10(_LEAST_RATE)
    ticks = [(i / decades, f"{10 ** (i - decades):.1%}") for i in range(int(decades) + 1)]
    image, draw = _canvas(ticks, "share of attacks that are found", "false alarms")
    attacks, harmless = result.scores[result.attack], result.scores[~result.attack]
    if len(attacks) and len(harmless):
        rates = np.logspace(-decades, 0, 200)
        limits = np.quantile(harmless, 1 - rates)
        points = [
            _at(1 + np.log10(rate) / decades, float((attacks > limit).mean()))
            for rate, limit in zip(rates, limits, strict=True)
        ]
        draw.line(points, _BLUE, 2)
    return image


def _scores(result: Scored) -> Image.Image:
    """How often a score occurs: attacks in red, harmless texts in blue, each as a share of its own."""
    image, draw = _canvas(
        [(i / 5, f"{i / 5:.1f}") for i in range(6)], "share of attacks (red), of harmless texts (blue)", "score"
    )
    for chosen, colour, left in ((result.attack, _RED, 0.0), (~result.attack, _BLUE, 0.5)):
        if not chosen.any():
            continue
        counts, _ = np.histogram(result.scores[chosen], _BINS, (0, 1))
        for i, share in enumerate(counts / chosen.sum()):
            draw.rectangle([_at((i + left) / _BINS, float(share)), _at((i + left + 0.45) / _BINS, 0)], colour)
    return image
