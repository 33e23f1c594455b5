"""Feature extractors of the consistency metrics, and which one a figure was made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.metrics.consistency import Array, unit
from engine.step2.ranking import FrameRanker
from engine.world.camera import HEIGHT, WIDTH
from engine.world.render import Box, figure_boxes
from engine.world.story import Story, WorldShot

SMALLEST = 8  # pixels: a figure of which less is in the frame is left out


@dataclass(frozen=True)
class WorldFeatures:
    """The checkpoint's own small CLIP on frames of the world.

    VBench takes DINO for subjects and CLIP for backgrounds, both trained on photographs. Here the subject is
    known exactly: SC sees each figure's box, cut out, and BC the whole frame, through the same tower.
    """

    ranker: FrameRanker

    @property
    def name(self) -> str:
        v = self.ranker.config.vision_cfg
        return (
            f"mini CLIP ({v['layers']} layers, width {v['width']}, {self.ranker.config.embed_dim} features)"
        )

    def frames(self, frames: np.ndarray) -> Array:
        """uint8 (n, H, W, 3) -> unit features (n, D) of whole frames."""
        return self.ranker.frame_features(frames).numpy()

    def figures(self, story: Story, shot: WorldShot, pair: np.ndarray) -> dict[int, Array]:
        """Person -> unit features (2, D) of the figure at the start and at the end, for those in frame."""
        boxes = [figure_boxes(story, shot, t) for t in (0.0, 1.0)]
        found = {}
        for k, index in enumerate(shot.who):
            crops = [_crop(frame, at[k]) for frame, at in zip(pair, boxes, strict=True)]
            if all(min(crop.shape[:2]) >= SMALLEST for crop in crops):
                found[index] = np.concatenate([self.frames(crop[None]) for crop in crops])
        return found

    def words(self, texts: Sequence[str]) -> Array:
        """Unit features (n, D) of the shots' descriptions."""
        return unit(self.ranker.text_features(list(texts)).numpy())


def _crop(frame: np.ndarray, box: Box) -> np.ndarray:
    x0, y0, x1, y1 = (int(np.clip(v, 0, m)) for v, m in zip(box, (WIDTH, HEIGHT) * 2, strict=True))
    return frame[y0:y1, x0:x1]
