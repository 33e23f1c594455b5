"""The film: render and export, look at it, take it home."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, Event
from studio.ui.panel import Panel


def film(desk: Desk) -> Panel:
    """Lays the film drawer out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="film", tag="div")

    def make(owner: str, event: Event) -> None:
        desk.studio.export(owner, event.project_id)

    def halt(owner: str, event: Event) -> None:
        for job in desk.studio.jobs(owner, event.project_id):
            if job.active and job.kind.value == "export":
                desk.studio.cancel(owner, job.id)

    desk.on(panel.make, Event, make)
    desk.on(panel.halt, Event, halt)
    return panel
