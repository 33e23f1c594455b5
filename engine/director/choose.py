"""Which director directs: the one that was chosen, and never another in its place."""

from __future__ import annotations

from engine.agents.choice import Agents, Role
from engine.director.stages import Director
from engine.watched import IsCancelled


def choose_director(agents: Agents, cancelled: IsCancelled | None = None) -> Director:
    """The director of a project. Raises BadInput when its model is not named, or not allowed here."""
    target = agents.target(Role.DIRECTOR)
    if target is None:
        from engine.director.breakdown_director import BreakdownDirector

        return BreakdownDirector()
    from engine.director.model_director import ModelDirector

    return ModelDirector(target, cancelled=cancelled)
