"""The header: projects, title, saved state, history, jobs. Its menus lie in menus/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from studio.service.views import Outcome
from studio.ui.desk import Desk, Event, News, notice, token_of, told
from studio.ui.panel import Panel
from studio.ui.uploads import SentEvent, sent_file


class TitleEvent(Event):
    title: str


class ProjectEvent(Event):
    """About any film of the owner, be it the one on the page or another."""

    film: str


class NameEvent(ProjectEvent):
    title: str


class SettingEvent(Event):
    field: Literal["title", "look", "fps", "aspect"]
    value: str


class HistoryEvent(Event):
    command: int | None = None


class JumpEvent(Event):
    step: int | None


class JobEvent(Event):
    job: str


class PricesEvent(Event):
    key: str


class JobsEvent(Event):
    order: tuple[str, ...]


class ProfileEvent(Event):
    profile: str | None = None
    all_profiles: bool | None = None


class EveryJobEvent(Event):
    act: Literal["pause", "resume", "cancel"]


def header(desk: Desk) -> Panel:
    """Lays the header out and wires it."""
    menus = [
        Path(__file__).parent / "menus" / f"{name}.js"
        for name in ("films", "history", "settings", "profile", "jobs")
    ]
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="header", tag="header", parts=menus)
    studio = desk.studio

    def archive(owner: str, event: ProjectEvent) -> News:
        studio.archive_project(owner, event.film)
        return desk.projects(owner)

    def unarchive(owner: str, event: ProjectEvent) -> News:
        studio.unarchive_project(owner, event.film)
        return desk.projects(owner)

    def duplicate(owner: str, event: ProjectEvent) -> News:
        return desk.opened(owner, studio.duplicate_project(owner, event.film).head.id)

    def name(owner: str, event: NameEvent) -> News:
        studio.edit_project(owner, event.film, title=event.title)
        return desk.projects(owner)

    def example(owner: str, event: Event) -> News:
        return desk.opened(owner, studio.add_example(owner).head.id)

    def unpack(owner: str, event: SentEvent) -> News:
        with sent_file(event) as path:
            return desk.opened(owner, studio.open_film(owner, path).head.id)

    def rename(owner: str, event: TitleEvent) -> News:
        studio.edit_project(owner, event.project_id, title=event.title)
        return desk.projects(owner)

    def undo(owner: str, event: HistoryEvent) -> News:
        done = studio.undo(owner, event.project_id, event.command)
        return _told("Undone", done)

    def redo(owner: str, event: HistoryEvent) -> News:
        done = studio.redo(owner, event.project_id, event.command)
        return _told("Done again", done)

    def steps(owner: str, event: Event) -> News:
        return told("steps", studio.steps(owner, event.project_id))

    def jump(owner: str, event: JumpEvent) -> News:
        jumped = studio.jump(owner, event.project_id, event.step)
        return told("jumped", jumped)

    def start(owner: str, event: Event) -> News:
        made = studio.create_project(owner)
        return desk.opened(owner, made.head.id)

    def remove(owner: str, event: ProjectEvent) -> News:
        studio.delete_project(owner, event.film)
        if event.film != event.project_id:
            return desk.projects(owner)  # the page stays where it is
        return another(owner)

    def weigh(owner: str, event: ProjectEvent) -> News:
        return told("filmPurge", studio.purge_project_plan(owner, event.film))

    def erase(owner: str, event: ProjectEvent) -> News:
        gone = studio.purge_project(owner, event.film)
        said = notice(f"“{gone.title}” was deleted for good.")
        return {**(desk.projects(owner) if event.project else another(owner)), **said}

    def another(owner: str) -> News:
        left = studio.projects(owner)
        return desk.opened(owner, left[0].id if left else studio.create_project(owner).head.id)

    def restore(owner: str, event: Event) -> News:
        studio.restore_project(owner, event.project_id)
        return desk.opened(owner, event.project_id)

    def prices(owner: str, event: PricesEvent) -> News:
        return told("prices", {"key": event.key, "jobs": studio.prices_again(owner, event.project_id)})

    def with_job(act: Callable[[str, str], object]) -> Callable[[str, JobEvent], None]:
        def handle(owner: str, event: JobEvent) -> None:
            act(owner, event.job)

        return handle

    def queue(owner: str, event: JobsEvent) -> None:
        studio.reorder_jobs(owner, event.project_id, event.order)

    def every(owner: str, event: EveryJobEvent) -> None:
        studio.every_job(owner, event.project_id, event.act)

    def listing(owner: str, event: Event) -> News:
        return desk.projects(owner)

    def profiles(owner: str, event: Event) -> News:
        return told("profiles", studio.profiles(owner, event.project_id))

    def choose(owner: str, event: ProfileEvent) -> None:
        chosen = event.model_dump(include={"profile", "all_profiles"}, exclude_none=True)
        studio.edit_project(owner, event.project_id, **chosen)

    def setting(owner: str, event: SettingEvent) -> News | None:
        studio.edit_project(owner, event.project_id, **{event.field: event.value})
        return desk.projects(owner) if event.field == "title" else None

    def reveal(owner: str, event: Event) -> News:
        return told("key", {"token": token_of(owner)})

    desk.on(panel, "reveal", Event, reveal)
    desk.on(panel, "setting", SettingEvent, setting)
    desk.on(panel, "rename", TitleEvent, rename)
    desk.on(panel, "stepback", HistoryEvent, undo)
    desk.on(panel, "stepforward", HistoryEvent, redo)
    desk.on(panel, "begin", Event, start)
    desk.on(panel, "discard", ProjectEvent, remove)
    desk.on(panel, "weigh", ProjectEvent, weigh)
    desk.on(panel, "erase", ProjectEvent, erase)
    desk.on(panel, "recover", Event, restore)
    desk.on(panel, "listing", Event, listing)
    desk.on(panel, "archive", ProjectEvent, archive)
    desk.on(panel, "unarchive", ProjectEvent, unarchive)
    desk.on(panel, "duplicate", ProjectEvent, duplicate)
    desk.on(panel, "naming", NameEvent, name)
    desk.on(panel, "example", Event, example)
    desk.on(panel, "unpack", SentEvent, unpack)
    desk.on(panel, "profiles", Event, profiles)
    desk.on(panel, "choose", ProfileEvent, choose)
    desk.on(panel, "steps", Event, steps)
    desk.on(panel, "prices", PricesEvent, prices)
    desk.on(panel, "jump", JumpEvent, jump)
    desk.on(panel, "cancel", JobEvent, with_job(studio.cancel))
    desk.on(panel, "again", JobEvent, with_job(studio.retry))
    desk.on(panel, "hold", JobEvent, with_job(studio.pause))
    desk.on(panel, "goon", JobEvent, with_job(studio.resume))
    desk.on(panel, "soonest", JobEvent, with_job(studio.run_next))
    desk.on(panel, "line", JobsEvent, queue)
    desk.on(panel, "everyjob", EveryJobEvent, every)
    return panel


def _told(verb: str, done: Outcome) -> News:
    """What an undo did, in place of what the one before did; it leaves alone what somebody changed since."""
    nothing = not done.applied and (done.kept or done.purged)
    said = [
        f"Nothing was {verb.lower()} of this step: {done.label}." if nothing else f"{verb}: {done.label}."
    ]
    if done.kept:
        said.append(f"{done.kept} newer change{'s were' if done.kept > 1 else ' was'} left as it is.")
    if done.purged:
        said.append("What it would go back to was purged.")
    return {"notice": {"text": " ".join(said), "kind": "info", "about": "step"}}
