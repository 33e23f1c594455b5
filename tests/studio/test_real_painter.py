"""The drawing process with the real painter on tiny random weights: all of the way, but for beauty."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.story import FrameSide
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.studio.helpers import ME, new_film, shots_of, wait_for_jobs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved pipeline of tiny random models."""
    from tests.engine.step2.tiny import tiny_pipeline

    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    tiny_pipeline().save_pretrained(folder)
    return folder


def test_a_film_by_the_real_painter(home: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_MINI_CHECKPOINT", str(checkpoint))
    with Studio(home) as studio:
        studio.start_worker()
        project, ids = new_film(studio, 3)
        studio.draw(ME, ids, seed=3, steps=2)
        jobs = wait_for_jobs(studio, project, 120)
        assert [(job.state, job.error) for job in jobs] == [(JobState.DONE, "")] * 3
        memory = studio.memory(ME, ids[2])
        assert [frame.rank for frame in memory.packed] == [1, 2, 3, 4]
        assert memory.grid == (4, 8)
        assert all(frame.similarity is not None for frame in memory.packed)
        assert memory.previous_end is not None
        assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 3
        first = studio.takes(ME, ids[0])[0]
        assert first.lineage.weights
        assert set(first.lineage.versions) >= {"torch", "diffusers", "transformers"}

        # Same words, seed and history give the same files; the kept half stays byte for byte.
        studio.draw(ME, [ids[0]], seed=3, steps=2)
        wait_for_jobs(studio, project, 60)
        again = studio.takes(ME, ids[0])[0]
        assert (again.start_sha256, again.end_sha256) == (first.start_sha256, first.end_sha256)
        studio.draw(ME, [ids[0]], seed=4, steps=2, keep=FrameSide.END)
        wait_for_jobs(studio, project, 60)
        kept = studio.takes(ME, ids[0])[0]
        assert kept.end_sha256 == first.end_sha256
        assert kept.start_sha256 != first.start_sha256

        # A pin comes first into the memory of the next drawing, and changes its pixels.
        before = studio.takes(ME, ids[2])[0]
        last = memory.packed[-1]
        assert last.shot_id is not None
        assert last.side is not None
        studio.pin(ME, project, last.shot_id, last.side)
        studio.draw(ME, [ids[2]], seed=3, steps=2)
        wait_for_jobs(studio, project, 60)
        pinned = studio.memory(ME, ids[2]).packed[0]
        assert (pinned.shot_id, pinned.side, pinned.pinned) == (last.shot_id, last.side, True)
        assert studio.takes(ME, ids[2])[0].start_sha256 != before.start_sha256


def test_a_missing_checkpoint_is_one_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_MINI_CHECKPOINT", str(tmp_path / "nowhere"))
    with Studio(home) as studio:
        studio.start_worker()
        project, ids = new_film(studio, 1)
        studio.draw(ME, ids)
        (job,) = wait_for_jobs(studio, project, 120)
        assert job.state is JobState.FAILED
        assert "nowhere" in job.error
        assert "stopped unexpectedly" not in job.error
