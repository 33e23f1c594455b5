"""The refiner played by a language model that sees both frames (STAGE, eq. 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from engine.agents.choice import Agents, Role, Target
from engine.agents.model import LanguageModel, Limits, Question, open_model
from engine.agents.prompts import prompt
from engine.refiner.plain_refiner import PlainRefiner, Refiner
from engine.story import CastMember, FrameRate, Shot
from engine.watched import IsCancelled


class RefinedForm(BaseModel):
    """First what is seen, then R_i: a model that has said what it sees invents less."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    first_frame: str = Field(min_length=1, max_length=300)
    last_frame: str = Field(min_length=1, max_length=300)
    differs: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=1500)


class ModelRefiner:
    """G_refiner: reads D, C and both frames, and writes R."""

    def __init__(
        self, model: LanguageModel, rate: FrameRate | None = None, cancelled: IsCancelled | None = None
    ) -> None:
        self._model = model
        self._rate = rate or FrameRate()
        self._cancelled = cancelled

    @property
    def name(self) -> str:
        """What a recipe records: the model, and where it answered."""
        return self._model.target.title

    def refine(self, shot: Shot, cast: Sequence[CastMember], start: Path, end: Path) -> str:
        """See `Refiner`. Raises ModelTrouble, Cancelled, and BadInput for unreadable frames."""
        question = Question(
            prompt("refiner"),
            [
                f"The card of the shot:\n{card(shot, cast, self._rate)}",
                "The first frame:",
                start,
                "The last frame:",
                end,
            ],
            RefinedForm,
        )
        return " ".join(self._model.answer(question, self._cancelled).text.split())


@contextmanager
def open_refiner(
    agents: Agents,
    rate: FrameRate | None = None,
    cancelled: IsCancelled | None = None,
    limits: Limits | None = None,
) -> Iterator[Refiner]:
    """The refiner that was chosen, for as many shots as are refined. Raises BadInput."""
    target: Target | None = agents.target(Role.REFINER)
    if target is None:
        yield PlainRefiner()
        return
    with open_model(target, limits) as model:
        yield ModelRefiner(model, rate, cancelled)


def card(shot: Shot, cast: Sequence[CastMember], rate: FrameRate) -> str:
    """D and C with the looks of those who are in the shot, as lines for a model to read."""
    c = shot.attributes
    looks = {member.name.casefold(): member.look for member in cast}
    people = [f"{name} ({looks[name.casefold()]})" if looks.get(name.casefold()) else name for name in c.cast]
    lines = {
        "What happens": " ".join(shot.description.split()),
        "Camera": f"{c.scale.value}, {c.angle.value}, {c.movement.value}, {c.support.value}",
        "Framing": c.framing.value,
        "Length": f"{rate.seconds(c.length):.1f} seconds",
        "Place and time": ", ".join(filter(None, (c.place, c.time.value, c.weather))),
        "People": "; ".join(people) or "nobody",
        "Dialogue": c.dialogue,
        "Sound": c.sound,
    }
    return "\n".join(f"{name}: {text}" for name, text in lines.items() if text)
