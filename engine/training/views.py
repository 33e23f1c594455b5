"""What the understanding model and the ranker see of the world's films, cached for the stages that learn
films.

A shard `views-000250.safetensors` lies beside the latents of the same seeds:

    tokens    (n, 12, 2, 32, 128) half   picture tokens of every frame, in film order: as it is, and as a
                                         model might have drawn it
    features  (n, 12, 128) float         unit CLIP features of every frame
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.step2.ranking import FrameRanker
from engine.training.latents import SHARD
from engine.training.shards import fingerprint, read_shards, write_shard
from engine.training.sight import as_drawn, picture_tokens
from engine.world.render import render
from engine.world.story import new_shots, new_story

Frame = tuple[int, int]  # the seed of a film, and which of its frames


def viewer_of(ranker: FrameRanker, visual: nn.Module) -> str:
    """The fingerprint of what looks at the films."""
    return fingerprint(ranker.clip, visual)


@torch.inference_mode()
def view_shard(ranker: FrameRanker, visual: nn.Module, folder: Path, first: int, count: int = SHARD) -> Path:
    """Looks at the films of `count` seeds, unless a shard of these viewers is there with as many."""

    def make() -> dict[str, Tensor]:
        films = [_view_film(ranker, visual, seed) for seed in range(first, first + count)]
        tokens, features = (torch.stack(parts) for parts in zip(*films, strict=True))
        return {"tokens": tokens, "features": features}

    return write_shard(folder, "views", first, count, viewer_of(ranker, visual), make)


def _view_film(ranker: FrameRanker, visual: nn.Module, seed: int) -> tuple[Tensor, Tensor]:
    story, r = new_story(seed), random.Random(seed)
    frames = np.stack([render(story, shot, t) for shot in new_shots(story) for t in (0, 1)])
    pixels = torch.from_numpy(frames)
    tokens = [picture_tokens(visual, x).half() for x in (pixels.float(), as_drawn(pixels, r))]
    return torch.stack(tokens, 1), ranker.frame_features(frames)


class Views:
    """The views of the shards in a folder, by seed, which must be of those viewers; `refresh` picks up shards
    that were written since.
    """

    def __init__(self, folder: Path, ranker: FrameRanker, visual: nn.Module) -> None:
        self.folder, self.maker = folder, viewer_of(ranker, visual)
        self.tokens: dict[int, Tensor] = {}  # seed -> (12, 2, 32, 128) half
        self.features: dict[int, Tensor] = {}  # seed -> (12, 128)
        self._shards: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        for first, shard in read_shards(self.folder, "views", self.maker, self._shards):
            for k in range(len(shard["features"])):
                self.tokens[first + k] = shard["tokens"][k]
                self.features[first + k] = shard["features"][k]

    def picture(self, frame: Frame, r: random.Random | None = None) -> Tensor:
        """Picture tokens (32, 128) of a frame, as it is; with `r`, half of them as a model might draw it."""
        seed, k = frame
        return self.tokens[seed][k, 0 if r is None else r.randrange(2)].float()
