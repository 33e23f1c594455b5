"""After a pair is drawn its frames are compared with others: when that fails, the pair is kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.errors import Cancelled, CheckpointError
from engine.profiles import Profile
from engine.step2.conditions import StoredFrame
from studio.jobs.worker import Worker
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.studio.fake_painter import FlatPainter
from tests.studio.helpers import ME, new_film, shots_of, wait_for_jobs, wait_until


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (
            CheckpointError("The ranker is missing: fetch it again."),
            "failed: The ranker is missing: fetch it again.",
        ),
        (RuntimeError("the paint is dry"), "failed"),
        (Cancelled(), "are compared with others later"),
    ],
)
def test_the_log_says_what_failed_and_that_the_pair_is_kept(
    studio: Studio, caplog: pytest.LogCaptureFixture, trouble: Exception, told: str
) -> None:
    class Blind(FlatPainter):
        def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
            raise trouble

    def load(profile: Profile, cache: Path | None = None) -> Blind:
        return Blind(profile)

    caplog.set_level(logging.INFO, "studio.worker")
    project, ids = new_film(studio, 2)
    studio.draw(ME, ids)
    worker = Worker(studio.home, "mine", load)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        jobs = wait_for_jobs(studio, project)
        wait_until(lambda: any(told in record.message for record in caplog.records), 20)
    finally:
        worker.stop()
        thread.join()
    assert [(job.state, job.error) for job in jobs] == [(JobState.DONE, "")] * 2
    assert all(shot.take_id for shot in shots_of(studio, project))
    (line,) = [record for record in caplog.records if "drawn and kept" in record.message]
    assert line.message.startswith("Draw shot 2: drawn and kept")
    assert line.message.endswith(told)
    assert bool(line.exc_info) is isinstance(trouble, RuntimeError), "a fault of the program shows its trace"
    assert not any("does not hold the job" in record.message for record in caplog.records)
