"""The agents of a film: who directs, refines and judges, whether they answer, and what the judge says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.agents.choice import Agents, Role
from engine.agents.model import Limits, Question, open_model
from engine.errors import BadInput
from engine.metrics.vlm_judge import JudgedShot, Score, Verdict, judge_film
from studio.project.film import FilmState, load_film, owned_project
from studio.project.verdicts import keep_verdict
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
    """Choosing and trying agents, and the judge."""

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

    def judge(self, owner: str, project_id: str, scores: Sequence[Score] = tuple(Score)) -> Iterator[Verdict]:
        """Lets the judge look at the picked pairs; yields verdicts as they come, and keeps what it says of
        cuts, so that they show beside those cuts as long as their pictures are the same.

        Raises BadInput when no judge was chosen or a shot has no picture, and ModelTrouble.
        """
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            film = load_film(session, project)
            agents = agents_of(project)
            shots, cast, rate = self._judged(film), film.story_cast(), film.rate
            hashes = [
                (film.takes[shot.picked].start_sha256, film.takes[shot.picked].end_sha256)
                for shot in film.shots
                if shot.picked
            ]
        target = agents.target(Role.JUDGE)
        if target is None:
            raise BadInput("Nobody judges yet: choose a vision model as the judge under Agents.")
        with open_model(target) as model:
            for verdict in judge_film(model, shots, cast, rate, scores=scores):
                if verdict.score is Score.STS:
                    with self.home.database.write() as session:
                        end, start = hashes[verdict.first - 1][1], hashes[verdict.last - 1][0]
                        keep_verdict(
                            session,
                            owned_project(session, owner, project_id),
                            end,
                            start,
                            verdict,
                            target.title,
                        )
                yield verdict

    def _judged(self, film: FilmState) -> list[JudgedShot]:
        shots = []
        for number, shot in enumerate(film.shots, 1):
            take = film.picked(shot)
            if take is None:
                raise BadInput(f"Shot {number} has no picture yet: draw first, then let the film be judged.")
            start, end = self.home.frame(take.start_sha256), self.home.frame(take.end_sha256)
            shots.append(JudgedShot(film.story_shot(shot), start, end))
        return shots


def agents_of(project: Project) -> Agents:
    """The agents of a row."""
    return Agents.model_validate(project.agents)
