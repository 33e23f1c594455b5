"""Cached latents of world films: rendered and encoded once, read by every later stage.

A shard `latents-000250.safetensors` holds the films of the seeds from its number on: (n, 12, C, H, W), frames
in film order (start and end of six shots), normalised by the VAE's latent statistics, in half precision.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from torch import Tensor

from engine.step2.latents import encode_frames, to_pixels
from engine.step2.memory import tile
from engine.training.shards import fingerprint, read_shards, write_shard
from engine.world.annotate import NULL_IDS, UNTOLD, slot_ids, slots
from engine.world.camera import HEIGHT, WIDTH
from engine.world.render import figure_boxes, render
from engine.world.story import Story, WorldShot, new_shots, new_story

SHARD = 50
CELL = 16  # pixels per latent cell
GRID = (HEIGHT // CELL, WIDTH // CELL)  # 8 x 16 latent cells
PACKED = (GRID[0] // 2, GRID[1] // 2)  # 4 x 8 packed tokens
FIGURE_WEIGHT = 2.0  # the loss counts the latent cells of figures twice


def encoder_of(vae: AutoencoderKLQwenImage) -> str:
    """The fingerprint of what latents depend on: the encoder and its statistics, not the decoder."""
    return fingerprint(
        vae.encoder, vae.quant_conv, salt=f"{vae.config.latents_mean} {vae.config.latents_std}"
    )


@torch.inference_mode()
def encode_shard(vae: AutoencoderKLQwenImage, folder: Path, first: int, count: int = SHARD) -> Path:
    """Renders and encodes the films of `count` seeds, unless this encoder's shard is there with as many."""

    def make() -> dict[str, Tensor]:
        films = []
        for seed in range(first, first + count):
            story = new_story(seed)
            frames = np.stack([render(story, shot, t) for shot in new_shots(story) for t in (0, 1)])
            films.append(encode_frames(vae, to_pixels(frames)).half())
        return {"latents": torch.stack(films)}

    return write_shard(folder, "latents", first, count, encoder_of(vae), make)


@dataclass(frozen=True)
class Sample:
    """One example: x (F, C, H, W) clean frames, memory (C, H, W), slot ids, loss weights (F, 1, H, W)."""

    x: Tensor
    memory: Tensor
    ids: Sequence[int]
    weight: Tensor


class Films:
    """Films of the shards in a folder, which must be of that encoder (`encoder_of`); `refresh` picks up
    shards that were written since.
    """

    def __init__(self, folder: Path, encoder: str) -> None:
        self.folder, self.encoder = folder, encoder
        self.latents: dict[int, Tensor] = {}  # seed -> (12, C, H, W) half
        self.seeds: list[int] = []
        self._films: dict[int, tuple[Story, tuple[WorldShot, ...]]] = {}
        self._shards: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        for first, shard in read_shards(self.folder, "latents", self.encoder, self._shards):
            for i, film in enumerate(shard["latents"]):
                self.latents[first + i] = film
                self.seeds.append(first + i)

    def __len__(self) -> int:
        return len(self.seeds)

    def film(self, seed: int) -> tuple[Story, tuple[WorldShot, ...]]:
        if seed not in self._films:
            story = new_story(seed)
            self._films[seed] = (story, new_shots(story))
        return self._films[seed]

    def pair(self, seed: int, i: int) -> Tensor:
        """Start and end latents of shot i, (2, C, H, W)."""
        return self.latents[seed][2 * i : 2 * i + 2].float()

    def memory_order(self, seed: int, i: int, r: random.Random | None = None) -> list[int]:
        """Earlier frames of shot i, most telling first: who and where, and how large; jittered by `r`.

        A stand-in for the CLIP ranking, which prefers the same things but needs a trained ranker.
        """
        _, shots = self.film(seed)
        size = {"extreme long shot": 0.0, "long shot": 0.6, "medium shot": 0.9, "close-up": 0.5}
        scores = []
        for j in range(2 * i):
            other = shots[j // 2]
            score = 1.5 * len(set(other.who) & set(shots[i].who)) + 1.2 * (
                other.location == shots[i].location
            )
            score += size[other.scale] + 0.02 * j + (r.gauss(0, 0.5) if r else 0.0)
            scores.append(score)
        return sorted(range(2 * i), key=lambda j: -scores[j])

    def memory(self, seed: int, i: int, order: Sequence[int] | None = None) -> Tensor:
        """The memory canvas of shot i, (C, H, W)."""
        order = self.memory_order(seed, i) if order is None else order
        return tile(self.latents[seed][list(order)].float(), *PACKED)

    def seen(self, seed: int, order: Sequence[int], visible: int = 4) -> set[int]:
        """The people whom the first tiles of a pack show."""
        _, shots = self.film(seed)
        return {person for j in order[:visible] for person in shots[j // 2].who}

    def weights(
        self, seed: int, i: int, stressed: Collection[int] = (), stress: float = FIGURE_WEIGHT
    ) -> Tensor:
        """Loss weights of a pair, (2, 1, H, W): figures count more, and those in `stressed` by `stress`."""
        story, shots = self.film(seed)
        weight = torch.ones(2, 1, *GRID)
        for t in (0, 1):
            for person, box in zip(shots[i].who, figure_boxes(story, shots[i], t), strict=True):
                limits = (GRID[1], GRID[0]) * 2
                x0, y0, x1, y1 = (
                    int(np.clip(round(v / CELL), 0, m)) for v, m in zip(box, limits, strict=True)
                )
                weight[t, :, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = (
                    stress if person in stressed else FIGURE_WEIGHT
                )
        return weight

    def sample(
        self,
        r: random.Random,
        text_dropout: float = 0.1,
        memory_dropout: float = 0.15,
        g: torch.Generator | None = None,
    ) -> Sample:
        """A random shot with the dropouts that guidance and the ablations need; `g` gives the noise."""
        seed, i = r.choice(self.seeds), draw_shot(r)
        story, shots = self.film(seed)
        order: list[int] = []
        if i and r.random() >= memory_dropout:
            order = self.memory_order(seed, i, r)
            if r.random() < 0.3:
                r.shuffle(order)
        # looks are told at the first appearance, and now and then later, as a filmmaker's cast card does
        seen = self.seen(seed, order) if r.random() < 0.6 else set()
        if not order and i and r.random() < 0.2:
            seen = {0, 1}
        ids = slot_ids(forget(slots(story, shots[i], seen), r))
        if r.random() < text_dropout:
            ids = list(NULL_IDS)
        memory = self.memory(seed, i, order)
        if order:  # inference feeds its own frames: a little noise teaches not to trust every value
            noise = torch.randn(memory.shape, generator=g)
            memory = memory + noise * (memory != 0) * (0.15 * r.random())
        return Sample(self.pair(seed, i), memory, ids, self.weights(seed, i))

    def batch(self, r: random.Random, size: int, **options: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 2, C, H, W) pairs, (B, C, H, W) memory, (B, 16) slot ids, (B, 2, 1, H, W) loss weights; the
        options are those of `sample`.
        """
        samples = [self.sample(r, **options) for _ in range(size)]
        return (
            torch.stack([s.x for s in samples]),
            torch.stack([s.memory for s in samples]),
            torch.tensor([list(s.ids) for s in samples]),
            torch.stack([s.weight for s in samples]),
        )


def draw_shot(r: random.Random) -> int:
    """Which shot of a film: one with a memory worth reading twice as often as the first and the second."""
    return r.choice((0, 1, 2, 2, 3, 3, 4, 4, 5, 5))


# how often a prompt leaves a slot untold, by position: words seldom say where in the frame somebody stands
_FORGET = {1: 0.04, 2: 0.04, 3: 0.05, 4: 0.04, 5: 0.06, 7: 0.10, 8: 0.35, 9: 0.05, 10: 0.08, 11: 0.05}


def forget(values: Sequence[str], r: random.Random) -> list[str]:
    """Leaves some of what a prompt might not say untold."""
    return [UNTOLD if r.random() < _FORGET.get(k, 0.0) else v for k, v in enumerate(values)]
