"""Takes: every drawing of the selected shot; pick the one that the film uses."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, News, ShotEvent
from studio.ui.panel import Panel


class TakeEvent(ShotEvent):
    take: str


def takes(desk: Desk) -> Panel:
    """Lays the strip out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="takes", name="Takes")

    def choose(owner: str, event: TakeEvent) -> News:
        desk.studio.pick(owner, event.take)
        return desk.details(owner, event.shot)

    desk.on(panel.choose, TakeEvent, choose)
    return panel
