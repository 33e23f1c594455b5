"""A job that is cancelled around the loading of its painter draws nothing: loading itself hears nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.profiles import Profile
from studio.jobs import queue
from studio.jobs.bench import Bench, Painters
from studio.jobs.draw import draw
from studio.service.studio import Studio
from studio.store.tables import Job
from tests.studio.fake_painter import FlatPainter
from tests.studio.helpers import ME, new_film


def claimed(studio: Studio) -> Job:
    """A drawing that a worker has just taken."""
    _, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    job = queue.claim(studio.home.database, "me")
    assert job is not None
    return job


def bench(studio: Studio, job: Job, load: Callable[[Profile, Path | None], FlatPainter]) -> Bench:
    return Bench(studio.home, Painters(studio.home, load), job, "me", lambda: False)


def test_a_job_cancelled_before_loads_nothing(studio: Studio) -> None:
    job = claimed(studio)
    studio.cancel(ME, job.id)
    loaded: list[str] = []

    def load(profile: Profile, cache: Path | None) -> FlatPainter:
        loaded.append(profile.name)
        return FlatPainter(profile)

    with pytest.raises(Cancelled):
        draw(bench(studio, job, load))
    assert loaded == []


def test_a_job_cancelled_while_its_painter_is_loaded_begins_no_drawing(studio: Studio) -> None:
    job = claimed(studio)
    said: list[str] = []

    def load(profile: Profile, cache: Path | None) -> FlatPainter:
        said.extend(view.message for view in studio.jobs(ME, job.project_id))
        studio.cancel(ME, job.id)
        time.sleep(0.2)
        return FlatPainter(profile)

    with pytest.raises(Cancelled):
        draw(bench(studio, job, load))
    assert said == ["loading the painter"]
    with studio.home.database.read() as session:
        assert session.get_one(Job, job.id).resolved is None, "its words and its memory were not yet read"
