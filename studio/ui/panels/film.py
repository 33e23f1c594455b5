"""The film: render and export, look at it, take it home."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from studio.ui.desk import Desk, Event, News, told
from studio.ui.panel import Panel


class RendererEvent(Event):
    renderer: str


class PriceEvent(Event):
    """Asks what rendering takes: these shots, or (None) all missing or stale ones; `key` comes back."""

    key: str
    shots: tuple[str, ...] | None = None


def quote(desk: Desk, owner: str, event: PriceEvent, name: str) -> News:
    """The answer, under a name, to a question about a price."""
    found = desk.studio.render_quote(owner, event.project_id, event.shots)
    return told(name, {"key": event.key, **found.model_dump(mode="json")})


class SubtitlesEvent(Event):
    form: Literal["srt", "vtt"]


class ExportEvent(Event):
    export: str


def film(desk: Desk) -> Panel:
    """Lays the film drawer out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="film", tag="div")

    def make(owner: str, event: Event) -> None:
        desk.studio.export(owner, event.project_id)

    def halt(owner: str, event: Event) -> None:
        for job in desk.studio.jobs(owner, event.project_id):
            if job.active and job.kind.value == "export":
                desk.studio.cancel(owner, job.id)

    def subtitles(owner: str, event: SubtitlesEvent) -> News:
        text = desk.studio.subtitles(owner, event.project_id, event.form)
        return told("subtitles", {"form": event.form, "text": text})

    def renderer(owner: str, event: RendererEvent) -> None:
        desk.studio.edit_project(owner, event.project_id, renderer=event.renderer)

    def price(owner: str, event: PriceEvent) -> News:
        return quote(desk, owner, event, "filmQuote")

    def exports(owner: str, event: Event) -> News:
        return told("exports", desk.studio.exports(owner, event.project_id))

    def discard(owner: str, event: ExportEvent) -> News:
        desk.studio.delete_export(owner, event.export)
        return exports(owner, event)

    desk.on(panel, "exports", Event, exports)
    desk.on(panel, "discard", ExportEvent, discard)
    desk.on(panel, "renderer", RendererEvent, renderer)
    desk.on(panel, "price", PriceEvent, price)
    desk.on(panel, "make", Event, make)
    desk.on(panel, "subtitles", SubtitlesEvent, subtitles)
    desk.on(panel, "halt", Event, halt)
    return panel
