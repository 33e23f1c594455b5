"""Multi-shot memory pack (STAGE, eq. 1): M_i = SpatialTile_j P(m'_j, 2^-j).

Earlier frames are ranked and tiled into one canvas of a single frame's size, so the cost of the history is
one extra frame of tokens, however long the film is. The frame of rank j gets the area 2^-j: the free rest is
halved along its width, then along its height, in turn (left half, top of the right half, left of the rest,
...).

Packed grids do not always halve evenly (83x83, 6x10): a tile takes the floor, the rest keeps the ceiling.
When one axis is down to a single token the other is halved; when both are, the next tile would be below one
packed token and vanishes, so a grid of 4x8 tokens remembers 5 frames and one of a megapixel about 12. What
stays empty is zero, the mean of a normalised latent; after n even halvings that is 2^-n of the canvas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.step2.conditions import MemoryFrame, PackedFrame
from engine.step2.latents import PATCH


@dataclass(frozen=True)
class Tile:
    """A rectangle of the canvas in packed tokens."""

    y: int
    x: int
    h: int
    w: int

    @property
    def area(self) -> int:
        return self.h * self.w


def tiles(n: int, h: int, w: int) -> list[Tile]:
    """The boxes of the first n ranks on a canvas of h x w packed tokens; fewer when the grid is too small.

    The box of a rank does not depend on n, so one layout serves every length of history.
    """
    found: list[Tile] = []
    y = x = 0
    across = True  # whose turn: the width first, then the height
    while len(found) < n and h * w > 1:
        if w > 1 and (across or h == 1):
            found.append(Tile(y, x, h, w // 2))
            x, w = x + w // 2, w - w // 2
        else:
            found.append(Tile(y, x, h // 2, w))
            y, h = y + h // 2, h - h // 2
        across = not across
    return found


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
        box = (t.y, t.x, t.h, t.w)
        packed.append(
            (i, PackedFrame(m.key, m.frame.sha256, j + 1, t.area / (h * w), similarity[i], m.pinned, box))
        )
    return packed


def empty_canvas(batch: int, channels: int, h: int, w: int, like: Tensor) -> Tensor:
    """The memory of a film's first shot: zeros, (B, C, 2h, 2w)."""
    return torch.zeros(batch, channels, h * PATCH, w * PATCH, dtype=like.dtype, device=like.device)
