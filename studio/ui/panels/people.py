"""Cast, places and look: what must stay the same from shot to shot, in words."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, Event
from studio.ui.panel import Panel


class ProjectField(Event):
    field: str
    value: str


class CastEvent(Event):
    member: str


class CastField(CastEvent):
    name: str | None = None
    look: str | None = None


class NewMember(Event):
    name: str


class PlaceField(Event):
    place: str
    name: str | None = None
    look: str | None = None


def people(desk: Desk) -> Panel:
    """Lays the cards out and wires them."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="people", name="Cast, places and look")
    studio = desk.studio

    def project(owner: str, event: ProjectField) -> None:
        studio.edit_project(owner, event.project_id, **{event.field: event.value})

    def member(owner: str, event: CastField) -> None:
        studio.edit_cast(owner, event.member, name=event.name, look=event.look)

    def enter(owner: str, event: NewMember) -> None:
        studio.add_cast(owner, event.project_id, event.name)

    def leave(owner: str, event: CastEvent) -> None:
        studio.remove_cast(owner, event.member)

    def place(owner: str, event: PlaceField) -> None:
        studio.edit_place(owner, event.place, name=event.name, look=event.look)

    desk.on(panel.project, ProjectField, project)
    desk.on(panel.member, CastField, member)
    desk.on(panel.enter, NewMember, enter)
    desk.on(panel.leave, CastEvent, leave)
    desk.on(panel.place, PlaceField, place)
    return panel
