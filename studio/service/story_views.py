"""Views of how a story changes: its edits, its versions, and what the director proposes for a shot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from studio.service.views import View


class VersionView(View):
    """A version of the shot list, with what is in it, to compare."""

    id: str
    number: int
    label: str
    theme: str
    shots: int
    drawn: int
    seconds: float
    cast: tuple[str, ...]
    current: bool
    """The one in use."""
    created: datetime


class ProposedField(View):
    """A field of a shot that the director would change; values as `edit_shot` takes them."""

    name: str
    before: Any
    after: Any


class Rewriting(View):
    """What the director proposes for one shot. `unread` are words of the note that were not understood."""

    shot_id: str
    note: str
    seed: int
    fields: tuple[ProposedField, ...]
    reasons: tuple[str, ...]
    unread: tuple[str, ...]


class HistoryStep(View):
    """One edit in the list that can be jumped in: `done` says whether it stands or was undone."""

    id: int
    label: str
    done: bool
    created: datetime


class JumpOutcome(View):
    """What a jump did. `came_from` is the step where the film stood before: jump to it to reverse this."""

    came_from: int | None
    undone: int
    redone: int
    kept: tuple[str, ...]
    """Steps of which something was left alone, because somebody edited it since."""


class HistoryEntry(View):
    """One line of the log of edits, newest first in lists."""

    id: int
    label: str
    kind: str
    """"edit", "undo" or "redo"."""
    undone: bool
    created: datetime
