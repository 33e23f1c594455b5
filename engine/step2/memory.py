"""Multi-shot memory pack (STAGE, eq. 1): M_i = SpatialTile_j P(m'_j, 2^-j).

Earlier frames are ranked and tiled into one canvas of a single frame's size, so the cost of the history is
one extra frame of tokens, however long the film is. Where each rank lies says engine.step2.tiling. What stays
empty is zero, the mean of a normalised latent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.step2.conditions import MemoryFrame, PackedFrame
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


def rank(bank: Sequence[MemoryFrame], similarity: Sequence[float | None]) -> list[int]:
    """Indices into the bank, best first: pinned frames, then by similarity to D_i.

    The bank is unordered ("disorderly collected"), so ties fall by content hash and key, never by position.
    The same picture under several keys counts once (the pinned one, if any): a second copy would waste half
    of the rest.
    """
    if len(bank) != len(similarity):
        raise ValueError("one similarity (or None) is needed for each frame of the bank")

    def order(i: int) -> tuple[bool, float, str, str]:
        s = similarity[i]
        return (not bank[i].pinned, -s if s is not None else 2.0, bank[i].frame.sha256, bank[i].key)

    seen: set[str] = set()
    ranked: list[int] = []
    for i in sorted(range(len(bank)), key=order):
        if bank[i].frame.sha256 not in seen:
            seen.add(bank[i].frame.sha256)
            ranked.append(i)
    return ranked


def layout(
    bank: Sequence[MemoryFrame], similarity: Sequence[float | None], h: int, w: int
) -> list[tuple[int, PackedFrame]]:
    """(index into the bank, how it is packed) in order of rank, for those frames that get a tile."""
    order = rank(bank, similarity)
    packed = []
    for j, (i, t) in enumerate(zip(order, tiles(len(order), h, w), strict=False)):
        m = bank[i]
        share = t.area / (h * w)
        packed.append((i, PackedFrame(m.key, m.frame.sha256, j + 1, share, similarity[i], m.pinned, t.box)))
    return packed


def empty_canvas(batch: int, channels: int, h: int, w: int, like: Tensor) -> Tensor:
    """The memory of a film's first shot: zeros, (B, C, 2h, 2w)."""
    return torch.zeros(batch, channels, h * PATCH, w * PATCH, dtype=like.dtype, device=like.device)
