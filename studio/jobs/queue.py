"""The job table as a queue: claim, lease, report, finish. Every step is one short transaction.

A worker holds a job by a lease that its heartbeat renews. When the worker dies, the lease runs out (or the
supervisor, who saw it die, ends it) and the job is queued again; after `MAX_ATTEMPTS` such deaths it fails
with a sentence. All that a worker writes is guarded by its lease, so a job is never worked on, or
finished, by two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.project.commands import touch
from studio.store.database import Database
from studio.store.states import JobKind, JobState
from studio.store.tables import Job, Project, Worker, now

LEASE_MILLISECONDS = 15_000
MAX_ATTEMPTS = 3
CRASHED = (
    f"The drawing process stopped {MAX_ATTEMPTS} times while working on this: look into worker.log, "
    "close other programs or draw fewer takes at once, then try again."
)
WAITING = (JobState.QUEUED.value, JobState.PAUSED.value)
_ACTIVE = tuple(state.value for state in JobState if state.active)
_QUEUED, _RUNNING = JobState.QUEUED.value, JobState.RUNNING.value


class LeaseLost(Exception):  # noqa: N818 - an event between workers, never shown to people
    """The job is not this worker's any more: it was taken for dead, or the job was ended by somebody."""


def enqueue(
    session: Session,
    project: Project,
    kind: JobKind,
    title: str,
    order: Mapping[str, Any],
    *,
    shot_id: str | None = None,
    units: int = 0,
    sequence: int | None = None,
    profile: str | None = None,
) -> Job:
    """Adds a job at the end of the queue, or at the place of one that it replaces.

    `profile` says who does it and by what its pace is learnt, where that is not the project's own (a
    renderer, for clips; the profile of a take that is drawn again).
    """
    if sequence is None:
        sequence = (session.exec(select(func.max(Job.sequence))).one() or 0) + 1
    job = Job(
        owner=project.owner,
        project_id=project.id,
        shot_id=shot_id,
        kind=kind.value,
        profile=profile or project.profile,
        sequence=sequence,
        title=title,
        order=dict(order),
        units=units,
    )
    session.add(job)
    session.flush()
    touch(project)
    return job


def first_in_line(session: Session) -> int:
    """A place in front of every job that waits, for short work that somebody is looking at.

    It is also in front of what runs, which may wait again: no two jobs may have one place.
    """
    first = session.exec(select(func.min(Job.sequence)).where(col(Job.state).in_(_ACTIVE))).one()
    last = session.exec(select(func.max(Job.sequence))).one()
    return int(first) - 1 if first is not None else int(last or 0) + 1


def cancel(session: Session, job: Job) -> None:
    """Ends a waiting job at once, and asks the worker of a running one to stop. Others stay as they are."""
    if job.state in WAITING:
        end(session, job, JobState.CANCELLED)
    elif job.state == _RUNNING:
        job.cancel_requested = True
        _changed(session, job)


def pause(session: Session, job: Job) -> None:
    """Holds a waiting job at once, and asks the worker of a running one to put it down within a step."""
    if job.state == _QUEUED:
        job.state = JobState.PAUSED.value
        _turned(session, job)
    elif job.state == _RUNNING and not job.cancel_requested:
        job.pause_requested = True
        _changed(session, job)


def resume(session: Session, job: Job) -> None:
    """Lets a paused job wait for its turn again; one that was asked to pause, and still runs, goes on."""
    if job.state == JobState.PAUSED.value:
        job.state = _QUEUED
        _turned(session, job)
    elif job.pause_requested:
        job.pause_requested = False
        _changed(session, job)


def reorder(session: Session, jobs: Sequence[Job]) -> None:
    """Puts waiting jobs in this order: they share out the places in the queue that they have already, so
    that nobody else's work is moved.
    """
    places = sorted(job.sequence for job in jobs)
    moved = [(job, place) for job, place in zip(jobs, places, strict=True) if job.sequence != place]
    for job, place in moved:
        job.sequence = place
        _changed(session, job)
    if moved:
        _turned(session, moved[0][0])


def waiting_jobs(session: Session, *conditions: Any) -> list[Job]:
    """Jobs that wait or are paused, of those that fit the conditions."""
    query = select(Job).where(col(Job.state).in_(WAITING), *conditions)
    return list(session.exec(query.order_by(col(Job.sequence), col(Job.created))).all())


def replaces(order: Mapping[str, Any], waiting: Mapping[str, Any]) -> bool:
    """Whether a new order of the same kind and shot makes a waiting one superfluous: a text (`text_only`)
    brings no clip, and an exact repetition (`again`) is not what a new drawing is.
    """
    if order.get("again") or waiting.get("again"):
        return False
    return not order.get("text_only") or bool(waiting.get("text_only"))


def active_jobs(session: Session, *conditions: Any) -> list[Job]:
    """Jobs that run, wait or are paused, of those that fit the conditions."""
    query = select(Job).where(col(Job.state).in_(_ACTIVE), *conditions)
    return list(session.exec(query.order_by(col(Job.sequence), col(Job.created))).all())


def cancel_all(session: Session, project_id: str) -> None:
    """Cancels all work on a project."""
    for job in active_jobs(session, Job.project_id == project_id):
        cancel(session, job)


def claim(database: Database, worker_id: str) -> Job | None:
    """Takes the next job, or None. A project has one running job at a time: shots are drawn in order."""
    if not _has_work(database):
        return None
    with database.write() as session:
        _end_leases(session, col(Job.lease_until) < now())
        busy = set(session.exec(select(Job.project_id).where(Job.state == _RUNNING)).all())
        waiting = select(Job).where(Job.state == _QUEUED).order_by(col(Job.sequence), col(Job.created))
        job = next((job for job in session.exec(waiting) if job.project_id not in busy), None)
        if job is None:
            return None
        job.state = _RUNNING
        job.lease_owner, job.lease_until = worker_id, now() + LEASE_MILLISECONDS
        job.attempts += 1
        job.step = job.total = 0
        job.started, job.finished = now(), None
        _turned(session, job)
        return job


def release(database: Database, worker_id: str, *, asked: bool = False) -> None:
    """Queues again what a dead worker held, and forgets the worker. For the supervisor, who saw it die; where
    he `asked` it to leave, this does not count as a failed attempt.
    """
    with database.write() as session:
        if asked:
            for job in session.exec(select(Job).where(Job.state == _RUNNING, Job.lease_owner == worker_id)):
                job.attempts -= 1
        _end_leases(session, col(Job.lease_owner) == worker_id)
        worker = session.get(Worker, worker_id)
        if worker is not None:
            session.delete(worker)


def hand_back(database: Database, job_id: str, worker_id: str) -> None:
    """Puts a job down because its worker is asked to: this does not count as a failed attempt. It waits
    again, or is paused or cancelled where that was asked for.
    """
    with database.write() as session:
        job = held(session, job_id, worker_id)
        job.attempts -= 1
        _put_down(session, job)


def beat(database: Database, worker_id: str, pid: int, message: str, job_id: str | None) -> None:
    """Says that the worker lives, and renews the lease of its job."""
    with database.write() as session:
        worker = session.get(Worker, worker_id) or Worker(id=worker_id, pid=pid)
        worker.heartbeat, worker.message = now(), message
        session.add(worker)
        if job_id is not None:
            job = session.get(Job, job_id)
            if job is not None and job.state == _RUNNING and job.lease_owner == worker_id:
                job.lease_until = now() + LEASE_MILLISECONDS


def report(database: Database, job_id: str, worker_id: str, step: int, total: int, message: str = "") -> None:
    """Writes progress for people to see. Raises LeaseLost."""
    with database.write() as session:
        job = held(session, job_id, worker_id)
        job.step, job.total, job.message = step, total, message
        job.lease_until = now() + LEASE_MILLISECONDS
        _changed(session, job)


def stop_requested(database: Database, job_id: str) -> bool:
    """Whether somebody asked for the running job to be cancelled or paused."""
    with database.read() as session:
        asked = col(Job.cancel_requested) | col(Job.pause_requested)
        return bool(session.exec(select(asked).where(Job.id == job_id)).one())


def held(session: Session, job_id: str, worker_id: str) -> Job:
    """The job, if it still is this worker's, inside the transaction that writes. Raises LeaseLost."""
    job = session.get(Job, job_id)
    if job is None or job.state != _RUNNING or job.lease_owner != worker_id:
        raise LeaseLost(job_id)
    return job


def end(session: Session, job: Job, state: JobState, *, error: str = "", seconds: float = 0.0) -> None:
    """Ends a job, in the transaction that also writes its results."""
    job.state, job.error, job.seconds = state.value, error, seconds
    job.message, job.lease_owner, job.lease_until, job.finished = "", None, None, now()
    job.pause_requested = False
    _turned(session, job)


def end_held(database: Database, job_id: str, worker_id: str, state: JobState, error: str = "") -> None:
    """Ends a job without results. Raises LeaseLost."""
    with database.write() as session:
        end(session, held(session, job_id, worker_id), state, error=error)


def _has_work(database: Database) -> bool:
    """A cheap look without the write lock: something waits, or a lease ran out."""
    with database.read() as session:
        expired = (col(Job.state) == _RUNNING) & (col(Job.lease_until) < now())
        query = select(Job.id).where((col(Job.state) == _QUEUED) | expired).limit(1)
        return session.exec(query).first() is not None


def _end_leases(session: Session, condition: Any) -> None:
    for job in session.exec(select(Job).where(Job.state == _RUNNING, condition)).all():
        if job.attempts >= MAX_ATTEMPTS and not job.cancel_requested:
            end(session, job, JobState.FAILED, error=CRASHED)
        else:
            _put_down(session, job)


def _put_down(session: Session, job: Job) -> None:
    """What becomes of a job that no worker holds any more."""
    if job.cancel_requested:
        end(session, job, JobState.CANCELLED)
        return
    job.state = JobState.PAUSED.value if job.pause_requested else _QUEUED
    job.lease_owner, job.lease_until, job.pause_requested = None, None, False
    job.step, job.total, job.message, job.started = 0, 0, "", None
    _turned(session, job)


def _turned(session: Session, job: Job) -> None:
    """As `_changed`, of a job that took another place or state: the owner's other films with jobs that wait
    are news, too, for more or fewer jobs are before theirs now.
    """
    _changed(session, job)
    waiting = select(Job.project_id).where(Job.state == _QUEUED, Job.owner == job.owner)
    for project_id in set(session.exec(waiting.where(Job.project_id != job.project_id)).all()):
        session.get_one(Project, project_id).revision += 1  # nobody edited it, so it is not "updated"


def _changed(session: Session, job: Job) -> None:
    session.add(job)
    touch(session.get_one(Project, job.project_id))
