"""Stored frames and pixels: PNG files in, PNG files out, without metadata and always the same bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from engine.pictures import read_picture
from engine.step2.conditions import KeptFrame, StoredFrame


def stored(path: Path) -> StoredFrame:
    """The identity of a picture file on disk: the SHA-256 of its bytes."""
    return StoredFrame(hashlib.sha256(path.read_bytes()).hexdigest(), path)


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture at width x height: scaled to cover, centre-cropped. Unchanged when it has that size
    already.
    """
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    crop_w, crop_h = width / scale, height / scale  # the part of the picture that is seen, in its own pixels
    left, top = (image.width - crop_w) / 2, (image.height - crop_h) / 2
    box = (left, top, left + crop_w, top + crop_h)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)


def read_frame(frame: StoredFrame, width: int, height: int) -> np.ndarray:
    """The stored picture as uint8 (height, width, 3). Raises BadInput when it is gone or not a picture."""
    return np.asarray(fit(read_picture(frame.path), width, height))


def cropped(frames: Sequence[StoredFrame], width: int, height: int) -> list[Image.Image]:
    """Pictures of a pack as the canvas has them. Raises BadInput as `read_frame`."""
    return [fit(read_picture(frame.path), width, height) for frame in frames]


def png(frame: np.ndarray) -> bytes:
    """uint8 (H, W, 3) -> a PNG file with no metadata: the same pixels always give the same bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame), "RGB").save(out, "PNG", compress_level=6)
    return out.getvalue()


def kept_file(kept: KeptFrame, width: int, height: int) -> bytes:
    """A kept frame as a PNG file of that size: the very file that it was, where it has the size already.

    It never goes through the VAE, which would change it a little each time.
    """
    image = read_picture(kept.frame.path)
    if image.size == (width, height):
        return kept.frame.path.read_bytes()
    return png(np.asarray(fit(image, width, height)))
