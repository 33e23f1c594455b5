"""The tables. Every row carries its owner; lengths are integer frames; times are UTC milliseconds.

Rows that a filmmaker edits (project, shot, cast_member, place, reference_picture, mark) change only through
commands, see `studio.project.commands`. Takes, refinements, clips and films are immutable results, but for
what is said about a take: locked, rejected, note. Nothing is deleted by the program: `trashed` says since
when a row is out of sight; only the user may purge a take, an export, or a film in the trash.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from studio.store.states import CommandKind, JobKind, JobState, Mark, MemoryScope, Subject


def new_id() -> str:
    """A random 64-bit id as 16 hex digits."""
    return secrets.token_hex(8)


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Project(SQLModel, table=True):
    """A film. `revision` grows with every change of anything that belongs to it.

    `version_id` is the version of the shot list in use; None before the director made a second one. `sound`
    is the stored file of the scratch track ("<sha256>.mp3"); it begins at frame `sound_offset` of the film
    (before it when negative) with `sound_volume` per cent.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    title: str = "Untitled"
    theme: str = ""
    logline: str = ""
    look: str = ""
    profile: str = "mini"
    memory_scope: str = MemoryScope.EARLIER.value
    all_profiles: bool = False
    renderer: str = "animatic"
    agents: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    rate_numerator: int = 24
    rate_denominator: int = 1
    aspect: str = ""
    warnings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    version_id: str | None = None
    sound: str = ""
    sound_name: str = ""
    sound_seconds: float = 0.0
    sound_offset: int = 0
    sound_volume: int = 100
    sound_in_film: bool = False
    revision: int = 1
    archived: int | None = None
    trashed: int | None = None
    created: int = Field(default_factory=now)
    updated: int = Field(default_factory=now)


class Shot(SQLModel, table=True):
    """S_i = (D_i, C_i) with its place in the film (see studio.project.order) and what is picked for it.

    `picked` is a take, chosen by somebody at `picked_at` (None: by the drawing process), `refinement` a text
    R_i for it, `clip` a rendered clip; `accepted` and `clip_accepted` name the moment whose stale picture, or
    clip, is kept as it is. On the shelf of another version `deleted` says since when it is in that trash.
    """

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
    picked_at: int | None = None
    accepted: str | None = None
    refinement: str | None = None
    clip: str | None = None
    clip_accepted: str | None = None
    locked: bool = False
    shelf: str | None = Field(default=None, foreign_key="version.id")
    trashed: int | None = None
    deleted: int | None = None
    created: int = Field(default_factory=now)


class CastMember(SQLModel, table=True):
    __tablename__ = "cast_member"

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    position: str
    name: str
    look: str = ""
    shelf: str | None = Field(default=None, foreign_key="version.id")
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
    shelf: str | None = Field(default=None, foreign_key="version.id")
    trashed: int | None = None
    created: int = Field(default_factory=now)


class Version(SQLModel, table=True):
    """A version of a film's shot list. One is in use; the rows of the others lie on their shelves.

    A row on a shelf (`shelf` names the version, `trashed` says since when) comes back when that version is
    taken out again, a deleted shot to its trash; takes stay with their shots. The words of the film (theme,
    logline, look, what the director warned of, frame rate) are kept here while the version is on the shelf.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    number: int
    label: str
    title: str = ""
    theme: str = ""
    logline: str = ""
    look: str = ""
    rate_numerator: int = 24
    rate_denominator: int = 1
    warnings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    trashed: int | None = None
    created: int = Field(default_factory=now)


class Reference(SQLModel, table=True):
    """A picture of a person, a place or the look of the film, pinned into the memory of its shots; or one
    that is pinned into the memory of one shot only.

    `subject_id` is the row of the person, place or shot; "" for the look. Sizes are in pixels.
    """

    __tablename__ = "reference_picture"

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    subject: str = Subject.LOOK.value
    subject_id: str = ""
    sha256: str
    width: int
    height: int
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
    """A drawn start-end pair with its conditions, its recipe and the memory pack that it was drawn with.

    `again_of` names the take that this one was asked to repeat exactly.
    """

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
    again_of: str | None = None
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


class Measure(SQLModel, table=True):
    """A figure that the drawing process worked out from stored pictures. It can always be worked out again.

    `id` is a hash of everything it depends on (see studio.project.measures), so a row never changes.
    """

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    kind: str
    value: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created: int = Field(default_factory=now)


class Verdict(SQLModel, table=True):
    """What a judge said of a cut, from 0 to 1 and in words; `errors` are its continuity notes."""

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    end_sha256: str
    start_sha256: str
    judge: str
    score: float
    evidence: str
    errors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created: int = Field(default_factory=now)


class Judging(SQLModel, table=True):
    """One judging of a whole film, as far as it came.

    `pictures` are the hashes of the start and end frames that the judge looks at, shot by shot, `verdicts`
    what it said so far of `asked` questions. Once it is over, `trouble` says why it did not come to the end.
    """

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    judge: str
    asked: int
    pictures: list[list[str]] = Field(sa_column=Column(JSON, nullable=False))
    verdicts: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    over: bool = False
    trouble: str = ""
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
    pause_requested: bool = False
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


class RemoteOperation(SQLModel, table=True):
    """A clip that is ordered of a paid service, written down before it is ordered: then without `operation`,
    which the service's answer names.

    `request` is the hash of all that the clip depends on but the seed. `collected` says since when a clip row
    holds its result; `closed` since when it is known that it will never give one.
    """

    __tablename__ = "remote_operation"
    __table_args__ = (Index("operation_of_request", "project_id", "request"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    job_id: str | None = Field(default=None, foreign_key="job.id")
    renderer: str
    request: str
    seed: int
    operation: str
    collected: int | None = None
    closed: int | None = None
    created: int = Field(default_factory=now)


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
