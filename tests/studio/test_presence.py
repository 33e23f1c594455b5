"""A drawing process that cannot start says so by its supervisor, and no longer once it can."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.jobs import presence
from studio.service.studio import Studio
from studio.service.views import JobState, Patch
from tests.studio.helpers import ME, new_film, wait_for_jobs, wait_until

LATE = "from tests.studio.fake_painter import load\n"


@pytest.mark.slow
def test_a_worker_that_cannot_start_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The painter that it is to use comes only later, so every worker dies before it begins. A page that
    shows a waiting job hears of it, though nobody edited anything.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Studio(home, painter="late_painter:load") as studio:
        project, (shot,) = new_film(studio, 1)
        studio.draw(ME, [shot])
        seen = studio.project(ME, project)
        assert (seen.worker.alive, seen.worker.message) == (False, "starting")
        news = [Patch(revision=seen.revision)]

        def heard() -> bool:
            news.append(studio.changes(ME, project, seen.revision))
            return not news[-1].empty

        studio.start_worker()
        wait_until(heard)
        worker, (job,) = news[-1].worker, news[-1].jobs
        assert worker is not None
        assert (worker.alive, worker.message) == (False, presence.CANNOT_START)
        assert (job.state, job.message) == (JobState.QUEUED, presence.CANNOT_DRAW)
        assert job.attempts == 0, "what could not be begun is no failure of the job"
        assert "late_painter" in (home / "worker.log").read_text(), "where the sentence sends people"
        studio.supervisor.close()
        assert studio.worker().message == "starting", "nobody tries any more"
        assert studio.jobs(ME, project)[0].message == ""
    with Studio(home, painter="late_painter:load") as studio:
        studio.start_worker()
        wait_until(lambda: studio.worker().message == presence.CANNOT_START)
        (tmp_path / "late_painter.py").write_text(LATE)
        wait_until(lambda: studio.worker().alive)
        assert [job.state for job in wait_for_jobs(studio, project)] == [JobState.DONE]


def test_a_row_that_speaks_for_the_worker_goes_with_what_it_said(studio: Studio) -> None:
    """Also what is said at a job that was put aside meanwhile; other words are left alone."""
    project, ids = new_film(studio, 2)
    first, _ = studio.draw(ME, ids)
    database = studio.home.database
    presence.cannot_start(database)
    studio.pause(ME, first.id)
    assert [job.message for job in studio.jobs(ME, project)] == [presence.CANNOT_DRAW] * 2
    told = studio.project(ME, project).revision
    presence.cannot_start(database)
    assert studio.project(ME, project).revision == told, "pages are told once"
    presence.take_back(database)
    assert [job.message for job in studio.jobs(ME, project)] == ["", ""]
    assert studio.worker().message == "starting"
