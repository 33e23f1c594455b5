"""The states that rows can be in, as enums that the whole studio matches on."""

from __future__ import annotations

from enum import Enum


class JobKind(str, Enum):
    DRAW = "draw"
    EXPORT = "export"


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Still to be worked on, or being worked on."""
        return self in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


class CommandKind(str, Enum):
    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"


class Mark(str, Enum):
    """What the user decided about a frame as memory of other shots."""

    NONE = "none"
    PINNED = "pinned"
    BANNED = "banned"
