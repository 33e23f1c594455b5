"""How a pair is put into the frame of a model that makes other sizes, and how its clip is taken out again.

Nothing of the pair is ever cropped. A model's frame of nearly the same aspect (its sides come in whole
multiples) gets the pair squeezed by at most `SQUEEZE`, and the clip is stretched back by as much. In any
other frame the pair sits whole between black bars, which are cut off the clip again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.video.upscale import Frame, LanczosUpscaler, Upscaler

SQUEEZE = 0.04  # of the aspect: invisible, and undone afterwards
BLEED = 4  # rows or columns of the picture's edge that run on into a bar, so that no black bleeds in


@dataclass(frozen=True)
class Framing:
    """A model's frame of `width` x `height` pixels, with the picture at `x`, `y`, `across` x `down`."""

    width: int
    height: int
    x: int
    y: int
    across: int
    down: int

    @classmethod
    def of(cls, pair: tuple[int, int], model: tuple[int, int]) -> Framing:
        """The place of a pair of one size in a model's frame of another one (width, height)."""
        (w, h), (width, height) = pair, model
        if abs((width / height) / (w / h) - 1) <= SQUEEZE:
            return cls(width, height, 0, 0, width, height)
        scale = min(width / w, height / h)
        # Colour is stored at half the size in video: even edges keep bars out of the picture's colours.
        across, down = (
            min(side, 2 * round(length * scale / 2)) for side, length in ((width, w), (height, h))
        )
        return cls(width, height, (width - across) // 4 * 2, (height - down) // 4 * 2, across, down)

    @property
    def barred(self) -> bool:
        return (self.across, self.down) != (self.width, self.height)

    def put(self, frame: Frame, upscaler: Upscaler | None = None) -> Frame:
        """A frame of the pair in the model's frame; `upscaler` enlarges it where that is needed."""
        picture = resized(frame, self.across, self.down, upscaler)
        if not self.barred:
            return picture
        right, bottom = self.width - self.x - self.across, self.height - self.y - self.down
        bars = ((self.y, bottom), (self.x, right))
        bleeds = [(min(BLEED, before), min(BLEED, after)) for before, after in bars]
        rest = [(b[0] - e[0], b[1] - e[1]) for b, e in zip(bars, bleeds, strict=True)]
        edged = np.pad(picture, [*bleeds, (0, 0)], mode="edge")
        return np.pad(edged, [*rest, (0, 0)])

    def take(self, frame: Frame, width: int, height: int, upscaler: Upscaler | None = None) -> Frame:
        """The picture of a frame of the clip, without its bars, at the film's size."""
        scaled = resized(frame, self.width, self.height)
        picture = scaled[self.y : self.y + self.down, self.x : self.x + self.across]
        return resized(picture, width, height, upscaler)


def resized(frame: Frame, width: int, height: int, upscaler: Upscaler | None = None) -> Frame:
    """A frame at another size: averaged where it shrinks, interpolated (or upscaled) where it grows."""
    if (width, height) == (frame.shape[1], frame.shape[0]):
        return frame
    if width <= frame.shape[1] and height <= frame.shape[0]:
        return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return (upscaler or LanczosUpscaler()).upscale(np.ascontiguousarray(frame), width, height)
