"""The page: panels in their places, the timeline's own events, and the poll that follows the work."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engine.errors import StageError
from studio.service.studio import Studio
from studio.ui.api import publish
from studio.ui.desk import Desk, Event, News, ShotEvent, sorry
from studio.ui.panel import Box
from studio.ui.panels.agents import agents
from studio.ui.panels.clips import clips
from studio.ui.panels.draw import draw
from studio.ui.panels.film import film
from studio.ui.panels.header import header
from studio.ui.panels.inspector import inspector
from studio.ui.panels.memory import memory
from studio.ui.panels.people import people
from studio.ui.panels.stale import stale
from studio.ui.panels.story import WatchEvent, story, watch
from studio.ui.panels.takes import takes
from studio.ui.panels.viewer import viewer
from studio.ui.timeline import Timeline
from studio.ui.workspace import Workspace

TITLE = "STAGE Studio"
API = "/functions"
"""Where Gradio shows what scripts can call; they call it at the page's own address."""
UPLOADS_LIVE = (3600, 3600)
"""Every so many seconds, uploads of so many seconds ago go: what was wanted of them is in the store."""
FORMER_KEY, FORMER_SECRET = "stage-owner", "stage-studio"


class MoveEvent(Event):
    shots: tuple[str, ...]
    after: str | None = None


class InsertEvent(Event):
    after: str | None = None


class SplitEvent(ShotEvent):
    at: int | None = None


class WriteEvent(Event):
    """New values of fields of shots, by id; the service says which fields and values exist."""

    edits: dict[str, dict[str, Any]]


class ShotsEvent(Event):
    shots: tuple[str, ...]


def build(studio: Studio) -> gr.Blocks:
    """The whole page over a studio. Loads no torch and starts nothing."""
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=UPLOADS_LIVE) as page:
        desk = Desk(studio)
        with gr.Column(elem_id="studio"):
            Workspace(boxes(desk))
            timeline = Timeline(desk.door)
        follow(desk, timeline)
        remember(timeline)
        edits(desk, timeline)
    with page.route("API", API, show_in_navbar=False):  # the page itself would load all of it for nothing
        publish(studio)
    return page


def boxes(desk: Desk) -> tuple[Box, Box]:
    """The header and the three rooms, with the panels in them."""
    return (
        Box("top", header(desk), stale(desk), film(desk), agents(desk)),
        Box(
            "rooms",
            Box("left", story(desk), people(desk)),
            Box(
                "centre",
                *(viewer(desk), clips(desk), draw(desk)),
                Box("evidence", takes(desk), memory(desk)),
            ),
            Box("right", inspector(desk)),
        ),
    )


def follow(desk: Desk, timeline: Timeline) -> None:
    """The first request for everything, and then once a second: what changed since?"""
    desk.on(timeline, "ready", Event, lambda owner, event: arrive(desk, owner, event))
    desk.on(timeline, "poll", WatchEvent, lambda owner, event: see(desk, owner, event))


def see(desk: Desk, owner: str, event: WatchEvent) -> News:
    """News of the film on the page. One that was deleted for good in another tab gives way to another, or the
    page would ask for it for ever.
    """
    try:
        return {**drawing_process(desk, event), **(watch(desk, owner, event) or {})}
    except StageError:
        if event.project in {card.id for card in desk.studio.all_projects(owner)}:
            raise
        return arrive(desk, owner, Event())


def drawing_process(desk: Desk, event: WatchEvent) -> News:
    """News of the drawing process where the page says otherwise: that it died changes no film."""
    worker = desk.studio.worker()
    resting = "" if worker.alive else worker.message
    return {} if resting == event.resting else {"worker": worker.model_dump(mode="json")}


def remember(timeline: Timeline) -> None:
    """Browsers that came before December 2026 have their key where only Gradio can read it (door.js)."""
    former = gr.BrowserState(None, storage_key=FORMER_KEY, secret=FORMER_SECRET)
    timeline.former(
        None, [former], None, js="(key) => window.stage.formerKey(key)", queue=False, api_visibility="private"
    )


def arrive(desk: Desk, owner: str, event: Event) -> News:
    """The project that the page asks for, else the newest, else the example film, else an empty one."""
    cards = desk.studio.projects(owner)
    if not cards:
        trouble: News = {}
        try:
            first = desk.studio.example(owner)
        except StageError as error:  # a damaged example must not keep anybody from working
            first, trouble = None, sorry(error)
        return {**desk.opened(owner, (first or desk.studio.create_project(owner)).head.id), **trouble}
    known = {card.id for card in cards}
    return desk.opened(owner, event.project if event.project in known else cards[0].id)


def edits(desk: Desk, timeline: Timeline) -> None:
    """What can be done on the timeline itself."""
    studio = desk.studio

    def pick(owner: str, event: ShotEvent) -> News:
        return desk.details(owner, event.shot)

    def move(owner: str, event: MoveEvent) -> None:
        studio.move_shots(owner, event.project_id, event.shots, event.after)

    def insert(owner: str, event: InsertEvent) -> News:
        return {"select": studio.insert_shot(owner, event.project_id, event.after).id}

    def duplicate(owner: str, event: ShotEvent) -> News:
        return {"select": studio.duplicate_shot(owner, event.shot).id}

    def split(owner: str, event: SplitEvent) -> News:
        return {"select": studio.split_shot(owner, event.shot, event.at).id}

    def write(owner: str, event: WriteEvent) -> None:
        studio.edit_shots(owner, event.edits)

    def remove(owner: str, event: ShotsEvent) -> None:
        studio.delete_shots(owner, event.shots)

    def restore(owner: str, event: ShotEvent) -> News:
        return {"select": studio.restore_shot(owner, event.shot).id}

    desk.on(timeline, "pick", ShotEvent, pick)
    desk.on(timeline, "move", MoveEvent, move)
    desk.on(timeline, "insert", InsertEvent, insert)
    desk.on(timeline, "duplicate", ShotEvent, duplicate)
    desk.on(timeline, "split", SplitEvent, split)
    desk.on(timeline, "write", WriteEvent, write)
    desk.on(timeline, "remove", ShotsEvent, remove)
    desk.on(timeline, "restore", ShotEvent, restore)
