"""A film rendered by a paid service in the real worker process: paid once whatever happens, no key left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from engine.errors import Cancelled, UnsupportedError
from studio.jobs import queue
from studio.jobs.bench import Bench, Painters
from studio.jobs.clips import render
from studio.jobs.export import export
from studio.service.studio import Studio
from studio.service.views import JobState, JobView
from studio.store.states import JobKind
from studio.store.tables import RemoteOperation
from tests.engine.agents.fake_server import FakeServer, Say
from tests.engine.video.pairs import scenery, seen
from tests.engine.video.services import KEY, Answer, Fal, serving, video_file
from tests.studio.helpers import ME, draw_all_here, new_film, shots_of, wait_for_jobs

pytestmark = pytest.mark.slow
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture
def fal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fal]:
    service = Fal(video_file(tmp_path, seen(scenery(1)), seen(scenery(2))))
    with serving(service):
        monkeypatch.setenv("STAGE_FAL_URL", service.url)
        monkeypatch.setenv("FAL_KEY", KEY)
        yield service


@pytest.fixture
def shot(studio: Studio, fal: Fal) -> str:
    """A drawn shot of four frames in a film whose renderer is fal."""
    project, (id,) = new_film(studio, 1)
    draw_all_here(studio, project)
    studio.edit_shot(ME, id, length=4)
    studio.edit_project(ME, project, renderer="fal-veo-3.1")
    return id


def project_of(studio: Studio) -> str:
    (project,) = studio.projects(ME)
    return project.id


def rendered(studio: Studio, shot: str) -> JobView:
    """Renders the shot and waits for it."""
    studio.render(ME, [shot])
    return wait_for_jobs(studio, project_of(studio), 120)[0]


def operations(studio: Studio) -> list[RemoteOperation]:
    with studio.home.database.read() as session:
        return list(session.exec(select(RemoteOperation).order_by(RemoteOperation.created)).all())  # type: ignore[arg-type]


@posix
def test_what_is_paid_is_paid_once(studio: Studio, fal: Fal, shot: str, home: Path) -> None:
    """One day: killed while it waits, cancelled, refused by the filter; and no key is left behind."""
    studio.start_worker()
    studio.render(ME, [shot])
    assert fal.looked.wait(60)
    (waiting,) = studio.project(ME, project_of(studio)).jobs
    assert waiting.message.endswith(" is at work")
    (row,) = operations(studio)
    assert (row.operation, row.renderer, row.collected) == ("request-1", "fal-veo-3.1", None)
    pid = studio.supervisor.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    (job,) = wait_for_jobs(studio, project_of(studio), 120)
    assert (job.state, job.error, job.attempts) == (JobState.DONE, "", 2)
    assert len(fal.orders) == 1
    (card,) = shots_of(studio, project_of(studio))
    assert (card.clips, card.clip_staleness.text) == (1, "")

    # Cancelled while the service works on it: the next seed is another one, but what was paid comes first.
    fal.looked.clear()
    fal.looks_until_done = 10**6
    (job,) = studio.render(ME, [shot])
    assert fal.looked.wait(60)
    studio.cancel(ME, job.id)
    assert wait_for_jobs(studio, project_of(studio))[0].state is JobState.CANCELLED
    fal.looks_until_done = 0
    assert rendered(studio, shot).state is JobState.DONE
    assert len(fal.orders) == 2

    said = {"loc": ["body"], "type": "content_policy_violation", "msg": f"flagged {KEY}"}
    fal.script["look"] = [Answer(422, {"detail": [said]})]
    job = rendered(studio, shot)
    assert job.state is JobState.FAILED
    assert "filter refused this shot (content_policy_violation flagged …): change its words" in job.error
    assert rendered(studio, shot).state is JobState.DONE
    assert len(fal.orders) == 4
    assert [(bool(row.collected), bool(row.closed)) for row in operations(studio)] == [
        (True, False),
        (True, False),
        (False, True),
        (True, False),
    ]
    assert len(studio.clips(ME, shot)) == 3
    assert [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


def moods(studio: Studio, project: str, server: FakeServer) -> None:
    """The film's refiner is a model that writes another text each time."""
    seen = {"first_frame": "A", "last_frame": "B", "differs": "C"}
    server.then = lambda _: Say({**seen, "text": f"The boat turns, mood {len(server.requests)}."})
    studio.choose_agents(ME, project, url=server.url, model="moody", refiner="server")


def attempt(studio: Studio, stopping: Callable[[], bool] = lambda: False) -> None:
    """One attempt of a worker at the next job, until `stopping`."""
    job = queue.claim(studio.home.database, "here")
    assert job is not None
    bench = Bench(studio.home, Painters(studio.home), job, "here", stopping)
    (render if job.kind == JobKind.RENDER.value else export)(bench)


def died(studio: Studio) -> None:
    """The worker was killed: nothing that it does at its end is done, and its lease ran out."""
    queue.release(studio.home.database, "here")


@pytest.mark.parametrize("whole_film", [False, True], ids=["clip", "film"])
def test_a_text_of_a_model_is_ordered_once_though_its_worker_dies(
    studio: Studio, fal: Fal, shot: str, whole_film: bool
) -> None:
    """An order is named by its text: a job that was run again wrote another one, and ordered again."""
    project = project_of(studio)
    with FakeServer() as server:
        moods(studio, project, server)
        fal.looks_until_done = 10**6
        job = studio.export(ME, project) if whole_film else studio.render(ME, [shot])[0]
        with pytest.raises(Cancelled):
            attempt(studio, stopping=fal.looked.is_set)
        died(studio)
        fal.looks_until_done = 0
        attempt(studio)
        (view,) = studio.jobs(ME, project)
        assert (view.id, view.state, view.attempts) == (job.id, JobState.DONE, 2)
        assert (len(fal.orders), len(server.requests)) == (1, 1)


def test_what_a_model_wrote_for_a_clip_that_is_paid_comes_first(studio: Studio, fal: Fal, shot: str) -> None:
    """Cancelled, rendered again, killed once more; then a new clip has a new text."""
    project = project_of(studio)
    with FakeServer() as server:
        moods(studio, project, server)
        fal.looks_until_done = 10**6
        (job,) = studio.render(ME, [shot])
        with pytest.raises(Cancelled):
            attempt(studio, stopping=fal.looked.is_set)
        died(studio)
        studio.cancel(ME, job.id)
        # What was ordered is thrown away by the service: the next job orders anew, and dies over that.
        fal.looked.clear()
        gone = {"code": 404, "message": "Not found."}
        fal.script["look"] = [Answer(404, {"error": gone})]
        studio.render(ME, [shot])
        with pytest.raises(Cancelled):
            attempt(studio, stopping=lambda: len(fal.orders) == 2)
        died(studio)
        studio.every_job(ME, project, "cancel")
        assert len(fal.orders) == 2
        studio.refine(ME, shot)
        attempt(studio)
        assert len(server.requests) == 2, "who asks for another text gets one"
        fal.looks_until_done = 0
        studio.render(ME, [shot])
        attempt(studio)
        assert (len(fal.orders), len(server.requests)) == (2, 2)
        assert fal.orders[0]["prompt"] == fal.orders[1]["prompt"] == "The boat turns, mood 1."
        studio.render(ME, [shot])
        attempt(studio)
        assert (len(fal.orders), len(server.requests)) == (3, 3)
        assert fal.orders[2]["prompt"] == "The boat turns, mood 3."


def test_without_its_key_nothing_is_queued(
    studio: Studio, fal: Fal, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAL_KEY")
    with pytest.raises(UnsupportedError, match="set FAL_KEY in the environment"):
        studio.render(ME, [shot])
    assert studio.jobs(ME, project_of(studio)) == ()
