"""Pictures between two frames: both are warped toward a moment and blended, aware of what hides what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.video.camera import Field, grid
from engine.video.flow import Motion, Plane

Picture = Sequence[NDArray[Any]]
"""The planes of a picture, each of its own size: luma and chroma, or one RGB plane."""

NOTHING = 1e-5  # weight of a frame where it has nothing to show
ALONE = 0.05  # weight of what has no partner in the other frame, beside what has one


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
        # Trusted pixels fade in proportion to time; what one frame alone knows wins outright; where both
        # frames show things without a partner, they change over quickly about the middle, for a long fade
        # would show both.
        change = float(np.clip((moment - 0.3) / 0.4, 0, 1)) if self._motion.alike else moment
        change = change * change * (3 - 2 * change)
        # Never zero: what one frame alone knows is better than nothing.
        change = 0.98 * change + 0.02 * moment
        weight_start = (met_start + NOTHING) * (1 - moment) + ALONE * alone_start * (1 - change)
        weight_end = (met_end + NOTHING) * moment + ALONE * alone_end * change
        share = weight_start / (weight_start + weight_end)
        planes: list[NDArray[Any]] = []
        for i, (first, last) in enumerate(zip(self._start, self._end, strict=True)):
            size = (first.shape[1], first.shape[0])
            fade = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
            one, other = self._warp(first, to_start, i), self._warp(last, to_end, i)
            planes.append(cv2.blendLinear(one, other, fade, 1 - fade))
        return planes

    def _warp(self, plane: NDArray[Any], field: Field, i: int) -> NDArray[Any]:
        size = (plane.shape[1], plane.shape[0])
        at = cv2.resize(field * self._scales[i], size, interpolation=cv2.INTER_LINEAR)
        cv2.add(at, self._grids[i], at)
        return cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]


class _Carrier:
    """Carries a frame's pixels along their motion to a moment: forward warping with a depth order."""

    def __init__(self, field: Field, trust: Plane, depth: Plane) -> None:
        self._shape = trust.shape
        # Pixels are written in this order, so that the last one stays where several arrive together: pixels
        # without a partner, the background, what is in front of it.
        order = np.argsort((trust * (1 + depth)).ravel(), kind="stable")
        self._from = grid(*trust.shape).reshape(-1, 2)[order]
        self._vectors = field.reshape(-1, 2)[order]
        # What arrives: displacement x and y, trust, and that something came.
        self._cargo = np.column_stack([self._vectors, trust.ravel()[order], np.ones(trust.size, np.float32)])

    def to(self, moment: float) -> tuple[Field, Plane, Plane]:
        """The picture at a moment, from the time of this frame (0) to the time of the other one (1).

        Returns:
            For every pixel, the displacement to its origin in the frame, and how much arrives there: from
            pixels that have a partner, and from pixels that have none, both in [0, 1].
        """
        height, width = self._shape
        at = np.floor(self._from + (moment * self._vectors + 0.5)).astype(np.int32)
        x, y = at[:, 0], at[:, 1]
        inside = np.flatnonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
        target = (y * width + x)[inside]
        arrived = np.zeros((height * width, 4), np.float32)
        arrived[target] = self._cargo[inside]
        arrived = arrived.reshape(height, width, 4)
        hit = arrived[..., 3:]
        # A stretched surface leaves pinholes, which take the mean of their neighbours; what was uncovered
        # leaves real holes, which take the motion of what is around them and show nothing of this frame.
        near, wide = cv2.blur(arrived, (3, 3)), cv2.blur(arrived, (25, 25))
        pinhole = near[..., 3:] > 0.4
        filled = np.where(pinhole, near / (near[..., 3:] + 1e-6), wide / (wide[..., 3:] + 1e-6))
        planes = np.where(hit > 0, arrived, filled)
        there = np.clip(
            2.5 * cv2.blur(np.maximum(hit, pinhole)[..., 0].astype(np.float32), (3, 3)) - 1.5, 0, 1
        )
        trust = cv2.blur(planes[..., 2], (3, 3))
        displacement = np.dstack([_without_dots(planes[..., i], 2) for i in (0, 1)])
        met, alone = (_without_dots(weight, 1) for weight in (there * trust, there * (1 - trust)))
        return -moment * displacement, met, alone


def _without_dots(plane: Plane, times: int) -> Plane:
    """A plane without single pixels that move, or count, unlike all around them. Where two motions meet they
    land between each other and would be seen as a dotted lattice; edges stay where they are.
    """
    plane = np.ascontiguousarray(plane, np.float32)
    for _ in range(times):
        plane = cv2.medianBlur(plane, 5)
    return plane
