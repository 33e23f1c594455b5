"""Everything that is stale or may drift, with the reasons: keep a picture, draw one again, draw all of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from studio.ui.desk import Desk, Event, ShotEvent
from studio.ui.panel import Panel


class AgainEvent(Event):
    shots: tuple[str, ...] = Field(min_length=1)


def stale(desk: Desk) -> Panel:
    """Lays the list out, behind a button that is there while something is stale, and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="stale", tag="div")

    def again(owner: str, event: AgainEvent) -> None:
        desk.studio.draw(owner, event.shots)

    def accept(owner: str, event: ShotEvent) -> None:
        desk.studio.keep(owner, event.shot)

    desk.on(panel, "again", AgainEvent, again)
    desk.on(panel, "accept", ShotEvent, accept)
    return panel
