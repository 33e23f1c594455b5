"""What becomes of the work on shots that leave the film, by whatever edit, undo or redo they leave it."""

from __future__ import annotations

from sqlmodel import Session, col, or_, select

from studio.jobs import queue
from studio.service.paid import costs_money
from studio.store.states import JobState
from studio.store.tables import Job, Shot


def cancel_work_on_gone_shots(session: Session, project_id: str) -> None:
    """Cancels what waits or runs for shots in the trash or on the shelf of another version.

    An order that runs and is paid for goes on: what it brings waits with its shot.
    """
    session.flush()  # who left in this transaction
    gone = select(Shot.id).where(Shot.project_id == project_id)
    gone = gone.where(or_(col(Shot.trashed).is_not(None), col(Shot.shelf).is_not(None)))
    for job in queue.active_jobs(session, col(Job.shot_id).in_(gone)):
        if job.state != JobState.RUNNING.value or not costs_money(job):
            queue.cancel(session, job)
