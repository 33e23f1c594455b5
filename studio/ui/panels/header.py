"""The header: projects, title, saved state, undo and redo, jobs."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, Event, News, notice
from studio.ui.panel import Panel


class TitleEvent(Event):
    title: str


class HistoryEvent(Event):
    command: int | None = None


class JobEvent(Event):
    job: str


def header(desk: Desk) -> Panel:
    """Lays the header out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="header", tag="header")
    studio = desk.studio

    def rename(owner: str, event: TitleEvent) -> News:
        studio.edit_project(owner, event.project_id, title=event.title)
        return desk.projects(owner)

    def undo(owner: str, event: HistoryEvent) -> News:
        done = studio.undo(owner, event.project_id, event.command)
        return notice(_told("Undone", done.label, done.kept))

    def redo(owner: str, event: HistoryEvent) -> News:
        done = studio.redo(owner, event.project_id, event.command)
        return notice(_told("Done again", done.label, done.kept))

    def start(owner: str, event: Event) -> News:
        made = studio.create_project(owner)
        return desk.opened(owner, made.head.id)

    def remove(owner: str, event: Event) -> News:
        studio.delete_project(owner, event.project_id)
        left = studio.projects(owner)
        found = left[0].id if left else studio.create_project(owner).head.id
        return desk.opened(owner, found)

    def restore(owner: str, event: Event) -> News:
        studio.restore_project(owner, event.project_id)
        return desk.opened(owner, event.project_id)

    def cancel(owner: str, event: JobEvent) -> None:
        studio.cancel(owner, event.job)

    def retry(owner: str, event: JobEvent) -> None:
        studio.retry(owner, event.job)

    def listing(owner: str, event: Event) -> News:
        return desk.projects(owner)

    desk.on(panel.rename, TitleEvent, rename)
    desk.on(panel.stepback, HistoryEvent, undo)
    desk.on(panel.stepforward, HistoryEvent, redo)
    desk.on(panel.begin, Event, start)
    desk.on(panel.discard, Event, remove)
    desk.on(panel.recover, Event, restore)
    desk.on(panel.listing, Event, listing)
    desk.on(panel.cancel, JobEvent, cancel)
    desk.on(panel.again, JobEvent, retry)
    return panel


def _told(verb: str, label: str, kept: int) -> str:
    """What an undo did; it leaves alone what somebody changed since."""
    if kept:
        return f"{verb}: {label}. {kept} newer change{'s were' if kept > 1 else ' was'} left as it is."
    return f"{verb}: {label}."
