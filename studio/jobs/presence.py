"""What people are told of a drawing process that is not there: that it cannot start, and what to do.

One that works says so by its heartbeat. One that dies before its first cannot, so its supervisor speaks for
it: in a row of its own, and at the jobs that wait, which takes the news to every page that shows them.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from studio.jobs.queue import WAITING
from studio.store.database import Database
from studio.store.tables import Job, Project, Worker, now

UNSTARTED = "unstarted"
"""The id of the row that stands for a drawing process which cannot start."""
CANNOT_START = (
    "cannot start: the end of worker.log in the studio's folder says why, and `stage doctor` looks over the "
    "installation; it is tried again all the while"
)
CANNOT_DRAW = "the drawing process cannot start"


def began(database: Database, worker_id: str) -> bool:
    """Whether this worker's heart has beaten."""
    with database.read() as session:
        return session.get(Worker, worker_id) is not None


def cannot_start(database: Database) -> None:
    """Says that no worker comes to life. For the supervisor, who saw several die at once."""
    with database.write() as session:
        row = session.get(Worker, UNSTARTED) or Worker(id=UNSTARTED, pid=0)
        row.heartbeat, row.message = now(), CANNOT_START
        session.add(row)
        _say(session, "", CANNOT_DRAW)


def take_back(database: Database) -> None:
    """Says no longer that none can start: one has, or nobody tries to start one any more."""
    with database.write() as session:
        row = session.get(Worker, UNSTARTED)
        if row is not None:
            session.delete(row)
            _say(session, CANNOT_DRAW, "")


def _say(session: Session, instead_of: str, message: str) -> None:
    """Changes what is said at the jobs that wait."""
    waiting = select(Job).where(col(Job.state).in_(WAITING), Job.message == instead_of)
    for job in session.exec(waiting).all():
        job.message = message
        session.add(job)
        session.get_one(Project, job.project_id).revision += 1  # nobody edited it, so it is not "updated"
