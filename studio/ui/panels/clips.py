"""Clips: the text R that the renderer gets, rendering, and the choice among what was rendered."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from studio.ui.desk import Desk, Event, News, QuestionEvent, ShotEvent, plain, told
from studio.ui.panel import Panel
from studio.ui.panels.film import PriceEvent, quote


class RenderEvent(Event):
    shots: tuple[str, ...] = Field(min_length=1)


class TextEvent(ShotEvent):
    text: str


class ClipEvent(ShotEvent):
    clip: str


def clips(desk: Desk) -> Panel:
    """Lays the panel out, which is on the page while the viewer shows clips, and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="clips", name="Clips")
    studio = desk.studio

    def shown(owner: str, event: QuestionEvent) -> News:
        found = plain(studio.clips(owner, event.shot))
        return told("clips", {"key": event.key, "shot": event.shot, "list": found})

    def make(owner: str, event: RenderEvent) -> None:
        studio.render(owner, event.shots)

    def write(owner: str, event: TextEvent) -> None:
        studio.write_refinement(owner, event.shot, event.text)

    def refine(owner: str, event: ShotEvent) -> None:
        studio.refine(owner, event.shot)

    def choose(owner: str, event: ClipEvent) -> None:
        studio.pick_clip(owner, event.clip)

    def keep(owner: str, event: ShotEvent) -> None:
        studio.keep_clip(owner, event.shot)

    def price(owner: str, event: PriceEvent) -> News:
        return quote(desk, owner, event, "quote")

    desk.on(panel, "look", QuestionEvent, shown)
    desk.on(panel, "make", RenderEvent, make)
    desk.on(panel, "write", TextEvent, write)
    desk.on(panel, "refine", ShotEvent, refine)
    desk.on(panel, "choose", ClipEvent, choose)
    desk.on(panel, "keep", ShotEvent, keep)
    desk.on(panel, "price", PriceEvent, price)
    return panel
