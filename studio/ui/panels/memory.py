"""Memory: the pack that the shot was drawn with, as it was tiled; pin and ban frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.story import FrameSide
from studio.ui.desk import Desk, ShotEvent
from studio.ui.panel import Panel


class FrameEvent(ShotEvent):
    side: FrameSide


def memory(desk: Desk) -> Panel:
    """Lays the panel out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="memory", name="Memory")
    studio = desk.studio

    def marking(mark: Callable[[str, str, str, FrameSide], None]) -> Callable[[str, FrameEvent], None]:
        return lambda owner, event: mark(owner, event.project_id, event.shot, event.side)

    desk.on(panel.pin, FrameEvent, marking(studio.pin))
    desk.on(panel.unpin, FrameEvent, marking(studio.unpin))
    desk.on(panel.ban, FrameEvent, marking(studio.ban))
    desk.on(panel.unban, FrameEvent, marking(studio.unban))
    return panel
