"""The states that rows can be in, as enums that the whole studio matches on."""

from __future__ import annotations

from enum import Enum


class JobKind(str, Enum):
    DRAW = "draw"
    EXPORT = "export"
    MEASURE = "measure"
    RENDER = "render"


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


class MemoryScope(str, Enum):
    """Which shots of the film a shot may remember."""

    EARLIER = "earlier"
    ALL = "all"


class MeasureKind(str, Enum):
    """What was measured with the ranker of a profile."""

    WORDS = "words"
    CUT = "cut"
    GRID = "grid"


class Mark(str, Enum):
    """What the user decided about a frame as memory of other shots."""

    NONE = "none"
    PINNED = "pinned"
    BANNED = "banned"


class Subject(str, Enum):
    """What a reference picture shows."""

    CAST = "cast"
    PLACE = "place"
    LOOK = "look"
    SHOT = "shot"
