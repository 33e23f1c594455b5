"""The inspector: every word about the selected shot, saved as it is written."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from engine.story import Angle, Framing, Movement, Purpose, Scale, Support, TimeOfDay
from studio.ui.desk import Desk, ShotEvent
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


class FieldEvent(ShotEvent):
    """A new value of one field; the service says which fields and values exist."""

    field: str
    value: Any


def inspector(desk: Desk) -> Panel:
    """Lays the inspector out and wires it."""
    choices = {field: [str(member.value) for member in kind] for field, kind in CHOICES.items()}
    panel = Panel(
        Path(__file__).with_suffix(".js"), elem_id="inspector", tag="aside", name="Shot", choices=choices
    )

    def write(owner: str, event: FieldEvent) -> None:
        desk.studio.edit_shot(owner, event.shot, **{event.field: event.value})

    desk.on(panel.write, FieldEvent, write)
    return panel
