"""Which frame of the memory bank gets which tile of the pack (STAGE, eq. 1). Needs no torch.

So what a shot would remember can be said anywhere, once the similarities of its bank are known.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.step2.conditions import MemoryFrame, PackedFrame
from engine.step2.tiling import tiles


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


MAX_WHOLE = 3


def whole(
    bank: Sequence[MemoryFrame], similarity: Sequence[float | None], h: int, w: int
) -> list[tuple[int, PackedFrame]]:
    """The same for a model that takes one to three whole pictures, with an equal share each."""
    order = rank(bank, similarity)[:MAX_WHOLE]
    packed = []
    for j, i in enumerate(order):
        m, width = bank[i], w // len(order)
        box = (0, j * width, h, width)
        packed.append(
            (i, PackedFrame(m.key, m.frame.sha256, j + 1, 1 / len(order), similarity[i], m.pinned, box))
        )
    return packed
