"""The viewer: the pair, the cut to the next shot, the clip, and the animatic with its transport."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, ShotEvent
from studio.ui.panel import Panel


def viewer(desk: Desk) -> Panel:
    """Lays the viewer out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="viewer", name="Viewer")

    def accept(owner: str, event: ShotEvent) -> None:
        desk.studio.keep(owner, event.shot)

    desk.on(panel.accept, ShotEvent, accept)
    return panel
