"""How many takes and clips each shot has, the last jobs of a project, its newest film, its log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import func, or_
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from studio.project.commands import Log, read_log
from studio.project.rows import Reading
from studio.store.states import JobState
from studio.store.tables import Clip, Command, Film, Job, Measure, Take

ENDED_READ = 400
_ACTIVE = tuple(state.value for state in JobState if state.active)


@dataclass(frozen=True)
class Counts:
    """What a film's shots have, by shot."""

    takes: dict[str, int]
    takes_marks: dict[str, str]
    clips: dict[str, int]


def read_counts(session: Session, project_id: str) -> Counts:
    return Counts(
        count_takes(session, project_id), mark_takes(session, project_id), count_clips(session, project_id)
    )


def count_clips(session: Session, project_id: str) -> dict[str, int]:
    counts = select(Clip.shot_id, func.count()).where(Clip.project_id == project_id).group_by(Clip.shot_id)
    return dict(session.exec(counts).all())


def count_takes(session: Session, project_id: str) -> dict[str, int]:
    counts = select(Take.shot_id, func.count()).where(Take.project_id == project_id).group_by(Take.shot_id)
    return dict(session.exec(counts).all())


def mark_takes(session: Session, project_id: str) -> dict[str, str]:
    """A short text for each shot that changes with what is said about its takes."""
    told = or_(col(Take.locked), col(Take.rejected), col(Take.note) != "")
    said = select(Take).where(Take.project_id == project_id, told).order_by(col(Take.id))
    slim = said.options(defer(Take.conditions), defer(Take.memory), defer(Take.recipe))  # type: ignore[arg-type]
    marks: dict[str, str] = {}
    for take in session.exec(slim):
        text = f"{marks.get(take.shot_id, '')}{take.id}{take.locked}{take.rejected}{take.note}"
        marks[take.shot_id] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return marks


def read_jobs(reading: Reading, project_id: str) -> list[Job]:
    """The project's active jobs and its last ones, newest first, without their long snapshots."""
    newest = (col(Job.created).desc(), col(Job.sequence).desc())
    mine = Job.project_id == project_id
    last = select(Job.id).where(mine).order_by(*newest).limit(ENDED_READ)
    told = or_(col(Job.state).in_(_ACTIVE), col(Job.id).in_(last))
    return reading.rows.jobs.read(reading.session, mine, told, order=newest)


def read_others(session: Session, owner: str, project_id: str) -> list[tuple[int, bool]]:
    """The place in the queue of each job of the owner's other films that runs or waits, and if it runs."""
    query = select(Job.sequence, Job.state).where(Job.owner == owner, Job.project_id != project_id)
    found = session.exec(query.where(col(Job.state).in_((JobState.RUNNING.value, JobState.QUEUED.value))))
    return [(place, state == JobState.RUNNING.value) for place, state in found]


def known_log(reading: Reading, project_id: str) -> Log:
    """The log at the moment of a reading, from what an earlier one knew of it: never from a later one."""
    stamp, notes = reading.stamps[str(Command.__tablename__)], reading.rows.notes
    at, known = notes.get("log", (0, Log()))
    log = read_log(reading.session, project_id, known if at <= stamp else Log())
    if at <= stamp:
        notes["log"] = stamp, log
    return log


def newest_film(session: Session, project_id: str) -> Film | None:
    films = select(Film).where(Film.project_id == project_id).order_by(col(Film.created).desc())
    return session.exec(films.limit(1)).first()


def count_measures(session: Session, owner: str) -> int:
    return session.exec(select(func.count()).select_from(Measure).where(Measure.owner == owner)).one()
