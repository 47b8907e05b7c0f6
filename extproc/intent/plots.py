"""Two pictures of a measurement: the confusion matrix and the reliability curve. Drawn with Pillow, which is there anyway."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from extproc.intent.measure import reliability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from extproc.intent.measure import Outcome

MOST_INTENTS = 30
"""More intents than this are too many to read: those that are confused most are shown."""
_INK, _PAPER, _GRID, _BLUE, _RED = "#1a1a1a", "#ffffff", "#dddddd", "#2b6cb0", "#c53030"
_CELL = 22
_NONE = "(none)"


def write_plots(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write `confusion.png` and `reliability.png`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "confusion.png", folder / "reliability.png"]
    draw_confusion(outcomes).save(paths[0])
    draw_reliability(outcomes).save(paths[1])
    return paths


def draw_confusion(outcomes: Sequence[Outcome]) -> Image.Image:
    """Rows: what the texts mean; columns: what they were given, abstaining included. Darker is a larger share of the row."""
    pairs = Counter((o.row.intent or _NONE, o.score.intent or _NONE) for o in outcomes)
    confused: Counter[str] = Counter()
    for (gold, given), count in pairs.items():
        weight = count if gold != given else 0
        confused[gold] += weight
        confused[given] += weight
    names = sorted(name for name, _ in confused.most_common(MOST_INTENTS))
    font = ImageFont.load_default(12)
    margin = max(60, *(int(font.getlength(name)) + 16 for name in names))
    side = len(names) * _CELL
    image = Image.new("RGB", (margin + side + 20, margin + side + 40), _PAPER)
    draw = ImageDraw.Draw(image)
    for i, name in enumerate(names):
        draw.text((margin - 8, margin + (i + 0.5) * _CELL), name, _INK, font, anchor="rm")
        _text_upwards(image, name, margin + i * _CELL + 3, margin - 8, font)
        total = sum(count for (gold, _), count in pairs.items() if gold == name)
        for j, other in enumerate(names):
            count = pairs[name, other]
            left, top = margin + j * _CELL, margin + i * _CELL
            box = (left, top, left + _CELL, top + _CELL)
            draw.rectangle(box, _shade(count / total if total else 0.0, wrong=i != j), _GRID)
            if count:
                middle = (left + _CELL / 2, top + _CELL / 2)
                draw.text(middle, str(count) if count < 1000 else "..", _INK, ImageFont.load_default(10), anchor="mm")
    caption = f"rows: meant, columns: given; {len(names)} of {len(confused)} names, those confused most"
    draw.text((10, margin + side + 14), caption, _INK, font)
    return image


def draw_reliability(outcomes: Sequence[Outcome]) -> Image.Image:
    """How often a score came true. On the diagonal a score means what it says; bars: how many texts have it."""
    side, margin = 420, 60
    image = Image.new("RGB", (side + 2 * margin, side + 2 * margin), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)

    def at(x: float, y: float) -> tuple[float, float]:
        return margin + x * side, margin + (1 - y) * side

    for tick in range(6):
        share = tick / 5
        draw.line([at(0, share), at(1, share)], _GRID)
        draw.line([at(share, 0), at(share, 1)], _GRID)
        draw.text((margin - 8, at(0, share)[1]), f"{share:.1f}", _INK, font, anchor="rm")
        draw.text((at(share, 0)[0], margin + side + 8), f"{share:.1f}", _INK, font, anchor="mt")
    bins = reliability(np.array([o.score.score for o in outcomes]), np.array([o.right for o in outcomes], bool))
    most = max((part.count for part in bins), default=1)
    for part in bins:
        x, height = part.promised, 0.25 * part.count / most
        draw.rectangle([at(x - 0.012, height), at(x + 0.012, 0)], "#bee3f8")
    draw.line([at(0, 0), at(1, 1)], _RED)
    points = [at(part.promised, part.kept) for part in bins]
    draw.line(points, _BLUE, 2)
    for x, y in points:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), _BLUE)
    draw.text((margin + side / 2, margin + side + 30), "score", _INK, font, anchor="mt")
    draw.text((margin, margin - 24), "share that was right (line), number of texts (bars)", _INK, font)
    return image


def _shade(share: float, *, wrong: bool) -> tuple[int, int, int]:
    light = round(255 * (1 - share**0.5))
    return (255, light, light) if wrong else (light, light + (255 - light) // 3, 255)


def _text_upwards(
    image: Image.Image, text: str, left: int, bottom: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    width = int(font.getlength(text)) + 2
    label = Image.new("RGB", (width, _CELL - 4), _PAPER)
    ImageDraw.Draw(label).text((0, 1), text, _INK, font)
    image.paste(label.rotate(90, expand=True), (left, bottom - width))
