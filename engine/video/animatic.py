"""The built-in renderer: a pair becomes an animatic that moves from its start frame to its end frame."""

from __future__ import annotations

from pathlib import Path

from engine.errors import Cancelled
from engine.story import FrameRate, Movement
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from engine.video.film_size import film_size
from engine.video.flow import measure
from engine.video.inbetween import Inbetweener
from engine.video.pair import read_pair
from engine.video.timing import moments
from engine.video.upscale import Frame, LanczosUpscaler, Upscaler
from engine.watched import IsCancelled, Report


class AnimaticRenderer:
    """Camera motion and optical flow between the two frames of a pair, at the film's size.

    Motion is measured at a small working size; the enlarged pair is warped, so that an upscaler works on two
    frames a shot and not on every frame. It reads the picture and the asked movement, not the refined
    description.
    """

    name = "animatic"

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
        between = self.inbetweener(first, last, movement, width, height)
        with clip_writer(out, width, height, rate) as write:
            for i, moment in enumerate(moments(frames), 1):
                if cancelled is not None and cancelled():
                    raise Cancelled("Rendering of the clip was stopped.")
                write(packed(*between.at(moment)))
                if on_frame is not None:
                    on_frame(i, frames)

    def inbetweener(
        self, first: Frame, last: Frame, movement: Movement, width: int, height: int
    ) -> Inbetweener:
        """Ready to draw any moment between two native frames, at `width` x `height`."""
        motion = measure(first, last, movement)
        large = [self._upscaler.upscale(frame, width, height) for frame in (first, last)]
        return Inbetweener(to_planes(large[0]), to_planes(large[1]), motion)
