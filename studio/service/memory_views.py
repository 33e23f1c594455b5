"""Views of what a shot remembers, and of what it would remember now."""

from __future__ import annotations

from engine.story import FrameSide
from studio.service.parts import View


class PackedView(View):
    """One frame of a memory pack, as the model got it."""

    key: str
    """What people read: "2E" is the end of (today's) shot 2; "ref:Fisherman" an uploaded picture."""
    url: str
    sha256: str
    rank: int
    share: float
    """Part of the pack's area, 0..1."""
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int]
    """y, x, h, w in packed tokens."""
    shot_id: str | None
    """The shot that this frame came from; None when that shot is unknown here."""
    side: FrameSide | None
    current: bool
    """Whether that shot still shows this very frame."""
    later: bool = False
    """The shot came later in the film when it was drawn: a snapshot."""


class MemoryView(View):
    """The pack recorded with the picked take of a shot. `grid` is its size in tokens (height, width)."""

    shot_id: str
    take_id: str | None
    grid: tuple[int, int]
    packed: tuple[PackedView, ...]
    previous_end: str | None
    """Url of the end frame that this take continued from."""


class PreviewView(View):
    """The pack that a shot would be drawn with now, beside the one of its picked take."""

    shot_id: str
    missing: int
    """Similarities that nobody has worked out yet; while there are some, the pack is not known (empty)."""
    working: bool
    """They are being worked out: a job for it waits or runs."""
    grid: tuple[int, int]
    packed: tuple[PackedView, ...]
    same: bool
    """The same frames with the same ranks and shares as the picked take was drawn with."""
