"""Drawing: the selected shots, or all that are missing or stale; takes, what to keep, and the recipe."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from engine.story import FrameSide
from studio.ui.desk import Desk, Event, News, notice
from studio.ui.panel import Panel

MAX_TAKES = 4


class DrawEvent(Event):
    shots: tuple[str, ...] = Field(min_length=1)
    takes: int = Field(1, ge=1, le=MAX_TAKES)
    keep: FrameSide | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None


def draw(desk: Desk) -> Panel:
    """Lays the draw controls out and wires them. What is out of range, the service says in one sentence."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="draw", name="Draw")

    def selected(owner: str, event: DrawEvent) -> None:
        desk.studio.draw(
            owner,
            event.shots,
            takes=event.takes,
            seed=event.seed,
            steps=event.steps,
            guidance=event.guidance,
            keep=event.keep,
        )

    def missing(owner: str, event: Event) -> News | None:
        if desk.studio.draw_all_stale(owner, event.project_id):
            return None
        return notice("Every shot is drawn and says what its words say.")

    desk.on(panel.selected, DrawEvent, selected)
    desk.on(panel.missing, Event, missing)
    return panel
