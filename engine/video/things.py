"""Things that went far between two frames: who walks across a third of the picture is out of reach of optical
flow, and is looked up by template matching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.video.camera import Image, Matrix, difference, displacement, edges, gather, invert

Plane = NDArray[Any]

BAD = 0.05  # error from which on the camera's move does not explain a pixel
WIDE = 0.25  # frame widths: an unexplained region from here on may be somebody in two places
SAME = 2.0  # pixels: motions that differ by less are one
SMALLEST = 0.0015  # of the picture: what is less is grain


@dataclass(frozen=True)
class Thing:
    """One of them: its motion, and where it was seen `before` in the first frame and `after` in the second
    (bool, height x width; all False where it was looked up from the other side only).
    """

    matrix: Matrix
    before: Plane
    after: Plane

    def back(self) -> Thing:
        """The same from the second frame to the first."""
        return Thing(invert(self.matrix), self.after, self.before)


def find_things(a: Image, b: Image, matrix: Matrix) -> list[Thing]:
    """Things that went far between two frames, given the camera's move: unexplained regions of either frame,
    looked up in the other one.
    """
    found = _lookups(a, b, matrix)
    found += [thing.back() for thing in _lookups(b, a, invert(matrix))]
    kept: list[Thing] = []
    for thing in found:  # equals would share what speaks for them, and lose to what is alone
        for i, other in enumerate(kept):
            if np.abs(thing.matrix - other.matrix).max() <= SAME:
                kept[i] = Thing(other.matrix, other.before | thing.before, other.after | thing.after)
                break
        else:
            kept.append(thing)
    return kept


def _lookups(a: Image, b: Image, matrix: Matrix) -> list[Thing]:
    height, width = a.shape[:2]
    seen, inside = gather(b, displacement(matrix, height, width))
    wrong = np.where(inside, difference(a, seen), 0).astype(np.float32) > BAD
    unexplained = cv2.morphologyEx(wrong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    joined = cv2.morphologyEx(unexplained, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    largest = sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA]))[:4]
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    strong, strong_seen = edges(a), edges(seen)
    found = []
    for i in largest:
        left, y, wide, h, area = (int(v) for v in stats[i])
        if area < SMALLEST * height * width:
            continue
        for x, w in _parts(left, wide, width):
            here = np.s_[y : y + h, x : x + w]
            mask = (labels[here] == i) & (unexplained[here] > 0)
            if min(w, h) < 6 or w > 0.7 * width or not _owns(strong[here], strong_seen[here], mask):
                continue
            best = _lookup(a[here], mask.astype(np.float32), b, zoom)
            if best is not None:
                scale, dx, dy = best
                before = np.zeros((height, width), bool)
                before[here] = mask
                move = np.array([[scale, 0, dx - scale * x], [0, scale, dy - scale * y]], np.float32)
                found.append(Thing(move, before, np.zeros_like(before)))
    return found


def _owns(strong: Plane, strong_seen: Plane, mask: Plane) -> bool:
    """Whether what makes a region unexplained is in this frame, whose edges then run along the outline. If
    not, the thing is in the other frame, and here is the ground that it hides there: that went nowhere.
    """
    outline = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return bool(strong[outline].sum() > strong_seen[outline].sum())


def _parts(x: int, w: int, width: int) -> list[tuple[int, int]]:
    """(x, width) of what is looked up for an unexplained region: itself, and its two sides where it is wide,
    since where somebody was and where somebody is going may be one region.
    """
    parts = [(x, w)]
    if w > WIDE * width:
        side = round(0.55 * w)
        parts += [(x, side), (x + w - side, side)]
    return parts


def _lookup(patch: Image, mask: Plane, image: Image, zoom: float) -> tuple[float, float, float] | None:
    """Scale and position (x, y) of a masked patch in an image, or None when it is nowhere to be seen."""
    best: tuple[float, float, float] | None = None
    most = 0.55  # of the patch must be found again
    for scale in sorted({1.0, zoom, zoom * 0.85, zoom * 1.18}):
        w, h = round(patch.shape[1] * scale), round(patch.shape[0] * scale)
        if w < 6 or h < 6 or w > image.shape[1] or h > image.shape[0]:
            continue
        template = cv2.resize(patch, (w, h), interpolation=cv2.INTER_LINEAR)
        weight = cv2.resize(mask, (w, h), interpolation=cv2.INTER_LINEAR)
        x, y = _place(template, weight, image)
        error = difference(template, image[y : y + h, x : x + w])
        again = float(((error < 0.07) * weight).sum() / max(1e-6, weight.sum()))
        if again > most + 0.02:
            most, best = again, (scale, float(x), float(y))
    return best


def _place(template: Image, weight: Plane, image: Image) -> tuple[int, int]:
    """Where (x, y) a masked template fits best: everywhere at half size, then about there at full size."""
    h, w = weight.shape
    small, less, field = (
        cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in (template, weight, image)
    )
    coarse = cv2.matchTemplate(field, small, cv2.TM_SQDIFF, mask=np.dstack([less] * 3))
    _, _, (x, y), _ = cv2.minMaxLoc(coarse)
    left, top = max(0, 2 * x - 3), max(0, 2 * y - 3)
    near = image[top : top + h + 6, left : left + w + 6]
    if near.shape[0] < h or near.shape[1] < w:
        left, top = min(left, image.shape[1] - w), min(top, image.shape[0] - h)
        near = image[top : top + h, left : left + w]
    fine = cv2.matchTemplate(near, template, cv2.TM_SQDIFF, mask=np.dstack([weight] * 3))
    _, _, (dx, dy), _ = cv2.minMaxLoc(fine)
    return left + dx, top + dy
