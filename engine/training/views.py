"""What the understanding model and the ranker see of the world's films, cached for `sft` and `dpo`.

A shard `views-000250.safetensors` lies beside the latents of the same seeds:

    ends      (n, 6, 64, 128, 3) uint8   each end frame at the size at which it is read
    features  (n, 12, 128) float         unit CLIP features of every frame, in film order
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.step2.ranking import FrameRanker
from engine.training.context import TEMPLATE
from engine.training.latents import SHARD
from engine.training.shards import fingerprint, read_shards, write_shard
from engine.world.render import render
from engine.world.story import new_shots, new_story


@torch.inference_mode()
def view_shard(ranker: FrameRanker, folder: Path, first: int, count: int = SHARD) -> Path:
    """Looks at the films of `count` seeds, unless this ranker's shard is there with as many."""

    def make() -> dict[str, Tensor]:
        films = [_view_film(ranker, seed) for seed in range(first, first + count)]
        ends, features = (torch.stack(parts) for parts in zip(*films, strict=True))
        return {"ends": ends, "features": features}

    return write_shard(folder, "views", first, count, fingerprint(ranker.clip), make)


def _view_film(ranker: FrameRanker, seed: int) -> tuple[Tensor, Tensor]:
    story = new_story(seed)
    frames = np.stack([render(story, shot, t) for shot in new_shots(story) for t in (0, 1)])
    ends = np.stack([np.asarray(TEMPLATE.picture(Image.fromarray(frame))) for frame in frames[1::2]])
    return torch.from_numpy(ends), ranker.frame_features(frames)


class Views:
    """The views of the shards in a folder, by seed, which must be of that ranker; `refresh` picks up shards
    that were written since.
    """

    def __init__(self, folder: Path, ranker: FrameRanker) -> None:
        self.folder, self.maker = folder, fingerprint(ranker.clip)
        self.ends: dict[int, Tensor] = {}  # seed -> (6, 64, 128, 3) bytes
        self.features: dict[int, Tensor] = {}  # seed -> (12, 128)
        self._shards: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        for first, shard in read_shards(self.folder, "views", self.maker, self._shards):
            for k in range(len(shard["features"])):
                self.ends[first + k] = shard["ends"][k]
                self.features[first + k] = shard["features"][k]

    def end(self, seed: int, i: int) -> Image.Image:
        """The end frame of shot i, as the understanding model reads it."""
        return Image.fromarray(self.ends[seed][i].numpy())
