"""The viewer: the pair, the cut to the next shot, the clip, and the animatic with its transport and sound."""

from __future__ import annotations

from pathlib import Path

from studio.ui.desk import Desk, Event, ShotEvent
from studio.ui.panel import Panel
from studio.ui.uploads import SentEvent, sent_file


class LayEvent(SentEvent):
    """A sound, and what the user's file is called."""

    name: str = ""


class SoundEvent(Event):
    offset: int | None = None
    volume: int | None = None
    in_film: bool | None = None


def viewer(desk: Desk) -> Panel:
    """Lays the viewer out and wires it."""
    script = Path(__file__).with_suffix(".js")
    panel = Panel(script, elem_id="viewer", name="Viewer", parts=[script.parent / "menus" / "sound.js"])
    studio = desk.studio

    def accept(owner: str, event: ShotEvent) -> None:
        studio.keep(owner, event.shot)

    def doubt(owner: str, event: ShotEvent) -> None:
        studio.unkeep(owner, event.shot)

    def lay(owner: str, event: LayEvent) -> None:
        with sent_file(event) as path:
            studio.set_sound(owner, event.project_id, path, event.name)

    def sound(owner: str, event: SoundEvent) -> None:
        studio.edit_sound(
            owner, event.project_id, offset=event.offset, volume=event.volume, in_film=event.in_film
        )

    def silence(owner: str, event: Event) -> None:
        studio.remove_sound(owner, event.project_id)

    def downstream(owner: str, event: ShotEvent) -> None:
        desk.studio.draw(owner, desk.studio.downstream(owner, event.shot))

    def compare(owner: str, event: Event) -> None:
        desk.studio.measure(owner, event.project_id)

    desk.on(panel, "downstream", ShotEvent, downstream)
    desk.on(panel, "compare", Event, compare)
    desk.on(panel, "accept", ShotEvent, accept)
    desk.on(panel, "doubt", ShotEvent, doubt)
    desk.on(panel, "lay", LayEvent, lay)
    desk.on(panel, "sound", SoundEvent, sound)
    desk.on(panel, "silence", Event, silence)
    return panel
