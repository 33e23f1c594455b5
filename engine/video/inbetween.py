"""Pictures between two frames: both are warped toward a moment and blended, aware of what hides what."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.video.camera import Field, grid
from engine.video.flow import Motion, Plane

Picture = Sequence[NDArray[np.uint8]]
"""The planes of a picture, each of its own size: luma and chroma, or one RGB plane."""

NOTHING = 1e-4  # weight of a frame where it has nothing to show


class Inbetweener:
    """Draws the pictures between two frames, given the motion measured at working size."""

    def __init__(self, start: Picture, end: Picture, motion: Motion) -> None:
        self._start, self._end, self._motion = start, end, motion
        height, width = motion.forward.shape[:2]
        self._forward = _Carrier(motion.forward, motion.trust_forward, motion.depth_forward)
        self._backward = _Carrier(motion.backward, motion.trust_backward, motion.depth_backward)
        self._grids = [grid(*plane.shape[:2]) for plane in start]
        self._scales = [
            np.array([plane.shape[1] / width, plane.shape[0] / height], np.float32) for plane in start
        ]

    def at(self, moment: float) -> Picture:
        """The picture at a moment in [0, 1]; 0 and 1 are the two frames themselves."""
        moment = float(moment)  # a NumPy scalar would widen every array
        if moment <= 0:
            return self._start
        if moment >= 1:
            return self._end
        to_start, met_start, alone_start = self._forward.to(moment)
        to_end, met_end, alone_end = self._backward.to(1 - moment)
        # Trusted pixels fade in proportion to time; what one frame alone knows wins outright; where both frames show
        # things without a partner, they change over quickly about the middle, for a long fade would show both.
        change = float(np.clip((moment - 0.3) / 0.4, 0, 1)) if self._motion.alike else moment
        change = change * change * (3 - 2 * change)
        weight_start = (met_start + NOTHING) * (1 - moment) + alone_start * (1 - change)
        weight_end = (met_end + NOTHING) * moment + alone_end * change
        share = weight_start / (weight_start + weight_end)
        planes: list[NDArray[np.uint8]] = []
        for i, (first, last) in enumerate(zip(self._start, self._end, strict=True)):
            size = (first.shape[1], first.shape[0])
            fade = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
            one, other = self._warp(first, to_start, i), self._warp(last, to_end, i)
            planes.append(cv2.blendLinear(one, other, fade, 1 - fade))
        return planes

    def _warp(self, plane: NDArray[np.uint8], field: Field, i: int) -> NDArray[np.uint8]:
        size = (plane.shape[1], plane.shape[0])
        at = cv2.resize(field * self._scales[i], size, interpolation=cv2.INTER_LINEAR)
        cv2.add(at, self._grids[i], at)
        return cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class _Carrier:
    """Carries a frame's pixels along their motion to a moment: forward splatting (Niklaus & Liu, 2020)."""

    def __init__(self, field: Field, trust: Plane, depth: Plane) -> None:
        self._shape = trust.shape
        self._from = grid(*trust.shape).reshape(-1, 2)
        self._vectors = field.reshape(-1, 2)
        # Where two things arrive together, the one in front decides.
        importance = (0.02 + trust * (1 + 30 * depth)).ravel()
        self._values = [importance, importance * trust.ravel()]
        self._values += [importance * self._vectors[:, i] for i in (0, 1)]

    def to(self, moment: float) -> tuple[Field, Plane, Plane]:
        """The picture at a moment, from the time of this frame (0) to the time of the other one (1).

        Returns:
            For every pixel, the displacement to its origin in the frame, and how much arrives there: from pixels
            that have a partner, and from pixels that have none, both in [0, 1].
        """
        height, width = self._shape
        at = np.rint(self._from + moment * self._vectors).astype(np.int64)
        x, y = at[:, 0], at[:, 1]
        inside = np.flatnonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
        target = (y * width + x)[inside]
        weight, partnered, *origin = (self._splat(target, values[inside]) for values in self._values)
        there = np.minimum(weight / 0.02, 1)
        # Holes take the motion of what is around them.
        missing = np.minimum(weight / 0.01, 1)
        known = 1 / (weight + 1e-6)
        wide = 1 / (cv2.blur(weight, (21, 21)) + 1e-6)
        field = np.dstack(
            [missing * o * known + (1 - missing) * cv2.blur(o, (21, 21)) * wide for o in origin]
        )
        partnered *= known
        return -moment * field, there * partnered, 0.05 * there * (1 - partnered)

    def _splat(self, target: NDArray[np.int64], values: NDArray[np.float32]) -> Plane:
        height, width = self._shape
        plane = np.bincount(target, values, height * width).astype(np.float32).reshape(height, width)
        return cv2.GaussianBlur(plane, (5, 5), 0.7)
