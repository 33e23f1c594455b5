"""The story: theme or screenplay, how many shots, and the director at work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from engine.director import Beats, CastList, Filmed, Logline, PlaceList, ShotList, Warnings, Working
from engine.errors import BadInput
from engine.story import MAX_SHOTS, Shot
from studio.service.directing import Work
from studio.ui.desk import Desk, Event, News, sorry, told
from studio.ui.panel import Panel


class ThemeEvent(Event):
    theme: str


class VersionEvent(Event):
    version: str


class LabelEvent(VersionEvent):
    label: str


class DirectEvent(Event):
    theme: str
    shots: int = Field(5, ge=1, le=MAX_SHOTS)
    seed: int = Field(0, ge=0, lt=2**31)
    seconds: float | None = Field(None, gt=0)


def story(desk: Desk) -> Panel:
    """Lays the story column's head out and wires it."""
    panel = Panel(
        Path(__file__).with_suffix(".js"),
        elem_id="story",
        name="Story",
        parts=[Path(__file__).parent / "menus" / "versions.js"],
    )

    def write(owner: str, event: ThemeEvent) -> None:
        desk.studio.edit_project(owner, event.project_id, theme=event.theme)

    def direct(owner: str, event: DirectEvent) -> News:
        """Lets a director begin; the page then asks what he does (`watch`)."""
        try:
            if not event.theme.strip():
                raise BadInput("Write a sentence about the film first, or paste a screenplay.")
            work = desk.studio.start_directing(
                owner, event.project_id, event.theme, event.shots, event.seed, event.seconds
            )
            return {"project": event.project, **as_told(work, begun=True)}
        except Exception as error:
            return {"director": None, **sorry(error)}

    def versions(owner: str, event: Event) -> News:
        return told("versions", desk.studio.versions(owner, event.project_id))

    def take_out(owner: str, event: VersionEvent) -> News:
        return told("versions", desk.studio.switch_version(owner, event.version))

    def label(owner: str, event: LabelEvent) -> News:
        return told("versions", desk.studio.rename_version(owner, event.version, event.label))

    desk.on(panel, "versions", Event, versions)
    desk.on(panel, "takeout", VersionEvent, take_out)
    desk.on(panel, "entitle", LabelEvent, label)
    desk.on(panel, "write", ThemeEvent, write)
    desk.on(panel, "direct", DirectEvent, direct)
    return panel


class WatchEvent(Event):
    """The page asks what is new; `directing` is the director whom it shows at work, `resting` why nothing is
    drawn as it says ("" while the drawing process lives).
    """

    directing: str | None = None
    resting: str | None = None


def watch(desk: Desk, owner: str, event: WatchEvent) -> News | None:
    """What a page learns of a director whom it may not have set to work itself: it was reloaded meanwhile, or
    is another tab. Raises what he failed of, if no page was told.
    """
    work = desk.studio.last_directing(owner, event.project) if event.project else None
    if work is None or (work.over and event.directing != work.id):
        return None
    if work.over and (error := work.trouble()) is not None:
        return {"project": event.project, "director": None, **sorry(error)}
    return {"project": event.project, **as_told(work)}


def as_told(work: Work, begun: bool = False) -> News:
    """A director's stages as the page shows them; `doing` says what he does between two of them, `made` which
    edits he made, and `begun` that this page set him to work.
    """
    over, stages = work.over, work.stages
    doing = stages[-1].doing if stages and isinstance(stages[-1], Working) else None
    told = [in_words(stage) for stage in stages if not isinstance(stage, Working)]
    news: dict[str, Any] = {"id": work.id, "working": not over, "stages": told}
    if work.made:
        news["made"] = work.made
    if begun:
        news["begun"] = True
    return {"director": news if doing is None or over else {**news, "doing": doing}}


def in_words(
    stage: Logline | CastList | PlaceList | Beats | Filmed | Warnings | ShotList,
) -> dict[str, object]:
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
    elif isinstance(stage, Filmed):
        last = stage.first + len(stage.shots) - 1
        name = f"Shots {stage.first} to {last}" if last > stage.first else f"Shot {last}"
        lines = [shot_in_words(number, shot) for number, shot in enumerate(stage.shots, stage.first)]
    elif isinstance(stage, Warnings):
        words = ", ".join(stage.undrawable)
        name, lines = "What cannot be drawn", [*filter(None, [words]), *stage.notes]
    else:
        shots = stage.storyboard.shots
        name, lines = (
            "Shots",
            [f"{len(shots)} shots, {stage.storyboard.rate.seconds(stage.storyboard.length):.0f} s"],
        )
    return {"name": name, "lines": lines}


def shot_in_words(number: int, shot: Shot) -> str:
    """A shot of the shot list in a line."""
    seen = shot.attributes
    camera = ", ".join((seen.scale.value, seen.angle.value, seen.movement.value))
    return f"{number}. {shot.description} ({camera})"
