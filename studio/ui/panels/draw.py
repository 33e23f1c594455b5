"""Drawing: the selected shots, or all that are missing or stale; takes, a given frame, and the recipe."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import Field

from engine.errors import StageError
from engine.story import FrameSide
from studio.service.drawing import MAX_TAKES
from studio.ui.desk import Desk, Event, News, notice, sorry, told
from studio.ui.panel import Panel
from studio.ui.uploads import UploadEvent


class Given(str, Enum):
    """Which frame of the pair is given, and where it comes from."""

    NONE = ""
    START = "start"
    END = "end"
    PREVIOUS = "previous"
    START_PICTURE = "start picture"
    END_PICTURE = "end picture"

    @property
    def side(self) -> FrameSide | None:
        """The frame that is kept or uploaded."""
        word = self.value.partition(" ")[0]
        return FrameSide(word) if word in ("start", "end") else None

    @property
    def uploaded(self) -> bool:
        return self in (Given.START_PICTURE, Given.END_PICTURE)


class RecipeEvent(Event):
    """How to draw: takes of each shot, and the recipe where it is not the profile's."""

    takes: int = Field(1, ge=1, le=MAX_TAKES)
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    memory_guidance: float | None = None

    @property
    def recipe(self) -> dict[str, Any]:
        return self.model_dump(include=set(RecipeEvent.model_fields) - set(Event.model_fields))


class DrawEvent(UploadEvent, RecipeEvent):
    """`data` is the picture of an uploaded frame, "" for all else."""

    shots: tuple[str, ...] = Field(min_length=1)
    given: Given = Given.NONE


def draw(desk: Desk) -> Panel:
    """Lays the draw controls out and wires them. What is out of range, the service says in one sentence."""
    panel = Panel(Path(__file__).with_suffix(".js"), elem_id="draw", name="Draw")

    def selected(owner: str, event: DrawEvent) -> News | None:
        try:
            desk.studio.draw(
                owner,
                event.shots,
                **event.recipe,
                keep=event.given.side,
                continues=event.given is Given.PREVIOUS,
                given=event.picture() if event.given.uploaded else None,
            )
        except (
            StageError
        ) as error:  # what was chosen is offered again, or the next try would draw two new frames
            return {**sorry(error), **told("undrawn", {"shots": event.shots, "given": event.given.value})}
        return None

    def missing(owner: str, event: RecipeEvent) -> News | None:
        if desk.studio.draw_all_stale(owner, event.project_id, **event.recipe):
            return None
        return notice("Every shot is drawn and says what its words say.")

    desk.on(panel, "selected", DrawEvent, selected)
    desk.on(panel, "missing", RecipeEvent, missing)
    return panel
