"""RGB to the planes that H.264 stores: BT.709, video range, colour at half the size (NV12).

Warping these planes instead of RGB halves the work of every frame in between, and the encoder takes them as
they are.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane8 = NDArray[Any]

_KR, _KB = 0.2126, 0.0722  # ITU-R BT.709
_KG = 1 - _KR - _KB


def to_planes(frame: NDArray[Any]) -> tuple[Plane8, Plane8]:
    """Luma (height x width) and chroma (height/2 x width/2 x 2) of an RGB frame with even sides.

    Chroma sits on the left column of each square of four pixels, as H.264 assumes when nothing else is said.
    """
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"colour at half the size needs even sides, not {width}x{height}")
    rgb = frame.astype(np.float32) / 255
    luma = rgb @ np.array([_KR, _KG, _KB], np.float32)
    blue = (rgb[..., 2] - luma) / (2 * (1 - _KB))
    red = (rgb[..., 0] - luma) / (2 * (1 - _KR))
    chroma = cv2.sepFilter2D(
        np.dstack([blue, red]),
        -1,
        np.array([0.25, 0.5, 0.25], np.float32),
        np.array([1], np.float32),
        borderType=cv2.BORDER_REPLICATE,
    )[:, ::2]
    chroma = (chroma[::2] + chroma[1::2]) / 2
    return np.rint(16 + 219 * luma).astype(np.uint8), np.rint(128 + 224 * chroma).astype(np.uint8)


def packed(luma: Plane8, chroma: Plane8) -> Plane8:
    """Both planes as one NV12 picture of 1.5 height x width bytes."""
    height, width = luma.shape
    return np.concatenate([luma, chroma.reshape(height // 2, width)])
