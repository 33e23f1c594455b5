"""Sample sheets: what a stage has learnt, above the truth, on held-out films."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from PIL import Image
from torch import Tensor

from engine.metrics.held_out import draw_film, held_out_films, true_film
from engine.step2.latents import decode_frames, encode_frames, shift_sigma, to_bytes, to_pixels
from engine.step2.memory import tile
from engine.step2.pipeline import Step2Pipeline
from engine.training.latents import GRID, PACKED, Films
from engine.training.transformer import CHANNELS, SlotConditionedModel, frame_velocity
from engine.world.annotate import NULL_IDS, slot_ids, slots
from engine.world.splits import FILMS_HELD_OUT
from engine.world.story import SHOTS


@torch.no_grad()
def sample(
    model: SlotConditionedModel,
    ids: Tensor,
    memory: Tensor,
    steps: int = 12,
    guidance: float = 2.0,
    shift: float = 0.405,
    seed: int = 0,
) -> Tensor:
    """Pairs of slot ids (B, 16) and memory (B, C, H, W) by Euler steps with guidance -> (B, 2, C, H, W)."""
    B = len(ids)
    x = torch.randn(B, 2, CHANNELS, *GRID, generator=torch.Generator().manual_seed(seed))
    told, blank = model.slots(ids), model.slots(torch.tensor([NULL_IDS] * B))
    sigmas = shift_sigma(torch.linspace(1, 0, steps + 1), shift)
    for now, then in pairwise(sigmas):
        both = torch.cat([told, blank])
        v = frame_velocity(
            model.transformer, torch.cat([x, x]), torch.cat([memory, memory]), both, now.expand(2 * B)
        )
        conditional, free = v.chunk(2)
        x = x + (then - now) * (free + guidance * (conditional - free))
    return x


@torch.no_grad()
def reconstruction_sheet(
    vae: AutoencoderKLQwenImage, frames: np.ndarray, path: Path, columns: int = 6
) -> None:
    """Frames (n, H, W, 3) after one way through the VAE, each row above its truth."""
    rows = []
    for k in range(0, len(frames) - columns + 1, columns):
        row = frames[k : k + columns]
        rows += [to_bytes(decode_frames(vae, encode_frames(vae, to_pixels(row)))), row]
    _save([np.concatenate(list(row), 1) for row in rows], path)


def pipeline_sheet(pipe: Step2Pipeline, count: int, shots: int, path: Path) -> None:
    """Held-out films of the stages, not those of the evaluation, as the pipeline draws them: starts above
    ends, and the truth below.
    """
    rows = []
    for film in held_out_films(count, FILMS_HELD_OUT, shots):
        for pairs in (draw_film(pipe, film), true_film(film)):
            rows += [np.concatenate(list(pairs[:, side]), 1) for side in range(2)]
    _save(rows, path)


@torch.no_grad()
def film_sheet(
    model: SlotConditionedModel,
    vae: AutoencoderKLQwenImage,
    films: Films,
    seeds: Sequence[int],
    path: Path,
    truth: bool = True,
    remember: bool = True,
) -> None:
    """A row a film: pairs of six shots, each with the film's own drawn frames as memory; truth below."""
    drawn: dict[int, list[Tensor]] = {seed: [] for seed in seeds}
    for i in range(SHOTS):
        ids, memory = [], []
        for seed in seeds:
            story, shots = films.film(seed)
            order = films.memory_order(seed, i) if remember else []
            ids.append(slot_ids(slots(story, shots[i], films.seen(seed, films.memory_order(seed, i)))))
            earlier = [drawn[seed][j] for j in order]
            frames = torch.stack(earlier) if earlier else torch.zeros(0, CHANNELS, *GRID)
            memory.append(tile(frames, *PACKED))
        pairs = sample(model, torch.tensor(ids), torch.stack(memory), seed=i)
        for seed, pair in zip(seeds, pairs, strict=True):
            drawn[seed] += list(pair)
    rows = []
    for seed in seeds:
        rows.append(torch.stack(drawn[seed]))
        if truth:
            rows.append(films.latents[seed].float())
    _save([np.concatenate(list(to_bytes(decode_frames(vae, row))), 1) for row in rows], path)


def _save(rows: Sequence[np.ndarray], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, 0)).save(path)
