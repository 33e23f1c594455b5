"""Cast, places and look: what must stay the same from shot to shot, in words and reference pictures."""

from __future__ import annotations

from pathlib import Path

from studio.service.views import Subject
from studio.ui.desk import Desk, Event, News, notice
from studio.ui.panel import Panel
from studio.ui.uploads import UploadEvent


class ProjectField(Event):
    field: str
    value: str


class CastEvent(Event):
    member: str


class CastField(CastEvent):
    name: str | None = None
    look: str | None = None


class NewCard(Event):
    name: str


class PlaceEvent(Event):
    place: str


class PlaceField(PlaceEvent):
    name: str | None = None
    look: str | None = None


class PictureEvent(UploadEvent):
    """A picture for the card of a person or a place; "" is the look."""

    subject: Subject
    card: str = ""


class PictureGone(Event):
    picture: str


def people(desk: Desk) -> Panel:
    """Lays the cards out and wires them."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="people", name="Cast, places and look")
    studio = desk.studio

    def project(owner: str, event: ProjectField) -> None:
        studio.edit_project(owner, event.project_id, **{event.field: event.value})

    def member(owner: str, event: CastField) -> None:
        studio.edit_cast(owner, event.member, name=event.name, look=event.look)

    def enter(owner: str, event: NewCard) -> None:
        studio.add_cast(owner, event.project_id, event.name)

    def leave(owner: str, event: CastEvent) -> None:
        studio.remove_cast(owner, event.member)

    def place(owner: str, event: PlaceField) -> None:
        studio.edit_place(owner, event.place, name=event.name, look=event.look)

    def settle(owner: str, event: NewCard) -> None:
        studio.add_place(owner, event.project_id, event.name)

    def clear(owner: str, event: PlaceEvent) -> None:
        studio.remove_place(owner, event.place)

    def show(owner: str, event: PictureEvent) -> News:
        added = studio.add_reference(owner, event.project_id, event.subject, event.card, event.picture())
        shots = f"{added.shots} shot{'' if added.shots == 1 else 's'}"
        return notice(f"{added.alt} added: it is in the memory of {shots} from now on.")

    def hide(owner: str, event: PictureGone) -> None:
        studio.remove_reference(owner, event.picture)

    desk.on(panel, "project", ProjectField, project)
    desk.on(panel, "member", CastField, member)
    desk.on(panel, "enter", NewCard, enter)
    desk.on(panel, "leave", CastEvent, leave)
    desk.on(panel, "place", PlaceField, place)
    desk.on(panel, "settle", NewCard, settle)
    desk.on(panel, "clear", PlaceEvent, clear)
    desk.on(panel, "show", PictureEvent, show)
    desk.on(panel, "hide", PictureGone, hide)
    return panel
