"""Takes: every drawing of the selected shot; pick, compare, lock, reject, note, draw again exactly, purge."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, Event, News, ShotEvent, notice, told
from studio.ui.panel import Panel


class TakeEvent(ShotEvent):
    take: str


class MentionEvent(TakeEvent):
    """What is said about a take; what is not given stays."""

    locked: bool | None = None
    rejected: bool | None = None
    note: str | None = None


def takes(desk: Desk) -> Panel:
    """Lays the strip out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="takes", name="Takes")
    studio = desk.studio

    def choose(owner: str, event: TakeEvent) -> News:
        studio.pick(owner, event.take)
        return desk.details(owner, event.shot)

    def mention(owner: str, event: MentionEvent) -> News:
        studio.edit_take(owner, event.take, locked=event.locked, rejected=event.rejected, note=event.note)
        return desk.details(owner, event.shot)

    def repeat(owner: str, event: TakeEvent) -> News:
        job = studio.draw_again(owner, event.take)
        return notice(f"“{job.title}” waits for its turn; the new take says whether it is the same.")

    def weigh(owner: str, event: TakeEvent) -> News:
        news = desk.details(owner, event.shot)
        news["details"]["purge"] = studio.purge_plan(owner, event.take).model_dump(mode="json")
        return news

    def purge(owner: str, event: TakeEvent) -> News:
        gone = studio.purge(owner, event.take)
        return {**desk.details(owner, event.shot), **notice(f"{gone.label} is gone for good.")}

    def prefer(owner: str, event: Event) -> News:
        found = studio.preferences(owner, event.project_id)
        return told("preferences", found)

    desk.on(panel, "prefer", Event, prefer)
    desk.on(panel, "choose", TakeEvent, choose)
    desk.on(panel, "mention", MentionEvent, mention)
    desk.on(panel, "repeat", TakeEvent, repeat)
    desk.on(panel, "weigh", TakeEvent, weigh)
    desk.on(panel, "purge", TakeEvent, purge)
    return panel
