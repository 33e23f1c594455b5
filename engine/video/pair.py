"""The two frames of a pair as a renderer reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import BadInput
from engine.pictures import read_picture
from engine.video.upscale import Frame


def read_pair(start: Path, end: Path) -> tuple[Frame, Frame]:
    """Both frames, height x width x 3, 8-bit RGB.

    Raises:
        BadInput: one is not a picture, or the two differ in size.
    """
    first, last = (np.asarray(read_picture(path), np.uint8) for path in (start, end))
    if first.shape != last.shape:
        raise BadInput(
            f"The two frames of the pair differ in size: {first.shape[1]}x{first.shape[0]} and "
            f"{last.shape[1]}x{last.shape[0]}; redraw the shot."
        )
    return first, last
