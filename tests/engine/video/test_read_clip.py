"""What a service sends as pictures: the colours that were sent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.story import FrameRate
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from engine.video.remote.renderer import MOST_BYTES, read_clip
from engine.video.renderers import RENDERERS


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


def test_what_a_clip_takes_of_memory_is_bounded(tmp_path: Path) -> None:
    """By bytes: three thousand frames of 1920x1080, which were allowed, take 19 GB."""
    picture = np.zeros((320, 640, 3), np.uint8)
    with clip_writer(tmp_path / "c.mp4", 640, 320, FrameRate()) as write:
        for _ in range(4):
            write(packed(*to_planes(picture)))
    assert len(read_clip(tmp_path / "c.mp4", most=4 * picture.nbytes)) == 4
    with pytest.raises(ValueError, match=r"its frames of 640x320 take more than .* of memory"):
        read_clip(tmp_path / "c.mp4", most=4 * picture.nbytes - 1)


def test_every_service_s_longest_clip_is_within_the_bound() -> None:
    longest = [r.lengths.longest for r in RENDERERS.values() if r.kind.remote and r.lengths]
    assert longest
    assert 1920 * 1080 * 3 * max(longest) < MOST_BYTES
