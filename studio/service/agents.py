"""The agents of a film: who directs, refines and judges, and whether they answer."""

from __future__ import annotations

import random
import tempfile
import threading
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict

from engine.agents.choice import Agents, Role, Target
from engine.agents.model import LanguageModel, Limits, Question, open_model
from engine.agents.trouble import ModelTrouble
from engine.errors import BadInput
from studio.project.film import owned_project
from studio.service.agent_views import AgentsView, agents_view, stored_agents
from studio.service.fields import agent_fields
from studio.service.room import Room
from studio.store.tables import Project

TRIAL = Limits(connect=5.0, silence=60.0, answer=120.0)
_TRIALS = threading.BoundedSemaphore(4)  # a trial may take minutes, and anybody may ask for one

_COLOURS = ("red", "green", "blue", "yellow")


class ReadyForm(BaseModel):
    """What a model is asked when somebody only wants to know whether it answers."""

    model_config = ConfigDict(extra="forbid")

    ready: bool


class SeeingForm(BaseModel):
    """What a model is asked whose part is to look at pictures."""

    model_config = ConfigDict(extra="forbid")

    first: Literal["red", "green", "blue", "yellow"]
    second: Literal["red", "green", "blue", "yellow"]


class Agency(Room):
    """Choosing and trying agents."""

    def agents(self, owner: str, project_id: str) -> AgentsView:
        """Who plays which part."""
        with self.home.database.read() as session:
            return agents_view(owned_project(session, owner, project_id).agents)

    def choose_agents(self, owner: str, project_id: str, **fields: Any) -> AgentsView:
        """Changes `director`, `refiner`, `judge` (built-in, server or local), `url`, `model` or `local`.

        Never a key: keys come from the environment alone. Raises BadInput.
        """
        with self._edit(owner, project_id) as edit:
            before = edit.project.agents
            edit.recorder.set(edit.project, agents=agent_fields(before, fields))
            changed = ", ".join(name for name in fields if edit.project.agents.get(name) != before.get(name))
            edit.recorder.finish(f"choose the agents ({changed})")
            return agents_view(edit.project.agents)

    def try_agent(self, owner: str, project_id: str, role: Role) -> str:
        """Asks an agent's model whether it is there, and one that has to look at pictures for the colours of
        two; a sentence when it is. Raises StageError when not.
        """
        with self.home.database.read() as session:
            target = agents_of(owned_project(session, owner, project_id)).target(role)
        if target is None:
            raise BadInput(f"The {role.value} is the built-in one: there is nothing to try.")
        if not _TRIALS.acquire(blocking=False):
            raise BadInput("Other models are being tried out at this moment: try again in a minute.")
        try:
            return _answers(target, role)
        finally:
            _TRIALS.release()


def _answers(target: Target, role: Role) -> str:
    with open_model(target, TRIAL) as model:
        if role is Role.DIRECTOR:
            model.answer(Question("You are tried out.", ["Answer that you are ready."], ReadyForm))
            return f"{target.title} answers."
        if not _sees(model):
            raise ModelTrouble(
                f"{target.title} answers, but does not see pictures: choose a vision model as the "
                f"{role.value}."
            )
    return f"{target.title} answers, and sees pictures."


def agents_of(project: Project) -> Agents:
    """The agents of a row."""
    return stored_agents(project.agents)


def _sees(model: LanguageModel) -> bool:
    """Whether a model can tell the colours of two pictures, chosen by chance."""
    colours = random.sample(_COLOURS, 2)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(2)]
        for path, colour in zip(paths, colours, strict=True):
            Image.new("RGB", (64, 64), colour).save(path)
        parts = ("The first picture:", paths[0], "The second picture:", paths[1], "Which colours are they?")
        seen = model.answer(Question("You are tried out.", parts, SeeingForm))
    return [seen.first, seen.second] == colours
