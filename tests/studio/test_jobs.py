"""The queue and the drawing process: real processes, real kills, a painter of flat colours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.orders import DrawInputs
from studio.service.studio import Studio
from studio.service.views import JobState, ShotStatus
from studio.store.states import JobKind
from studio.store.tables import Job, Project, Worker
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import (
    ME,
    PAINTER,
    blob_files,
    draw_all_here,
    new_film,
    shots_of,
    wait_for_jobs,
    wait_until,
)

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


def drawn(studio: Studio, project: str) -> int:
    return sum(shot.take_id is not None for shot in shots_of(studio, project))


def running_worker(studio: Studio) -> int:
    """The process id of the worker, once it has said that it lives."""
    wait_until(lambda: studio.worker().alive)
    pid = studio.supervisor.pid
    assert pid is not None
    return pid


def test_shots_are_drawn_in_film_order_and_see_earlier_ends(working: Studio) -> None:
    project, ids = new_film(working, 3)
    working.draw(ME, [ids[2], ids[0], ids[1]])
    jobs = wait_for_jobs(working, project)
    assert {job.state for job in jobs} == {JobState.DONE}
    shots = shots_of(working, project)
    assert [shot.status for shot in shots] == [ShotStatus.DRAWN] * 3
    assert [shot.staleness.text for shot in shots] == ["", "", ""]
    takes = [working.takes(ME, id)[0] for id in ids]
    assert [take.lineage.previous_end for take in takes] == [None, "1E", "2E"]
    assert [[f.key for f in take.lineage.memory] for take in takes] == [[], ["1E", "1S"], ["1E", "1S", "2E"]]


def test_several_takes_are_one_job_and_the_first_is_picked(working: Studio) -> None:
    project, (shot,) = new_film(working, 1)
    working.draw(ME, [shot], takes=3, seed=5, steps=2, guidance=2.5, memory_guidance=1.5)
    wait_for_jobs(working, project)
    takes = working.takes(ME, shot)
    assert [(t.number, t.lineage.seed, t.picked) for t in takes] == [
        (3, 7, False),
        (2, 6, False),
        (1, 5, True),
    ]
    assert {(t.lineage.steps, t.lineage.guidance, t.lineage.batch) for t in takes} == {(2, 2.5, 3)}
    assert {t.lineage.memory_guidance for t in takes} == {1.5}
    assert len({t.start_sha256 for t in takes}) == 3


def test_keeping_a_frame(working: Studio) -> None:
    project, (shot,) = new_film(working, 1)
    with pytest.raises(BadInput, match="no start frame to keep"):
        working.draw(ME, [shot], keep=FrameSide.START)
    working.draw(ME, [shot])
    wait_for_jobs(working, project)
    working.draw(ME, [shot], keep=FrameSide.START)
    wait_for_jobs(working, project)
    second, first = working.takes(ME, shot)
    assert second.picked
    assert second.lineage.kept is FrameSide.START
    assert second.start_sha256 == first.start_sha256
    assert second.end_sha256 != first.end_sha256


def test_a_shot_is_drawn_with_the_words_that_it_has_when_its_turn_comes(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    studio.edit_shot(ME, shot, description="Changed while it waited.")
    studio.start_worker()
    wait_for_jobs(studio, project)
    assert "Changed while it waited." in studio.takes(ME, shot)[0].lineage.prompt
    with studio.home.database.read() as session:
        job = session.exec(select(Job)).one()
    inputs = DrawInputs.model_validate(job.resolved)
    assert inputs.words.description == "Changed while it waited.", "what it was drawn with is recorded"
    assert "Moment 1 of the story." not in str(job.order), "words that nothing is drawn with are not"
    assert shots_of(studio, project)[0].staleness.text == ""


def test_a_waiting_job_is_replaced_in_its_place(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.draw(ME, ids)
    studio.edit_shot(ME, ids[1], description="Better words.")
    studio.draw(ME, [ids[1]])
    waiting = [job for job in studio.jobs(ME, project) if job.active]
    assert [job.shot_id for job in waiting] == ids
    studio.start_worker()
    wait_for_jobs(studio, project)
    assert [shot.staleness.text for shot in shots_of(studio, project)] == ["", "", ""]
    assert [shot.takes for shot in shots_of(studio, project)] == [1, 1, 1]


def test_cancel_while_waiting_and_while_running(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.3")
    project, ids = new_film(studio, 2)
    first, second = studio.draw(ME, ids)
    studio.start_worker()
    wait_until(lambda: studio.jobs(ME, project)[0].step > 0)
    assert studio.cancel(ME, second.id).state is JobState.CANCELLED
    studio.cancel(ME, first.id)
    jobs = wait_for_jobs(studio, project, 5)
    assert {job.state for job in jobs} == {JobState.CANCELLED}
    assert drawn(studio, project) == 0
    monkeypatch.setenv(STEP_SECONDS, "0")
    assert studio.retry(ME, first.id).state is JobState.QUEUED
    wait_for_jobs(studio, project)
    assert drawn(studio, project) == 1


def test_a_paused_job_lets_others_go_first(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    first, _ = studio.draw(ME, ids)
    assert studio.pause(ME, first.id).state is JobState.PAUSED
    assert shots_of(studio, project)[0].status is ShotStatus.QUEUED
    studio.start_worker()
    wait_until(lambda: drawn(studio, project) == 1)
    assert shots_of(studio, project)[0].take_id is None
    studio.resume(ME, first.id)
    wait_for_jobs(studio, project)
    assert drawn(studio, project) == 2


def test_progress_is_seen_while_it_draws(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.1")
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    seen: set[tuple[ShotStatus, bool]] = set()
    studio.start_worker()

    def finished() -> bool:
        card = shots_of(studio, project)[0]
        seen.add((card.status, 0 < (card.job.progress if card.job else 0) < 1))
        return card.status is ShotStatus.DRAWN

    wait_until(finished)
    assert (ShotStatus.DRAWING, True) in seen
    assert studio.estimate(ME, [shot]).seconds == pytest.approx(1.6, rel=0.5)


def test_one_broken_job_does_not_stop_the_others(working: Studio) -> None:
    project, ids = new_film(working, 2)
    working.edit_shot(ME, ids[0], description="break")
    working.draw(ME, ids)
    wait_for_jobs(working, project)
    first, second = shots_of(working, project)
    assert first.status is ShotStatus.FAILED
    assert first.job is not None
    assert "RuntimeError: the paint is dry" in first.job.error
    assert second.status is ShotStatus.DRAWN


def test_a_deleted_shot_is_not_drawn(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    studio.draw(ME, ids)
    studio.delete_shots(ME, [ids[0]])
    assert [job.state for job in studio.jobs(ME, project)] == [JobState.QUEUED, JobState.CANCELLED]


def test_a_deleted_project_is_not_drawn(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    studio.draw(ME, ids)
    studio.delete_project(ME, project)
    assert {job.state for job in studio.jobs(ME, project)} == {JobState.CANCELLED}


def test_settings_out_of_range(studio: Studio) -> None:
    _, ids = new_film(studio, 1)
    for settings in ({"takes": 0}, {"takes": 9}, {"seed": -1}, {"steps": 0}, {"guidance": -1.0}):
        with pytest.raises(BadInput):
            studio.draw(ME, ids, **settings)  # type: ignore[arg-type]
    studio.edit_shot(ME, ids[0], locked=True)
    with pytest.raises(BadInput, match="locked"):
        studio.draw(ME, ids)


@posix
def test_killed_while_drawing(studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL to the worker: finished pairs are there, the running one is queued again, and all is drawn."""
    monkeypatch.setenv(STEP_SECONDS, "0.05")
    project, ids = new_film(studio, 4)
    studio.draw(ME, ids)
    studio.start_worker()
    pid = running_worker(studio)
    wait_until(lambda: drawn(studio, project) == 2 and studio.jobs(ME, project)[0].step > 0)
    before = [studio.takes(ME, id) for id in ids[:2]]
    victim = studio.jobs(ME, project)[0]
    os.kill(pid, signal.SIGKILL)
    jobs = wait_for_jobs(studio, project)
    assert studio.supervisor.pid not in (None, pid)
    assert [job.state for job in jobs] == [JobState.DONE] * 4
    assert next(job for job in jobs if job.id == victim.id).attempts == 2
    assert [studio.takes(ME, id) for id in ids[:2]] == before
    assert [shot.takes for shot in shots_of(studio, project)] == [1, 1, 1, 1]
    assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 4
    assert len(blob_files(home)) == 8


def test_a_job_that_kills_its_process_fails_in_the_end(working: Studio) -> None:
    project, ids = new_film(working, 2)
    working.edit_shot(ME, ids[0], description="crash the process")
    working.draw(ME, ids)
    wait_for_jobs(working, project, 90)
    first, second = shots_of(working, project)
    assert first.job is not None
    assert (first.job.error, first.job.attempts) == (queue.CRASHED, queue.MAX_ATTEMPTS)
    assert second.status is ShotStatus.DRAWN


_PAGE = """
import sys, time
from pathlib import Path
from studio.service.studio import Studio
studio = Studio(Path(sys.argv[1]), painter=sys.argv[2])
studio.start_worker()
print("open", flush=True)
time.sleep(600)
"""


@posix
def test_killed_page_takes_the_worker_along_and_a_new_one_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.1")
    with Studio(home, painter=PAINTER) as studio:
        project, ids = new_film(studio, 3)
        studio.draw(ME, ids)
        command = [sys.executable, "-c", _PAGE, str(home), PAINTER]
        page = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        wait_until(lambda: drawn(studio, project) == 1)
        with studio.home.database.read() as session:
            worker = session.exec(select(Worker)).one().pid
        page.send_signal(signal.SIGKILL)
        page.wait()
        assert page.stdout is not None
        page.stdout.close()
        wait_until(lambda: not _alive(worker), 15)
        states = sorted(job.state.value for job in studio.jobs(ME, project))
        assert "running" not in states
        assert "queued" in states
        monkeypatch.setenv(STEP_SECONDS, "0")
        studio.start_worker()
        wait_for_jobs(studio, project)
        assert [shot.takes for shot in shots_of(studio, project)] == [1, 1, 1]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def test_two_workers_never_run_the_same_job(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.01")
    with Studio(home) as studio:
        films = [new_film(studio, 3) for _ in range(3)]
        for _, ids in films:
            studio.draw(ME, ids)
        command = [sys.executable, "-m", "studio.jobs.worker", "--home", str(home), "--painter", PAINTER]
        workers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            for project, ids in films:
                jobs = wait_for_jobs(studio, project, 90)
                assert [(job.state, job.attempts) for job in jobs] == [(JobState.DONE, 1)] * 3
                assert [len(studio.takes(ME, id)) for id in ids] == [1, 1, 1]
                assert [shot.staleness.text for shot in shots_of(studio, project)] == [""] * 3
        finally:
            for worker in workers:
                worker.terminate()
            assert [worker.wait(20) for worker in workers] == [0, 0]


def test_memory_and_previous_end_are_recorded_with_the_job(working: Studio) -> None:
    project, ids = new_film(working, 2)
    working.draw(ME, ids)
    wait_for_jobs(working, project)
    with working.home.database.read() as session:
        job = session.exec(select(Job).where(Job.shot_id == ids[1])).one()
        inputs = DrawInputs.model_validate(job.resolved)
    first = working.takes(ME, ids[0])[0]
    assert inputs.previous is not None
    assert inputs.previous.sha256 == first.end_sha256
    assert [frame.ref.sha256 for frame in inputs.memory] == [first.start_sha256, first.end_sha256]


def test_export_makes_a_film_and_renders_only_what_changed(working: Studio) -> None:
    project, ids = new_film(working, 2)
    with pytest.raises(BadInput, match="Shots 1, 2 have no picture yet"):
        working.export(ME, project)
    draw_all_here(working, project)
    for id, frames in zip(ids, (12, 7), strict=True):
        working.edit_shot(ME, id, length=frames)
    working.export(ME, project)
    (job,) = wait_for_jobs(working, project, 120)
    assert (job.state, job.error) == (JobState.DONE, "")
    film = working.film(ME, project)
    assert film is not None
    assert not film.stale
    assert film.seconds == pytest.approx(19 / 24)
    assert working.film_path(ME, project).read_bytes()[4:8] == b"ftyp"
    shots = shots_of(working, project)
    assert all(shot.clip_url and shot.refined and not shot.clip_stale for shot in shots)
    working.edit_shot(ME, ids[1], length=9)
    assert [shot.clip_stale for shot in shots_of(working, project)] == [False, True]
    assert working.film(ME, project).stale  # type: ignore[union-attr]
    working.export(ME, project)
    wait_for_jobs(working, project, 120)
    again = shots_of(working, project)
    assert again[0].clip_url == shots[0].clip_url
    assert again[1].clip_url != shots[1].clip_url
    assert working.film(ME, project).seconds == pytest.approx(21 / 24)  # type: ignore[union-attr]


def test_an_export_without_its_pictures_says_so(working: Studio, home: Path) -> None:
    project, _ = new_film(working, 1)
    draw_all_here(working, project)
    for path in blob_files(home):
        path.unlink()
    working.export(ME, project)
    (job,) = wait_for_jobs(working, project)
    assert job.state is JobState.FAILED
    assert "frame of shot 1 is not there any more: draw that shot again" in job.error


def test_estimates_leave_waiting_out(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    assert studio.estimate(ME, ids).seconds is None
    with studio.home.database.write() as session:
        row = session.get_one(Project, project)
        job = queue.enqueue(session, row, JobKind.DRAW, "Draw", {}, shot_id=ids[0], units=32)
        job.created -= 3_600_000
        queue.end(session, job, JobState.DONE, seconds=8.0)
    estimate = studio.estimate(ME, ids)
    assert (estimate.shots, estimate.seconds) == (2, pytest.approx(2 * get_profile("mini").steps * 0.25))
    with studio.home.database.write() as session:  # another profile's work says nothing of this one's
        for _ in range(30):
            row = session.get_one(Project, project)
            job = queue.enqueue(session, row, JobKind.DRAW, "Draw", {}, units=32, profile="qwen-image")
            queue.end(session, job, JobState.DONE, seconds=800.0)
    assert studio.estimate(ME, ids) == estimate
