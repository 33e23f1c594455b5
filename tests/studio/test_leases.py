"""Who holds a job, and what becomes of it when its worker dies or is asked to leave."""

from __future__ import annotations

import pytest

from studio.jobs import queue
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.tables import Job, now
from tests.studio.helpers import ME, new_film


def test_leases(studio: Studio) -> None:
    """What runs out is queued again, a worker that lost its lease can write nothing, and the third death
    is the last.
    """
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    database = studio.home.database
    for attempt in (1, 2, 3):
        job = queue.claim(database, f"worker {attempt}")
        assert job is not None
        assert job.attempts == attempt
        assert queue.claim(database, "another") is None
        with database.write() as session:
            session.get_one(Job, job.id).lease_until = now() - 1
    assert queue.claim(database, "worker 4") is None
    (view,) = studio.jobs(ME, project)
    assert (view.state, view.error) == (JobState.FAILED, queue.CRASHED)
    with pytest.raises(queue.LeaseLost):
        queue.report(database, view.id, "worker 3", 1, 2)


def test_a_job_handed_back_does_not_count_as_a_crash(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    for _ in range(5):
        job = queue.claim(studio.home.database, "me")
        assert job is not None
        queue.hand_back(studio.home.database, job.id, "me")
    assert studio.jobs(ME, project)[0].attempts == 0


def test_a_worker_who_was_asked_to_leave_fails_nothing(studio: Studio) -> None:
    """The studio is closed again and again while a model loads, which nothing can interrupt."""
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    for _ in range(2 * queue.MAX_ATTEMPTS):
        assert queue.claim(studio.home.database, "me") is not None
        queue.release(studio.home.database, "me", asked=True)
        assert studio.jobs(ME, project)[0].state is JobState.QUEUED
    for _ in range(queue.MAX_ATTEMPTS):
        assert queue.claim(studio.home.database, "me") is not None
        queue.release(studio.home.database, "me")
    assert studio.jobs(ME, project)[0].error == queue.CRASHED
