"""Pictures to test motion with: textured scenes seen by a camera that moves, and a figure that walks."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frame = NDArray[np.uint8]
WIDTH, HEIGHT = 256, 128


def scenery(seed: int = 0, width: int = 512, height: int = 256) -> Frame:
    """A drawn landscape, larger than a frame: flat colours with many edges."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2] = (120, 180, 230)
    picture[height // 2 :] = (90, 150, 80)
    for _ in range(60):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = int(rng.integers(8, 40)), int(rng.integers(8, 40))
        colour = tuple(int(c) for c in rng.integers(30, 230, 3))
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1, cv2.LINE_AA)
    return picture


def seen(picture: Frame, zoom: float = 1.0, x: float = 0.0, y: float = 0.0) -> Frame:
    """What a camera sees of a scenery: content enlarged about the centre, then shifted by (x, y) pixels."""
    cx, cy = (picture.shape[1] - 1) / 2, (picture.shape[0] - 1) / 2
    tx, ty = (WIDTH - 1) / 2 + x - zoom * cx, (HEIGHT - 1) / 2 + y - zoom * cy
    matrix = np.array([[zoom, 0, tx], [0, zoom, ty]], np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA), np.uint8)


def walker(frame: Frame, x: int) -> Frame:
    """A frame with a small striped figure at column x."""
    out = frame.copy()
    cv2.rectangle(out, (x - 7, 74), (x + 7, 104), (220, 30, 40), -1)
    cv2.rectangle(out, (x - 7, 84), (x + 7, 88), (250, 240, 90), -1)
    cv2.circle(out, (x, 64), 10, (250, 215, 185), -1, cv2.LINE_AA)
    cv2.circle(out, (x + 3, 62), 2, (20, 20, 20), -1, cv2.LINE_AA)
    return out


def png(frame: Frame) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    return buffer.getvalue()


def saved(folder: Path, name: str, frame: Frame) -> Path:
    path = folder / name
    path.write_bytes(png(frame))
    return path


def decoded(clip: Path) -> list[Frame]:
    """Every frame of a clip, as RGB."""
    import imageio_ffmpeg

    reader = imageio_ffmpeg.read_frames(
        str(clip), pix_fmt="rgb24", output_params=["-fps_mode", "passthrough"]
    )
    width, height = next(reader)["source_size"]
    return [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]


def error(a: Frame, b: Frame) -> float:
    """Mean absolute difference of two pictures, in levels of 255."""
    return float(np.abs(a.astype(np.float32) - b.astype(np.float32)).mean())
