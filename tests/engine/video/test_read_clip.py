"""What a service sends as pictures: the colours that were sent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.story import FrameRate
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from engine.video.remote.renderer import read_clip


def test_colours_are_read_without_a_bias(tmp_path: Path) -> None:
    """ffmpeg's fast way from YUV to RGB made every clip of a service a level darker than its pair."""
    small = np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(small, (640, 320), interpolation=cv2.INTER_CUBIC), np.uint8)
    with clip_writer(tmp_path / "c.mp4", 640, 320, FrameRate()) as write:
        for _ in range(2):
            write(packed(*to_planes(picture)))
    for frame in read_clip(tmp_path / "c.mp4"):
        bias = (frame.astype(float) - picture).mean((0, 1))
        assert np.abs(bias).max() < 0.5
