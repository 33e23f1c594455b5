"""The story: theme or screenplay, how many shots, and the director at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from engine.director import Beats, CastList, Logline, PlaceList, ShotList, Stage, Warnings
from engine.errors import BadInput
from engine.story import MAX_SHOTS
from studio.ui.desk import Desk, Event, News
from studio.ui.panel import Panel


class ThemeEvent(Event):
    theme: str


class DirectEvent(Event):
    theme: str
    shots: int = Field(5, ge=1, le=MAX_SHOTS)
    seed: int = Field(0, ge=0, lt=2**31)


def story(desk: Desk) -> Panel:
    """Lays the story column's head out and wires it."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="story", name="Story")

    def write(owner: str, event: ThemeEvent) -> None:
        desk.studio.edit_project(owner, event.project_id, theme=event.theme)

    def direct(owner: str, event: DirectEvent) -> Iterator[News]:
        told: list[dict[str, object]] = []
        if not event.theme.strip():
            yield {"director": None}
            raise BadInput("Write a sentence about the film first, or paste a screenplay.")
        yield {"director": {"working": True, "stages": told}}
        try:
            for stage in desk.studio.direct(owner, event.project_id, event.theme, event.shots, event.seed):
                told = [*told, in_words(stage)]
                yield {"director": {"working": not isinstance(stage, ShotList), "stages": told}}
        except Exception:
            yield {"director": None}  # he stops thinking on the page, too; the desk says why
            raise

    desk.on(panel.write, ThemeEvent, write)
    desk.stream(panel.direct, DirectEvent, direct)
    return panel


def in_words(stage: Stage) -> dict[str, object]:
    """A stage of the director as a heading and lines to read."""
    lines: list[str]
    if isinstance(stage, Logline):
        name, lines = "Logline", [stage.title, stage.text]
    elif isinstance(stage, CastList):
        name, lines = "Cast", [f"{member.name}: {member.look}" for member in stage.cast] or ["nobody is seen"]
    elif isinstance(stage, PlaceList):
        name, lines = (
            "Places",
            [
                ", ".join(filter(None, [place.name, stage.time.value, stage.weather]))
                for place in stage.places
            ],
        )
    elif isinstance(stage, Beats):
        name, lines = "Beats", list(stage.beats)
    elif isinstance(stage, Warnings):
        name, lines = "What cannot be drawn", [*stage.undrawable, *stage.notes]
    else:
        shots = stage.storyboard.shots
        name, lines = (
            "Shots",
            [f"{len(shots)} shots, {stage.storyboard.rate.seconds(stage.storyboard.length):.0f} s"],
        )
    return {"name": name, "lines": lines}
