"""The inspector: every word about the selected shots, saved as it is written.

What is written goes through the timeline's `write` event (`stage.edit` of its script).
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from engine.errors import StageError
from engine.story import Angle, Framing, Movement, Purpose, Scale, Support, TimeOfDay
from studio.ui.desk import Desk, News, ShotEvent, sorry, told
from studio.ui.panel import Panel

CHOICES: dict[str, type[Enum]] = {
    "scale": Scale,
    "angle": Angle,
    "movement": Movement,
    "framing": Framing,
    "support": Support,
    "purpose": Purpose,
    "time": TimeOfDay,
}


class NoteEvent(ShotEvent):
    """What should be different about a shot; nothing: just another way."""

    note: str = ""
    seed: int = 0


class AcceptEvent(ShotEvent):
    """Fields of a proposal; the service says which fields and values exist."""

    fields: dict[str, Any]


def inspector(desk: Desk) -> Panel:
    """Lays the inspector out and wires it."""
    choices = {field: [str(member.value) for member in kind] for field, kind in CHOICES.items()}
    panel = Panel(
        Path(__file__).with_suffix(".js"),
        elem_id="inspector",
        tag="aside",
        name="Shot",
        parts=[Path(__file__).parent / "menus" / "rewrite.js"],
        data={"choices": choices},
    )

    def propose(owner: str, event: NoteEvent) -> News:
        try:
            news = told("proposal", desk.studio.rewrite_shot(owner, event.shot, event.note, event.seed))
        except StageError as error:
            news = {**sorry(error), "told": {}}
        news["told"]["proposing"] = False
        return news

    def accept(owner: str, event: AcceptEvent) -> None:
        desk.studio.accept_rewriting(owner, event.shot, event.fields)

    desk.on(panel, "propose", NoteEvent, propose)
    desk.on(panel, "rewritten", AcceptEvent, accept)
    return panel
