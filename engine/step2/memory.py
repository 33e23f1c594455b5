"""Multi-shot memory pack (STAGE, eq. 1): M_i = SpatialTile_j P(m'_j, 2^-j).

Earlier frames are ranked and tiled into one canvas of a single frame's size, so the cost of the history is
one extra frame of tokens, however long the film is. Which frame gets which rank says engine.step2.packing,
where each rank lies engine.step2.tiling. What stays empty is zero, the mean of a normalised latent.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.step2.latents import PATCH
from engine.step2.tiling import tiles


def tile(latents: Tensor, h: int, w: int) -> Tensor:
    """The packed memory canvas of ranked latents: (..., n, C, 2h, 2w) -> (..., C, 2h, 2w), by area averaging.

    `latents` come in order of rank; those without a tile are left out. An all-zero latent is the same as an
    absent one, so a batch may hold histories of different lengths, padded with zeros. n = 0 gives the empty
    canvas.
    """
    *lead, n, C, H, W = latents.shape
    if (h * PATCH, w * PATCH) != (H, W):
        raise ValueError(f"latents of {H}x{W} do not fit a canvas of {h}x{w} packed tokens")
    flat = latents.reshape(math.prod(lead), n, C, H, W)  # B n C H W
    canvas = flat.new_zeros(flat.shape[0], C, H, W)
    for j, t in enumerate(tiles(n, h, w)):
        y, x, th, tw = t.y * PATCH, t.x * PATCH, t.h * PATCH, t.w * PATCH
        canvas[:, :, y : y + th, x : x + tw] = F.interpolate(flat[:, j], size=(th, tw), mode="area")
    return canvas.reshape(*lead, C, H, W)


def empty_canvas(batch: int, channels: int, h: int, w: int, like: Tensor) -> Tensor:
    """The memory of a film's first shot: zeros, (B, C, 2h, 2w)."""
    return torch.zeros(batch, channels, h * PATCH, w * PATCH, dtype=like.dtype, device=like.device)
