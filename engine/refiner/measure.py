"""What moves between the two frames of a pair: camera shift and scale, light, and where the rest moves.

A global similarity (scale about the centre, then a shift) is found by trying scales and phase-correlating
edges for each; it is believed only where it explains the second frame clearly better than no motion at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.errors import BadInput
from engine.pictures import read_picture

Gray = npt.NDArray[np.float32]  # H x W, 0 to 1

WIDTH = 192  # frames are compared at this width: fine enough for a head, coarse enough to be quick
STEP = 0.08  # between the logarithms of the scales tried first; their best is then refined
SCALES = tuple(sorted((float(np.exp(STEP * i)) for i in range(-5, 6)), key=lambda s: abs(float(np.log(s)))))
CHANGED = 0.10  # a pixel whose light differs by more than this has changed
BETTER = 0.90  # an alignment must leave at most this much of the difference
UNRELATED = 0.35  # correlation of aligned frames below which no one motion explains them


@dataclass(frozen=True)
class PairMotion:
    """The measured difference of a pair.

    `dx`, `dy`: how far the picture's content moves, in frame widths and heights (right and down are
    positive). `scale`: how much larger it gets. `light`: change of mean brightness, -1 to 1. `moved`: share
    of the frame that still differs after the camera is taken out. `where`: (column, row) of the frame's
    thirds in which most of that lies, or None. `travel`: how far the centre of change goes sideways from
    the first frame to the second, in frame widths. `related`: whether one camera move can explain the two
    frames at all.
    """

    dx: float
    dy: float
    scale: float
    light: float
    moved: float
    where: tuple[int, int] | None
    travel: float
    related: bool


def measure_pair(start: Path, end: Path) -> PairMotion:
    """Measures a pair of pictures of the same size. Raises BadInput where one is not a picture."""
    first, second = _load(start), _load(end)
    if first.shape != second.shape:
        raise BadInput("The start and the end frame have different shapes: redraw the shot.")
    light = float(second.mean() - first.mean())
    level_first, level_second = _level(first), _level(second)
    dx, dy, scale, aligned, valid = _align(level_first, level_second)
    difference = np.abs(aligned - level_second) * valid
    spread = float(level_second[valid].std()) or 1.0
    changed = difference > CHANGED * max(1.0, spread / 0.2)
    related = _correlation(aligned[valid], level_second[valid]) >= UNRELATED
    height, width = first.shape
    return PairMotion(
        dx=dx / width,
        dy=dy / height,
        scale=scale,
        light=light,
        moved=float(changed.sum() / max(1, valid.sum())),
        where=_third(difference * changed),
        travel=_travel(aligned, level_second, changed),
        related=related,
    )


def _load(path: Path) -> Gray:
    image = read_picture(path)
    height = max(8, round(image.height * WIDTH / image.width))
    small = image.convert("L").resize((WIDTH, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _level(frame: Gray) -> Gray:
    """Without its mean: a change of light is no motion."""
    return (frame - frame.mean()).astype(np.float32)


def _align(first: Gray, second: Gray) -> tuple[float, float, float, Gray, npt.NDArray[np.bool_]]:
    """(dx, dy, scale, first frame moved so, pixels that both show); the identity if none helps."""
    everywhere = np.ones(first.shape, dtype=bool)
    still = float(np.abs(first - second).mean())
    best = (0.0, 0.0, 1.0, first, everywhere)
    best_cost = still
    target = np.fft.rfft2(_edges(second))
    fine = [float(np.exp(STEP * i / 4)) for i in (-3, -2, -1, 1, 2, 3)]
    for rounds in (SCALES, fine):
        centre = best[2] if rounds is fine else 1.0
        for factor in rounds:
            scale = centre * factor
            scaled, _ = _warp(first, scale, 0.0, 0.0)
            dx, dy = _shift(_edges(scaled), target)
            if abs(dx) > 0.4 * first.shape[1] or abs(dy) > 0.4 * first.shape[0]:
                continue
            moved, valid = _warp(first, scale, dx, dy)
            if valid.mean() < 0.4:
                continue
            cost = float(np.abs(moved - second)[valid].mean())
            # A larger motion needs more evidence, or flat pictures would seem to fly about.
            far = abs(dx) / first.shape[1] + abs(dy) / first.shape[0] + abs(float(np.log(scale)))
            cost *= 1 + 0.1 * far
            if cost < best_cost:
                best, best_cost = (dx, dy, scale, moved, valid), cost
    if best_cost > BETTER * still:
        return 0.0, 0.0, 1.0, first, everywhere
    return best


def _warp(frame: Gray, scale: float, dx: float, dy: float) -> tuple[Gray, npt.NDArray[np.bool_]]:
    """The frame scaled about its centre, then shifted (in pixels), and where it has pixels."""
    height, width = frame.shape
    cx, cy = (width - 1) / 2, (height - 1) / 2
    inverse = (1 / scale, 0, cx - (cx + dx) / scale, 0, 1 / scale, cy - (cy + dy) / scale)
    method, sampling = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    moved = Image.fromarray(frame).transform((width, height), method, inverse, sampling)
    mask = Image.new("L", (width, height), 255).transform((width, height), method, inverse)
    return np.asarray(moved, dtype=np.float32), np.asarray(mask) > 127


def _edges(frame: Gray) -> Gray:
    """Strength of edges under a window that fades at the border, for phase correlation."""
    gy, gx = np.gradient(frame)
    height, width = frame.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    return (np.hypot(gx, gy) * window).astype(np.float32)


def _shift(first: Gray, target: npt.NDArray[np.complexfloating]) -> tuple[float, float]:
    """The shift in pixels that carries `first` onto the frame of spectrum `target`, by phase correlation."""
    spectrum = target * np.conj(np.fft.rfft2(first))
    surface = np.fft.irfft2(spectrum / (np.abs(spectrum) + 1e-6), s=first.shape)
    peak = int(np.argmax(surface))
    y, x = divmod(peak, first.shape[1])
    dy = y - first.shape[0] if y > first.shape[0] // 2 else y
    dx = x - first.shape[1] if x > first.shape[1] // 2 else x
    return float(dx), float(dy)


def _correlation(a: Gray, b: Gray) -> float:
    spread = float(a.std() * b.std())
    if spread < 1e-6:
        return 1.0 if float(np.abs(a - b).mean()) < 0.02 else 0.0
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)


def _third(weight: Gray) -> tuple[int, int] | None:
    """(column, row) of the third of the frame with the most weight; None where there is none."""
    total = float(weight.sum())
    if total <= 0:
        return None
    height, width = weight.shape
    cells = [
        (
            float(
                weight[r * height // 3 : (r + 1) * height // 3, c * width // 3 : (c + 1) * width // 3].sum()
            ),
            c,
            r,
        )
        for r in range(3)
        for c in range(3)
    ]
    _, column, row = max(cells)
    return column, row


def _travel(first: Gray, second: Gray, changed: npt.NDArray[np.bool_]) -> float:
    """Sideways way of what moves, in frame widths: from where the figure was to where it is now.

    What left the changed area is what differs there from the typical background in the first frame, what
    came is the same in the second; the background is guessed as the median of the column's surroundings in
    both frames.
    """
    if changed.sum() < 12:
        return 0.0
    background = np.median(np.concatenate([first[~changed], second[~changed]])) if (~changed).any() else 0.0
    columns = np.arange(first.shape[1], dtype=np.float32)[None, :]
    was = np.abs(first - background) * changed
    now = np.abs(second - background) * changed
    if was.sum() < 1e-3 or now.sum() < 1e-3:
        return 0.0
    way = float((now * columns).sum() / now.sum() - (was * columns).sum() / was.sum())
    return way / first.shape[1]
