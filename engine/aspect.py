"""Shapes of a film, and the one size in pixels that all of its frames have. Needs no torch.

A latent cell is 8 pixels and a packed token 2x2 cells, so both sides are multiples of 16: a film has one
such bucket for all its frames, or its memory could not be tiled.
"""

from __future__ import annotations

import math
from enum import Enum

MULTIPLE = 16


class Aspect(str, Enum):
    """Width to height, as filmmakers say it."""

    WIDE = "16:9"
    SCOPE = "2.39:1"
    ACADEMY = "4:3"
    SQUARE = "1:1"
    PORTRAIT = "9:16"

    @property
    def ratio(self) -> float:
        """Width over height."""
        across, down = self.value.split(":")
        return float(across) / float(down)


# Sizes that the Qwen-Image family was trained at; other areas and shapes are computed.
TRAINED = {
    Aspect.WIDE: (1664, 928),
    Aspect.ACADEMY: (1472, 1104),
    Aspect.SQUARE: (1328, 1328),
    Aspect.PORTRAIT: (928, 1664),
}
NATIVE_AREA = 1664 * 928


def bucket(aspect: Aspect, area: float = NATIVE_AREA) -> tuple[int, int]:
    """(width, height) in pixels of a frame of about `area` pixels, both multiples of 16.

    At the native area it is the size that the models were trained at, where there is one.
    """
    if area == NATIVE_AREA and aspect in TRAINED:
        return TRAINED[aspect]
    height = math.sqrt(area / aspect.ratio)
    width = height * aspect.ratio
    return _near(width), _near(height)


def _near(side: float) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
