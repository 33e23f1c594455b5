"""The jobs of a project as people see them: by the numbers that their shots have now, with what is before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.profile import Mode
from engine.profiles import mode_of
from studio.jobs.estimate import Pace
from studio.service.times import moment
from studio.service.views import JobView, WorkerView
from studio.store.states import JobKind, JobState
from studio.store.tables import Job

_FINISHED_SHOWN = 20
_PAID = "a picture that is ordered is paid, and waited for"
_SHOT_NUMBER = re.compile(r"\bshot \d+\b")
Known = dict[str, tuple[tuple[Job, Any], JobView]]


class JobViews:
    """`jobs` come newest first; `others` are the place in the queue of each job of the owner's other films
    that runs or waits, and if it runs; `index` says which shot is where. What is `known` of an earlier look
    is the very view of that time, as long as it would say the same: such jobs are rows that never change.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        pace: Pace,
        others: Sequence[tuple[int, bool]],
        index: Mapping[str, int],
        known: Known,
    ) -> None:
        self._jobs, self._pace, self._others, self._index, self._known = jobs, pace, others, index, known
        self._telling: dict[tuple[str, str], Job] = {}  # of each shot and kind, the job that says most
        for job in jobs:
            if job.shot_id is not None:
                told = self._telling.setdefault((job.shot_id, job.kind), job)
                if _rank(job) > _rank(told):
                    self._telling[job.shot_id, job.kind] = job
        for gone in known.keys() - {job.id for job in jobs}:
            known.pop(gone, None)

    def of(self, job: Job) -> JobView:
        """What the queue, and the card of its shot, say about a job of any session."""
        return _view(job, self._said(job))

    def _of(self, job: Job) -> JobView:
        said = self._said(job)
        known = self._known.get(job.id)
        if known is None or known[0][0] is not job or known[0][1] != said:
            known = self._known[job.id] = (job, said), _view(job, said)
        return known[1]

    def _said(self, job: Job) -> dict[str, Any]:
        """What changes about a job without a change of its row."""
        state = JobState(job.state)
        waits = state is JobState.QUEUED
        before = [runs for place, runs in self._others if waits and (runs or place < job.sequence)]
        return {
            "title": self.title(job),
            "eta_seconds": self._pace.remaining(job) if state.active else None,  # it goes by the clock
            "ahead": len(before),
            "ahead_waiting": before.count(False),
        }

    def title(self, job: Job) -> str:
        """What a job is called today: its shot may have moved since it was queued. One that is gone keeps the
        number that it had then.
        """
        index = self._index.get(job.shot_id or "")
        return job.title if index is None else _SHOT_NUMBER.sub(f"shot {index + 1}", job.title)

    def listed(self) -> tuple[JobView, ...]:
        """Active jobs in running order, then the last finished ones, newest first."""
        active = [job for job in self._jobs if JobState(job.state).active]
        active.sort(key=lambda job: (job.state != JobState.RUNNING.value, job.sequence, job.created))
        ended = [job for job in self._jobs if not JobState(job.state).active]
        ended.sort(key=lambda job: -(job.finished or 0))
        return tuple(self._of(job) for job in [*active, *ended[:_FINISHED_SHOWN]])

    def latest(self, shot_id: str, kind: JobKind) -> JobView | None:
        """What is at work on a shot: the job of that kind that runs, else the newest that waits, else the
        newest of all if it failed.
        """
        job = self._telling.get((shot_id, kind.value))
        if job is None or not (JobState(job.state).active or job.state == JobState.FAILED.value):
            return None
        return self._of(job)

    def doing(self, worker: WorkerView) -> WorkerView:
        """The drawing process says what it does in words of when that was queued; here in those of now."""
        running = [job for job in self._jobs if job.state == JobState.RUNNING.value]
        now_called = (self.title(job) for job in running if job.title == worker.message)
        elsewhere = any(runs for _, runs in self._others) and not running
        return worker.model_copy(update={"message": next(now_called, worker.message), "elsewhere": elsewhere})


def _rank(job: Job) -> int:
    """Which job of a shot says more about it, whatever is newer."""
    return 2 if job.state == JobState.RUNNING.value else int(JobState(job.state).active)


def _draws_for_money(job: Job) -> bool:
    """Whether a service draws its pictures: such a job stops when the one that is ordered has come."""
    return job.kind == JobKind.DRAW.value and mode_of(job.profile) is Mode.HOSTED


def _view(job: Job, said: Mapping[str, Any]) -> JobView:
    state = JobState(job.state)
    stopping = state is JobState.RUNNING and (job.cancel_requested or job.pause_requested)
    return JobView(
        id=job.id,
        project_id=job.project_id,
        shot_id=job.shot_id,
        kind=JobKind(job.kind),
        state=state,
        step=job.step,
        total=job.total,
        progress=1.0 if state is JobState.DONE else job.step / job.total if job.total else 0.0,
        message=_PAID if stopping and _draws_for_money(job) else job.message,
        error=job.error,
        sequence=job.sequence,
        stopping=stopping,
        attempts=job.attempts,
        created=moment(job.created),
        finished=moment(job.finished) if job.finished else None,
        **said,
    )
