"""The plainest clip there is: the start frame stands, dissolves, and the end frame stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import Cancelled
from engine.story import FrameRate, Movement
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from engine.video.film_size import film_size
from engine.video.pair import read_pair
from engine.video.timing import moments
from engine.video.upscale import LanczosUpscaler, Upscaler
from engine.watched import IsCancelled, Report

HOLD = 0.25  # part of the shot that each frame stands still


class DissolveRenderer:
    """For pairs between which nothing can be measured to move, such as two compositions of one moment."""

    name = "dissolve"

    def __init__(self, upscaler: Upscaler | None = None) -> None:
        self._upscaler: Upscaler = upscaler or LanczosUpscaler()

    def render(
        self,
        refined: str,
        start: Path,
        end: Path,
        *,
        movement: Movement,
        frames: int,
        rate: FrameRate,
        out: Path,
        seed: int = 0,
        on_frame: Report | None = None,
        cancelled: IsCancelled | None = None,
    ) -> None:
        """See `engine.video.renderer.ClipRenderer.render`."""
        first, last = read_pair(start, end)
        width, height = film_size(first.shape[1], first.shape[0])
        planes = [to_planes(self._upscaler.upscale(frame, width, height)) for frame in (first, last)]
        one, other = (packed(*picture).astype(np.float32) for picture in planes)
        with clip_writer(out, width, height, rate) as write:
            for i, moment in enumerate(moments(frames), 1):
                if cancelled is not None and cancelled():
                    raise Cancelled("Rendering of the clip was stopped.")
                share = min(1.0, max(0.0, (moment - HOLD) / (1 - 2 * HOLD)))
                write(np.rint(one + share * (other - one)).astype(np.uint8))
                if on_frame is not None:
                    on_frame(i, frames)
