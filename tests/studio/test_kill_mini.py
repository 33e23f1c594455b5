"""The kill test with the real checkpoint: SIGKILL while it draws, and no finished frame is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine.profiles import get_profile
from engine.step2.conditions import PairConditions
from engine.step2.painter import load_painter
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.studio.helpers import ME, blob_files, shots_of, wait_for_jobs, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
THEME = "An old fisherman finds a lost child on a stormy harbour at night"


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_the_mini_checkpoint_draws(home: Path) -> None:
    with Studio(home) as studio:
        project = studio.create_project(ME).head.id
        list(studio.direct(ME, project, THEME, shots=4, seed=7))
        ids = [shot.id for shot in shots_of(studio, project)]
        studio.draw(ME, ids, seed=7)
        studio.start_worker()
        wait_until(lambda: sum(s.take_id is not None for s in shots_of(studio, project)) == 2, 240)
        wait_until(lambda: (job := studio.jobs(ME, project)[0]).state is JobState.RUNNING and job.step > 0)
        finished = [studio.takes(ME, id) for id in ids[:2]]
        pid = studio.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        jobs = wait_for_jobs(studio, project, 240)
        assert [(job.state, job.error) for job in jobs] == [(JobState.DONE, "")] * 4
        assert [studio.takes(ME, id) for id in ids[:2]] == finished
        takes = [studio.takes(ME, id) for id in ids]
        assert [len(t) for t in takes] == [1, 1, 1, 1]
        assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 4
        assert len(blob_files(home)) == 8

    # The first pair does not depend on what was killed later: drawing it here gives the very same files.
    prompt, recipe = takes[0][0].lineage.prompt, takes[0][0].lineage
    painter = load_painter(get_profile("mini"))
    description = shots_of_first(home, project)
    again = painter.draw(PairConditions(prompt=prompt, description=description), [recipe.seed])[0]
    with Studio(home) as studio:
        assert studio.home.frame(takes[0][0].start_sha256).read_bytes() == again.start
        assert studio.home.frame(takes[0][0].end_sha256).read_bytes() == again.end


def shots_of_first(home: Path, project: str) -> str:
    """The description of the film's first shot, as a new start of the program reads it."""
    with Studio(home) as studio:
        return shots_of(studio, project)[0].description
