"""From a profile's native size to a size that a film can be shown at."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[Any]
"""Height x width x 3, 8-bit RGB."""

FILM_WIDTH = 1280


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


def film_size(width: int, height: int) -> tuple[int, int]:
    """The size of the film for native frames of `width` x `height` pixels: at least 1280 wide, both sides
    even.

    H.264 with 4:2:0 colour needs even sides. A frame that is wide enough keeps its size (less an odd pixel).
    """
    factor = max(1.0, FILM_WIDTH / width)
    return 2 * round(width * factor / 2 - 1e-9), 2 * round(height * factor / 2 - 1e-9)
