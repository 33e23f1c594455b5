"""Agents: who directs, refines and judges the film, on which server or local model. Keys are only named."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from engine.agents import Role
from engine.errors import StageError
from studio.ui.desk import Desk, Event, News, told
from studio.ui.panel import Panel


class ChoiceEvent(Event):
    field: Literal["director", "refiner", "judge", "url", "model", "local"]
    value: str


class RoleEvent(Event):
    role: Role


def agents(desk: Desk) -> Panel:
    """Lays the settings out and wires them."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="agents", tag="div")
    studio = desk.studio

    def choose(owner: str, event: ChoiceEvent) -> None:
        studio.choose_agents(owner, event.project_id, **{event.field: event.value})

    def attempt(owner: str, event: RoleEvent) -> News:
        try:
            text, good = studio.try_agent(owner, event.project_id, event.role), True
        except StageError as error:  # the answer to the question, not trouble of the page
            text, good = str(error), False
        return told("trial", {"role": event.role.value, "text": text, "good": good})

    def judge(owner: str, event: Event) -> None:
        studio.start_judging(owner, event.project_id)

    def unjudge(owner: str, event: Event) -> None:
        studio.stop_judging(owner, event.project_id)

    def stop(owner: str, event: Event) -> None:
        studio.stop_directing(owner, event.project_id)

    desk.on(panel, "choose", ChoiceEvent, choose)
    desk.on(panel, "attempt", RoleEvent, attempt)
    desk.on(panel, "judge", Event, judge)
    desk.on(panel, "unjudge", Event, unjudge)
    desk.on(panel, "stop", Event, stop)
    return panel
