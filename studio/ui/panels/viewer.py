"""The viewer: the pair, the cut to the next shot, the clip, and the animatic with its transport and sound."""

from __future__ import annotations

from pathlib import Path

from gradio.utils import get_upload_folder

from engine.errors import BadInput
from studio.ui.desk import Desk, Event, ShotEvent
from studio.ui.panel import Panel


class LayEvent(Event):
    """A sound that was sent to Gradio's folder of uploads, and what the user's file is called."""

    path: str
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

    def lay(owner: str, event: LayEvent) -> None:
        path = uploaded(event.path)
        try:
            studio.set_sound(owner, event.project_id, path, event.name)
        finally:
            path.unlink(missing_ok=True)  # it is in the store now; Gradio would serve it to anybody

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

    desk.on(panel.downstream, ShotEvent, downstream)
    desk.on(panel.compare, Event, compare)
    desk.on(panel.accept, ShotEvent, accept)
    desk.on(panel.lay, LayEvent, lay)
    desk.on(panel.sound, SoundEvent, sound)
    desk.on(panel.silence, Event, silence)
    return panel


def uploaded(sent: str) -> Path:
    """The uploaded file that a page names. It may name anything: only what lies in the folder of uploads is
    read. Raises BadInput.
    """
    folder = Path(get_upload_folder()).resolve()
    path = Path(sent).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise BadInput("The file did not arrive: choose it again.")
    return path
