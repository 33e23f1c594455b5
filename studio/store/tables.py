"""The tables. Every row carries its owner; lengths are integer frames; times are UTC milliseconds.

Rows that a filmmaker edits (project, shot, cast_member, place, mark) change only through commands, see
`studio.project.commands`. Takes, refinements, clips and films are immutable results. Nothing is deleted by
the program: `trashed` says since when a row is out of sight.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.store.states import CommandKind, JobKind, JobState, Mark


def new_id() -> str:
    """A random 64-bit id as 16 hex digits."""
    return secrets.token_hex(8)


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Project(SQLModel, table=True):
    """A film. `revision` grows with every change of anything that belongs to it."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    title: str = "Untitled"
    theme: str = ""
    logline: str = ""
    look: str = ""
    profile: str = "mini"
    rate_numerator: int = 24
    rate_denominator: int = 1
    warnings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    revision: int = 1
    trashed: int | None = None
    created: int = Field(default_factory=now)
    updated: int = Field(default_factory=now)


class Shot(SQLModel, table=True):
    """S_i = (D_i, C_i) with its picked take and its place in the film (see studio.project.order)."""

    __table_args__ = (Index("shot_of_project", "project_id", "position"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id")
    position: str
    scene: int = 1
    slate: str = ""
    title: str = ""
    description: str = ""
    scale: str
    angle: str
    movement: str
    length: int
    framing: str
    support: str
    purpose: str
    place: str = ""
    time: str
    weather: str = ""
    cast: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    dialogue: str = ""
    sound: str = ""
    notes: str = ""
    picked: str | None = None
    accepted: str | None = None
    locked: bool = False
    trashed: int | None = None
    created: int = Field(default_factory=now)


class CastMember(SQLModel, table=True):
    __tablename__ = "cast_member"

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    position: str
    name: str
    look: str = ""
    trashed: int | None = None
    created: int = Field(default_factory=now)


class Place(SQLModel, table=True):
    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    position: str
    name: str
    look: str = ""
    interior: str = "EXT"
    trashed: int | None = None
    created: int = Field(default_factory=now)


class FrameMark(SQLModel, table=True):
    """A frame pinned into, or banned from, the memory of the project's other shots."""

    __tablename__ = "frame_mark"
    __table_args__ = (UniqueConstraint("project_id", "shot_id", "side"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    shot_id: str = Field(foreign_key="shot.id")
    side: str
    mark: str = Mark.NONE.value
    created: int = Field(default_factory=now)


class Take(SQLModel, table=True):
    """A drawn start-end pair with its conditions, its recipe and the memory pack that it was drawn with."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    shot_id: str = Field(foreign_key="shot.id", index=True)
    job_id: str | None = Field(default=None, foreign_key="job.id")
    number: int
    start_sha256: str
    end_sha256: str
    conditions: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    recipe: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    memory: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    seconds: float = 0.0
    imported: bool = False
    locked: bool = False
    rejected: bool = False
    note: str = ""
    created: int = Field(default_factory=now)


class Refinement(SQLModel, table=True):
    """R_i: what moves between the frames of a take (eq. 9)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    shot_id: str = Field(foreign_key="shot.id", index=True)
    take_id: str = Field(foreign_key="take.id", index=True)
    text: str
    conditions: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    recipe: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created: int = Field(default_factory=now)


class Clip(SQLModel, table=True):
    """A rendered clip of a take, exactly `frames` long (eq. 10)."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    shot_id: str = Field(foreign_key="shot.id", index=True)
    take_id: str = Field(foreign_key="take.id", index=True)
    refinement_id: str = Field(foreign_key="refinement.id")
    sha256: str
    frames: int
    conditions: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    recipe: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    seconds: float = 0.0
    created: int = Field(default_factory=now)


class Film(SQLModel, table=True):
    """An assembled film: `manifest` is its film.json, `conditions` says which clips it joins."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    job_id: str | None = Field(default=None, foreign_key="job.id")
    sha256: str
    frames: int
    conditions: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    manifest: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created: int = Field(default_factory=now)


class Job(SQLModel, table=True):
    """A piece of work. `order` was written when it was queued, `resolved` when it started.

    `lease_owner` and `lease_until` say which worker runs it, and until when that is believed without a
    heartbeat. `units` is the size of the work (takes x steps, or frames); `seconds` what it took: from
    both, estimates are learnt.
    """

    __table_args__ = (Index("job_queue", "state", "sequence"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    shot_id: str | None = Field(default=None, foreign_key="shot.id", index=True)
    kind: str = JobKind.DRAW.value
    state: str = JobState.QUEUED.value
    profile: str
    sequence: int
    title: str
    order: dict[str, Any] = Field(sa_column=Column("work_order", JSON, nullable=False))
    resolved: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    cancel_requested: bool = False
    attempts: int = 0
    lease_owner: str | None = None
    lease_until: int | None = None
    step: int = 0
    total: int = 0
    units: int = 0
    message: str = ""
    error: str = ""
    seconds: float = 0.0
    created: int = Field(default_factory=now)
    started: int | None = None
    finished: int | None = None


class Command(SQLModel, table=True):
    """One line of the append-only log of edits; `changes` is a list of table, id, field, before, after."""

    id: int | None = Field(default=None, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    revision: int
    kind: str = CommandKind.EDIT.value
    target: int | None = None
    label: str
    changes: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    created: int = Field(default_factory=now)


class Worker(SQLModel, table=True):
    """A drawing process, as it last said it was."""

    id: str = Field(default_factory=new_id, primary_key=True)
    pid: int
    heartbeat: int = Field(default_factory=now)
    message: str = ""
    created: int = Field(default_factory=now)
