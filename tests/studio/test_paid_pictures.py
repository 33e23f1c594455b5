"""The pictures of a hosted painter are paid: a drawing that is tried again orders only what is not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.profiles import KEY_VARIABLES, MODELS_VARIABLE
from engine.step2.hosted import BASE_VARIABLE
from studio.film_command import make_film
from studio.jobs.worker import Worker
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.engine.step2.image_service import ImageService, image_service
from tests.engine.step2.tiny import tiny_ranker
from tests.studio.helpers import ME, new_film, wait_for_jobs, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ImageService]:
    with image_service() as running:
        monkeypatch.setenv(KEY_VARIABLES[0], "sk-very-secret-0123456789")
        monkeypatch.setenv(BASE_VARIABLE, running.url)
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
        tiny_ranker().save_pretrained(tmp_path / "ranker")
        yield running


@contextmanager
def at_work(studio: Studio) -> Iterator[None]:
    """A worker with the real painters, until the block ends: then it is asked to leave."""
    worker = Worker(studio.home, "mine")
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def film(studio: Studio) -> tuple[str, str]:
    project, (shot,) = new_film(studio, 1)
    studio.edit_project(ME, project, profile="hosted-edit")
    return project, shot


def test_a_drawing_that_failed_late_is_tried_again(studio: Studio, service: ImageService) -> None:
    project, shot = film(studio)
    for _ in range(3):
        service.next(200)
    service.next(400, {"code": "moderation_blocked", "message": "rejected"})
    (job,) = studio.draw(ME, [shot], takes=2)
    with at_work(studio):
        wait_for_jobs(studio, project)
        assert studio.takes(ME, shot) == ()
        studio.retry(ME, job.id)
        wait_for_jobs(studio, project)
    takes = studio.takes(ME, shot)
    assert len(takes) == 2
    assert len({sha for take in takes for sha in (take.start_sha256, take.end_sha256)}) == 4
    assert len(service.asked) == 5, "the refused one twice, all others once"
    assert not (studio.home.cache / "paid").exists(), "what is stored as a take is not kept twice"


def test_a_cancel_waits_for_the_picture_that_is_paid_and_keeps_it(
    studio: Studio, service: ImageService
) -> None:
    project, shot = film(studio)
    service.next("slow")
    (job,) = studio.draw(ME, [shot])
    with at_work(studio):
        wait_until(lambda: bool(service.asked))
        told = studio.cancel(ME, job.id)
        assert (told.state, told.stopping) == (JobState.RUNNING, True)
        assert told.message == "a picture that is ordered is paid, and waited for"
        wait_for_jobs(studio, project)
    assert [job.state for job in studio.jobs(ME, project)] == [JobState.CANCELLED]
    assert (len(service.asked), studio.takes(ME, shot)) == (1, ()), "no other one is ordered"
    assert len(list((studio.home.cache / "paid").glob("*.png"))) == 1
    with at_work(studio):
        studio.retry(ME, job.id)
        wait_for_jobs(studio, project)
    assert (len(service.asked), len(studio.takes(ME, shot))) == (2, 1)


def test_a_film_that_is_drawn_zero_shot_says_so(
    service: ImageService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_film(
        "A boat leaves the harbour",
        tmp_path / "film.mp4",
        shots=1,
        seed=0,
        profile="hosted-edit",
        pins=[],
        screenplay=None,
        renderer="dissolve",
    )
    assert len(service.asked) == 2
    assert "Zero-shot by a service on the network" in capsys.readouterr().err


def test_a_studio_that_is_closed_while_it_draws_goes_on(studio: Studio, service: ImageService) -> None:
    project, shot = film(studio)
    service.next("slow")
    studio.draw(ME, [shot])
    with at_work(studio):
        wait_until(lambda: bool(service.asked))
    assert [job.state for job in studio.jobs(ME, project)] == [JobState.QUEUED]
    with at_work(studio):
        wait_for_jobs(studio, project)
    assert len(studio.takes(ME, shot)) == 1
    assert len(service.asked) == 2
