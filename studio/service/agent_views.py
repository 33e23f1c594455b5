"""What the page is told of a film's agents. Of keys: which variable holds them and whether it is set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.agents.choice import LOCAL_VARIABLE, MODEL_VARIABLE, Agents, Role, Source
from engine.agents.keys import HOSTED_VARIABLE, URL_VARIABLE, key_state
from engine.errors import BadInput
from engine.metrics.vlm_judge import Judgement, Score
from studio.project.film import FilmState
from studio.project.judging import pictures, verdicts_of
from studio.service.parts import View
from studio.store.tables import Judging, Verdict


class AgentsView(View):
    """Who plays which part of a film, and with what."""

    director: Source
    refiner: Source
    judge: Source
    url: str
    """As typed; empty: as the environment says."""
    model: str
    local: str
    environment: dict[str, str]
    """What stands for an empty `url`, `model` or `local` here."""
    key_variable: str
    """The variable that holds the server's key; the key itself is never told."""
    key_found: bool
    trouble: dict[Role, str]
    """Why an agent that was chosen cannot work yet, as a sentence; absent where nothing is in the way."""
    hosted: bool
    """Strangers may use this studio, so it asks only the server and the model that its owner chose."""


class CutVerdictView(View):
    """What the judge said of a cut, of the very pictures that are there now."""

    judge: str
    score: float
    evidence: str
    errors: tuple[str, ...]
    """Continuity errors, a sentence each."""


class JudgingView(View):
    """How far the newest judging of the film is, and what it says of the whole."""

    judge: str
    asked: int
    """Questions in all; 0 until the first is answered."""
    answered: int
    working: bool
    scores: dict[Score, float]
    """Means so far, 0 to 1."""
    notes: int
    """Continuity errors at cuts."""
    changed: int
    """Shots whose pictures are others now, or were not there."""
    trouble: str
    """Why it did not come to its end."""


def judging_view(row: Judging | None, film: FilmState) -> JudgingView | None:
    """The view of a row, beside the film as it is now."""
    if row is None:
        return None
    said = Judgement(row.judge, verdicts_of(row))
    seen = {tuple(pair) for pair in row.pictures}
    there = [pair in seen for pair in pictures(film)]
    return JudgingView(
        judge=row.judge,
        asked=row.asked,
        answered=len(said.verdicts),
        working=not row.over,
        scores=said.means,
        notes=sum(len(errors) for errors in said.notes.values()),
        changed=len(film.shots) - sum(there),
        trouble=row.trouble,
    )


def verdict_view(said: Verdict | None) -> CutVerdictView | None:
    """The view of a row."""
    if said is None:
        return None
    errors = tuple(said.errors)
    return CutVerdictView(judge=said.judge, score=said.score, evidence=said.evidence, errors=errors)


def stored_agents(stored: Mapping[str, Any]) -> Agents:
    """The agents of a project's column. An address that an earlier version took and this one does not is left
    out, so that the film can be opened and another one be written.
    """
    try:
        return Agents.model_validate(stored)
    except ValidationError:
        return Agents.model_validate({**stored, "url": ""})


def agents_view(stored: Mapping[str, Any]) -> AgentsView:
    """The view of a project's `agents` column."""
    agents = stored_agents(stored)
    environment = {
        "url": os.environ.get(URL_VARIABLE, ""),
        "model": os.environ.get(MODEL_VARIABLE, ""),
        "local": os.environ.get(LOCAL_VARIABLE, ""),
    }
    key = key_state(agents.url or environment["url"])
    return AgentsView(
        **agents.model_dump(),
        environment=environment,
        key_variable=key.variable,
        key_found=key.found,
        trouble={role: why for role in Role if (why := _trouble(agents, role))},
        hosted=bool(os.environ.get(HOSTED_VARIABLE)),
    )


def _trouble(agents: Agents, role: Role) -> str:
    try:
        agents.target(role)
    except BadInput as error:
        return str(error)
    return ""
