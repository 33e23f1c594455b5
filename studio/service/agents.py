"""The agents of a film: who directs, refines and judges, and whether they answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.agents.choice import Agents, Role
from engine.agents.model import Limits, Question, open_model
from engine.errors import BadInput
from studio.project.film import owned_project
from studio.service.agent_views import AgentsView, agents_view
from studio.service.fields import agent_fields
from studio.service.room import Room
from studio.store.tables import Project

TRIAL = Limits(connect=5.0, silence=60.0, answer=120.0)


class ReadyForm(BaseModel):
    """What a model is asked when somebody only wants to know whether it answers."""

    model_config = ConfigDict(extra="forbid")

    ready: bool


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
        """Asks an agent's model whether it is there; a sentence when it is. Raises StageError when not."""
        with self.home.database.read() as session:
            target = agents_of(owned_project(session, owner, project_id)).target(role)
        if target is None:
            raise BadInput(f"The {role.value} is the built-in one: there is nothing to try.")
        with open_model(target, TRIAL) as model:
            model.answer(Question("You are tried out.", ["Answer that you are ready."], ReadyForm))
        return f"{target.title} answers."


def agents_of(project: Project) -> Agents:
    """The agents of a row."""
    return Agents.model_validate(project.agents)
