"""How far colours jump at a cut: the end frame of a shot beside the start frame of the next."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.pictures import read_picture

ROWS, COLUMNS = 4, 8


def colour_shift(end: Path, start: Path) -> float:
    """Mean colour difference of two pictures: CIE 1976 delta E in L*a*b*, over a grid of 4 x 8 fields.

    About 2 is just seen, 10 is clearly another light or another place. The fields are large, so that detail
    does not count. Raises BadInput for a picture that cannot be read.
    """
    one, other = (_lab(path) for path in (end, start))
    return float(np.linalg.norm(one - other, axis=2).mean())


def _lab(path: Path) -> np.ndarray:
    """Mean L*, a*, b* of each field, float32 (4, 8, 3)."""
    rgb = np.asarray(read_picture(path), np.float32) / 255
    small = cv2.resize(rgb, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2Lab), np.float32)
