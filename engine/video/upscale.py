"""From a profile's native size to a size that a film can be shown at."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[Any]
"""Height x width x 3, 8-bit RGB."""


class Upscaler(Protocol):
    """Enlarges a frame."""

    name: str

    def upscale(self, frame: Frame, width: int, height: int) -> Frame:
        """The frame at `width` x `height` pixels, which is not smaller than the frame."""
        ...


class LanczosUpscaler:
    """Windowed-sinc interpolation: exact about what is there, and invents nothing."""

    name = "lanczos"

    def upscale(self, frame: Frame, width: int, height: int) -> Frame:
        if (width, height) == (frame.shape[1], frame.shape[0]):
            return frame
        return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_LANCZOS4), np.uint8)
