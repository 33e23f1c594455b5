"""Views of what a shot would remember now."""

from __future__ import annotations

from studio.service.views import PackedView, View


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
