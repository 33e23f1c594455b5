"""How long work takes on this machine, learnt from what is finished; waiting in the queue does not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import func, select
from sqlmodel import Session, col

from studio.store.states import JobState
from studio.store.tables import Job, now

_RECENT = 20


@dataclass(frozen=True)
class Pace:
    """Seconds a unit of work (a step of a take, a frame of a film) by kind and profile."""

    seconds_a_unit: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def duration(self, kind: str, profile: str, units: int) -> float | None:
        """Seconds for so much work, or None when none was ever finished here."""
        pace = self.seconds_a_unit.get((kind, profile))
        return None if pace is None else pace * units

    def remaining(self, job: Job) -> float | None:
        """Seconds that a job still needs once it runs; a running one is measured by its own steps first."""
        whole = self.duration(job.kind, job.profile, job.units)
        if JobState(job.state) is not JobState.RUNNING or not job.total:
            return whole
        left = 1 - job.step / job.total
        if whole is not None:
            return whole * left
        passed = (now() - (job.started or now())) / 1000
        return passed / job.step * (job.total - job.step) if job.step else None


def last_finished(session: Session) -> tuple[int, int | None]:
    """What changes when there is more to learn a pace from: how many jobs are done, and when the last was."""
    done = select(func.count(), func.max(col(Job.finished))).where(col(Job.state) == JobState.DONE.value)
    count, newest = session.execute(done).one()
    return count, newest


def learn_pace(session: Session) -> Pace:
    """The median pace of the last finished jobs of each kind and profile."""
    newest = func.row_number().over(
        partition_by=(col(Job.kind), col(Job.profile)), order_by=col(Job.finished).desc()
    )
    done = select(
        col(Job.kind), col(Job.profile), col(Job.seconds), col(Job.units), newest.label("age")
    ).where(col(Job.state) == JobState.DONE.value, col(Job.seconds) > 0, col(Job.units) > 0)
    recent = done.subquery()
    samples: dict[tuple[str, str], list[float]] = {}
    rows = select(recent.c.kind, recent.c.profile, recent.c.seconds, recent.c.units)
    for kind, profile, seconds, units in session.execute(rows.where(recent.c.age <= _RECENT)):
        samples.setdefault((kind, profile), []).append(seconds / units)
    return Pace({key: median(values) for key, values in samples.items()})
