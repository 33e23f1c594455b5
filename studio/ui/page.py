"""The page: panels in their places, the timeline's own events, and the poll that follows the work."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engine.errors import StageError
from studio.service.studio import Studio
from studio.ui.api import publish
from studio.ui.desk import QUICK, Desk, Event, News, ShotEvent, new_token, sorry
from studio.ui.mail import NO_NEWS, Mail, letter
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

TITLE = "STAGE Studio"
POLL_SECONDS = 1.0
UPLOADS_LIVE = (3600, 3600)
"""Every so many seconds, uploads of so many seconds ago go: what was wanted of them is in the store."""
# Fixed, so that the owner's key is readable after a restart; what protects it is that it is random.
STORAGE_KEY, STORAGE_SECRET = "stage-owner", "stage-studio"


class OrderEvent(Event):
    order: tuple[str, ...]


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
        token = gr.BrowserState(None, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
        where = gr.JSON(visible=False)
        timeline = Timeline(render=False)
        desk = Desk(studio, token, Mail())
        with gr.Column(elem_id="studio"):
            with gr.Row(elem_id="top"):
                header(desk)
                stale(desk)
                film(desk)
                agents(desk)
            with gr.Row(elem_id="rooms"):
                with gr.Column(elem_id="left"):
                    story(desk)
                    people(desk)
                with gr.Column(elem_id="centre"):
                    viewer(desk)
                    clips(desk)
                    draw(desk)
                    with gr.Row(elem_id="evidence"):
                        takes(desk)
                        memory(desk)
                with gr.Column(elem_id="right"):
                    inspector(desk)
            timeline.render()
        follow(desk, timeline, where)
        edits(desk, timeline)
        publish(studio)
    return page


def follow(desk: Desk, timeline: Timeline, where: gr.JSON) -> None:
    """The first request for everything, and then once a second: what changed since?"""

    def ready(token: Any, event: gr.EventData) -> tuple[Any, Any]:
        """A browser that comes for the first time gets a key and the example film.

        Gradio loads what reads the key by itself, and asks without it when that comes late: a new key would
        then take the place of the old one, and with it all films. So the page says whether it is `keyed`; a
        new key is the `fresh` one that the page made up, so that a page that asks twice gets one key.
        """
        sent = event._data if isinstance(event._data, dict) else {}
        if not token and sent.get("keyed"):
            return gr.skip(), letter({"early": True})
        key = token if isinstance(token, str) and token else new_token(sent.get("fresh"))
        news = desk.answer(key, event._data, Event, lambda owner, sent: arrive(desk, owner, sent))
        return key, letter(news)

    def poll(token: Any, place: Any) -> str:
        if not token or not isinstance(place, dict) or not place.get("project"):
            return NO_NEWS
        news = desk.answer(token, place, WatchEvent, lambda owner, event: watch(desk, owner, event))
        news.pop("ack", None)
        return letter(news) if news else NO_NEWS

    timeline.ready(ready, [desk.token], [desk.token, desk.mail.films], **QUICK)
    # The page says which revision it has: a reply that was lost on the way is asked for again by itself.
    gr.Timer(POLL_SECONDS).tick(
        poll,
        [desk.token, where],
        [desk.mail.poll],
        js="(token) => [token, window.stage ? window.stage.place() : null]",
        **{**QUICK, "trigger_mode": "once"},
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

    def reorder(owner: str, event: OrderEvent) -> None:
        studio.reorder(owner, event.project_id, event.order)

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

    desk.on(timeline.pick, ShotEvent, pick, desk.mail.details)
    desk.on(timeline.reorder, OrderEvent, reorder)
    desk.on(timeline.insert, InsertEvent, insert)
    desk.on(timeline.duplicate, ShotEvent, duplicate)
    desk.on(timeline.split, SplitEvent, split)
    desk.on(timeline.write, WriteEvent, write)
    desk.on(timeline.remove, ShotsEvent, remove)
    desk.on(timeline.restore, ShotEvent, restore)
