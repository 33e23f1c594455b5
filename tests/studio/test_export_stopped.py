"""Stopping while the film is joined: a cancelled film is none, a paused one is made when it goes on."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.video.encode import ffmpeg
from studio.jobs import queue
from studio.jobs.bench import Bench, Painters
from studio.jobs.export import export
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.studio.helpers import ME, draw_all_here, new_film, wait_for_jobs, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs a shell")]


@pytest.fixture
def slow_to_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real ffmpeg, but joining takes a minute while this file is there."""
    holding = tmp_path / "holding"
    holding.touch()
    program = tmp_path / "ffmpeg"
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" concat "*) [ -e {holding} ] && exec sleep 60;; esac\n'
        f'exec "{ffmpeg()}" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    return holding


def joining(studio: Studio, project: str) -> bool:
    return any(job.message == "joining the clips" for job in studio.jobs(ME, project))


def test_a_film_that_is_cancelled_or_paused_while_it_is_joined(slow_to_join: Path, working: Studio) -> None:
    project, (shot,) = new_film(working, 1)
    draw_all_here(working, project)
    working.edit_shot(ME, shot, length=4)
    job = working.export(ME, project)
    wait_until(lambda: joining(working, project), 120)
    working.cancel(ME, job.id)
    (job,) = wait_for_jobs(working, project, 30)
    assert (job.state, job.error) == (JobState.CANCELLED, "")
    assert working.film(ME, project) is None
    assert len(working.clips(ME, shot)) == 1

    job = working.export(ME, project)
    wait_until(lambda: joining(working, project), 120)
    working.pause(ME, job.id)
    wait_until(lambda: working.jobs(ME, project)[0].state is JobState.PAUSED, 30)
    slow_to_join.unlink()
    working.resume(ME, job.id)
    assert wait_for_jobs(working, project, 60)[0].state is JobState.DONE
    assert working.film(ME, project) is not None
    assert len(working.clips(ME, shot)) == 1


def test_a_film_that_is_cancelled_at_the_very_last_moment_is_none(studio: Studio) -> None:
    """Between the last look at the stop sign and the row of the film."""
    project, (shot,) = new_film(studio, 1)
    draw_all_here(studio, project)
    studio.edit_shot(ME, shot, length=4)
    asked = studio.export(ME, project)
    job = queue.claim(studio.home.database, "here")
    assert job is not None

    def cancels() -> bool:
        studio.cancel(ME, asked.id)
        return False

    deaf = Bench(studio.home, Painters(studio.home), job, "here", cancels, _asked=math.inf)
    with pytest.raises(Cancelled):
        export(deaf)
    assert studio.film(ME, project) is None
