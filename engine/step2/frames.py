"""Stored frames and pixels: PNG files in, PNG files out, without metadata and always the same bytes."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.errors import BadInput
from engine.step2.conditions import StoredFrame


def stored(path: Path) -> StoredFrame:
    """The identity of a picture file on disk: the SHA-256 of its bytes."""
    return StoredFrame(hashlib.sha256(path.read_bytes()).hexdigest(), path)


def read_image(frame: StoredFrame) -> Image.Image:
    """The stored picture as 8-bit RGB, whole and at its own size.

    Raises BadInput when the file is gone or is not a picture.
    """
    try:
        with Image.open(frame.path) as image:
            return image.convert("RGB")
    except FileNotFoundError as e:
        raise BadInput(
            f"The picture {frame.path.name} is not there any more: choose or draw it again."
        ) from e
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as e:
        raise BadInput(f"{frame.path.name} is not a picture that can be read: use a PNG or JPEG file.") from e


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
    """The stored picture as uint8 (height, width, 3)."""
    return np.asarray(fit(read_image(frame), width, height))


def png(frame: np.ndarray) -> bytes:
    """uint8 (H, W, 3) -> a PNG file with no metadata: the same pixels always give the same bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame), "RGB").save(out, "PNG", compress_level=6)
    return out.getvalue()
