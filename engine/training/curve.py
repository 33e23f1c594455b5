"""The loss curve of a stage as a picture, from its journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 220, 20, 40
COLOURS = ("#1f5fbf", "#d1495b", "#2e933c", "#e08e0b", "#7a4fa3", "#00808a", "#8c564b", "#555555")


def draw_curve(journal: Path, out: Path) -> Path:
    """Every figure of a journal over the samples, each scaled to its own least and greatest value.

    A journal is a JSON line a report: `{"samples": …, "loss": …, …}`.
    """
    rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines() if line.strip()]
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "samples"]
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
    frame = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    draw.rectangle(frame, outline="#999999")
    samples = [float(row["samples"]) for row in rows]
    low, high = min(samples), max(samples)
    draw.text((LEFT, HEIGHT - BOTTOM + 8), f"{low:,.0f} samples", "black", font)
    draw.text((WIDTH - RIGHT - 90, HEIGHT - BOTTOM + 8), f"{high:,.0f}", "black", font)
    for k, name in enumerate(names):
        points = [(float(row["samples"]), float(row[name])) for row in rows if name in row]
        colour = COLOURS[k % len(COLOURS)]
        values = [y for _, y in points]
        _line(draw, points, (low, high), (min(values), max(values)), frame, colour)
        note = f"{name}: {values[-1]:.4g}  ({min(values):.3g} … {max(values):.3g})"
        draw.text((WIDTH - RIGHT + 10, TOP + 16 * k), note, colour, font)
    picture.save(out)
    return out


def _line(
    draw: ImageDraw.ImageDraw,
    points: Sequence[tuple[float, float]],
    across: tuple[float, float],
    up: tuple[float, float],
    frame: tuple[int, int, int, int],
    colour: str,
) -> None:
    x0, y0, x1, y1 = frame

    def place(value: float, ends: tuple[float, float], a: float, b: float) -> float:
        span = ends[1] - ends[0]
        return (a + b) / 2 if span <= 0 else a + (value - ends[0]) / span * (b - a)

    spots = [(place(x, across, x0, x1), place(y, up, y1 - 6, y0 + 6)) for x, y in points]
    if len(spots) > 1:
        draw.line(spots, fill=colour, width=2)
    for x, y in spots:
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
