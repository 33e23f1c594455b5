"""Memory: the pack that the shot was drawn with beside what it would be now; pin and ban frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.story import FrameSide
from studio.service.views import MemoryScope, Subject
from studio.ui.desk import Desk, Event, News, QuestionEvent, ShotEvent, notice, told
from studio.ui.panel import Panel
from studio.ui.panels.people import PictureGone
from studio.ui.uploads import UploadEvent


class FrameEvent(ShotEvent):
    side: FrameSide


class MemoryPicture(UploadEvent):
    """A picture for the memory of one shot, or of every shot."""

    shot: str
    everywhere: bool = False


class ScopeEvent(Event):
    scope: MemoryScope


def memory(desk: Desk) -> Panel:
    """Lays the panel out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="memory", name="Memory")
    studio = desk.studio

    def marking(mark: Callable[[str, str, str, FrameSide], None]) -> Callable[[str, FrameEvent], None]:
        return lambda owner, event: mark(owner, event.project_id, event.shot, event.side)

    def look(owner: str, event: QuestionEvent) -> News:
        found = studio.memory_preview(owner, event.shot)
        return told("preview", {"key": event.key, **found.model_dump(mode="json")})

    def compare(owner: str, event: ShotEvent) -> None:
        studio.measure(owner, event.project_id, [event.shot])

    def scope(owner: str, event: ScopeEvent) -> None:
        studio.edit_project(owner, event.project_id, memory_scope=event.scope.value)

    def show(owner: str, event: MemoryPicture) -> News:
        subject = Subject.LOOK if event.everywhere else Subject.SHOT
        card = "" if event.everywhere else event.shot
        added = studio.add_reference(owner, event.project_id, subject, card, event.picture())
        where = f"{added.shots} shots" if event.everywhere else "this shot"
        return notice(f"Added: it is in the memory of {where} from now on.")

    def hide(owner: str, event: PictureGone) -> None:
        studio.remove_reference(owner, event.picture)

    desk.on(panel, "show", MemoryPicture, show)
    desk.on(panel, "hide", PictureGone, hide)
    desk.on(panel, "look", QuestionEvent, look)
    desk.on(panel, "compare", ShotEvent, compare)
    desk.on(panel, "scope", ScopeEvent, scope)
    desk.on(panel, "pin", FrameEvent, marking(studio.pin))
    desk.on(panel, "unpin", FrameEvent, marking(studio.unpin))
    desk.on(panel, "ban", FrameEvent, marking(studio.ban))
    desk.on(panel, "unban", FrameEvent, marking(studio.unban))
    return panel
