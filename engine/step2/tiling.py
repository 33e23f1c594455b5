"""The layout of the memory pack (STAGE, eq. 1): the frame of rank j gets the area 2^-j. Needs no torch.

The free rest of the canvas is halved along its width, then along its height, in turn (left half, top of the
right half, left of the rest, ...).

Packed grids do not always halve evenly (83x83, 6x10): a tile takes the floor, the rest keeps the ceiling.
When one axis is down to a single token the other is halved; when both are, the next tile would be below one
packed token and vanishes, so a grid of 4x8 tokens remembers 5 frames and one of a megapixel about 12. After n
even halvings, 2^-n of the canvas stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.y, self.x, self.h, self.w


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
