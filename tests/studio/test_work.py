"""The order of the queue, pausing and trying again: with the real queue, and a real worker where it runs."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from studio.jobs import queue
from studio.service import counts
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.errors import NotFound
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import ME, YOU, draw_all_here, new_film, shots_of, wait_for_jobs, wait_until

pytestmark = pytest.mark.slow


def titles(studio: Studio, project: str) -> list[str]:
    return [job.title for job in studio.jobs(ME, project) if job.active]


def test_jobs_change_places_among_themselves_only(studio: Studio) -> None:
    """Mine are put in another order; somebody else's keep their places in between."""
    project, ids = new_film(studio, 3)
    studio.draw(ME, ids[:1])
    theirs, others = new_film(studio, 1, owner=YOU)
    studio.draw(YOU, others)
    studio.draw(ME, ids[1:])
    one, two, three = studio.jobs(ME, project)
    studio.reorder_jobs(ME, project, [three.id, one.id, two.id])
    assert titles(studio, project) == ["Draw shot 3", "Draw shot 1", "Draw shot 2"]
    assert {job.sequence for job in studio.jobs(ME, project)} == {one.sequence, two.sequence, three.sequence}
    claimed = [job.title for _ in range(4) if (job := queue.claim(studio.home.database, "me")) is not None]
    assert claimed == ["Draw shot 3", "Draw shot 1"], "mine and theirs, one of each film at a time"
    with pytest.raises(NotFound):
        studio.reorder_jobs(ME, project, [studio.jobs(YOU, theirs)[0].id])


def test_an_order_that_does_not_know_all_jobs(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    one, two, _ = studio.draw(ME, ids)
    studio.cancel(ME, one.id)
    studio.reorder_jobs(ME, project, [one.id, two.id])
    assert titles(studio, project) == ["Draw shot 2", "Draw shot 3"]


def test_jobs_that_an_order_does_not_name_stay_in_order(studio: Studio) -> None:
    project, ids = new_film(studio, 8)
    one, two, *_ = studio.draw(ME, ids)
    studio.reorder_jobs(ME, project, [two.id, one.id])
    assert titles(studio, project) == [f"Draw shot {n}" for n in (2, 1, 3, 4, 5, 6, 7, 8)]


def test_an_old_job_that_still_waits_is_told_however_much_was_drawn_since(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "ENDED_READ", 3)
    project, ids = new_film(studio, 6)
    waiting, *later = studio.draw(ME, ids)
    studio.pause(ME, waiting.id)
    for job in later:
        studio.cancel(ME, job.id)
    assert titles(studio, project) == ["Draw shot 1"]
    assert shots_of(studio, project)[0].job is not None


def test_a_card_tells_of_what_runs_whatever_was_ordered_and_ended_since(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    (first,) = studio.draw(ME, [shot])
    claimed = queue.claim(studio.home.database, "me")
    assert claimed is not None
    (second,) = studio.draw(ME, [shot])
    (seen,) = shots_of(studio, project)
    assert seen.job is not None
    assert seen.job.id == first.id, "it runs"
    studio.cancel(ME, second.id)
    (seen,) = shots_of(studio, project)
    assert seen.job is not None
    assert seen.job.id == first.id
    assert not studio.draw_all_stale(ME, project)


def test_run_next_goes_before_all_films_of_the_owner(studio: Studio) -> None:
    first, ids = new_film(studio, 2)
    studio.draw(ME, ids)
    second, (late,) = new_film(studio, 1)
    (job,) = studio.draw(ME, [late])
    studio.pause(ME, job.id)
    assert studio.run_next(ME, job.id).state is JobState.QUEUED
    claimed = queue.claim(studio.home.database, "me")
    assert claimed is not None
    assert claimed.project_id == second
    assert titles(studio, first) == ["Draw shot 1", "Draw shot 2"]
    with pytest.raises(BadInput, match="still waits"):
        studio.run_next(ME, job.id)


def test_jobs_of_other_films_are_counted_before_ones_own(studio: Studio) -> None:
    """And a page hears of it when one of them begins or ends, though nothing of its film changed."""
    database, (first, ids) = studio.home.database, new_film(studio, 2)
    studio.draw(ME, ids)
    _, others = new_film(studio, 1, owner=YOU)
    studio.draw(YOU, others)
    second, (late,) = new_film(studio, 1)
    (job,) = studio.draw(ME, [late])

    def ahead() -> tuple[int, int]:
        (seen,) = studio.jobs(ME, second)
        return seen.ahead, seen.ahead_waiting

    assert ahead() == (2, 2), "not those of somebody else"
    assert [one.ahead for one in studio.jobs(ME, first)] == [0, 0]
    view = studio.project(ME, second)
    assert not view.worker.elsewhere
    claimed = queue.claim(database, "me")
    assert claimed is not None
    news = studio.changes(ME, second, view.revision)
    assert [(one.id, one.ahead, one.ahead_waiting) for one in news.jobs] == [(job.id, 2, 1)]
    assert news.worker is not None
    assert news.worker.elsewhere
    studio.run_next(ME, job.id)
    assert ahead() == (1, 0), "what runs goes on"
    revision, updated = (getattr(studio.project(ME, second), name) for name in ("revision", "head"))
    queue.end_held(database, claimed.id, "me", JobState.DONE)
    assert ahead() == (0, 0)
    after = studio.project(ME, second)
    assert after.revision > revision
    assert after.head.saved == updated.saved, "nobody edited it"
    assert not after.worker.elsewhere


def test_work_that_somebody_looks_at_has_a_place_of_its_own(studio: Studio) -> None:
    """Two jobs of one place could not change places."""
    project, ids = new_film(studio, 2)
    studio.draw(ME, ids)
    claimed = queue.claim(studio.home.database, "me")
    assert claimed is not None
    studio.measure(ME, project)
    queue.hand_back(studio.home.database, claimed.id, "me")
    jobs = studio.jobs(ME, project)
    assert len({job.sequence for job in jobs}) == len(jobs) == 3
    assert jobs[0].title != "Draw shot 1"
    studio.run_next(ME, claimed.id)
    assert studio.jobs(ME, project)[0].title == "Draw shot 1"


def test_what_would_not_be_drawn_is_not_tried_again(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    locked, deleted = studio.draw(ME, ids)
    for job in (locked, deleted):
        studio.cancel(ME, job.id)
    studio.edit_shot(ME, ids[0], locked=True)
    studio.delete_shots(ME, [ids[1]])
    with pytest.raises(BadInput, match="Shot 1 is locked"):
        studio.retry(ME, locked.id)
    with pytest.raises(BadInput, match="in the trash"):
        studio.retry(ME, deleted.id)
    assert titles(studio, project) == []


def test_all_at_once(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.draw(ME, ids)
    studio.every_job(ME, project, "pause")
    assert {job.state for job in studio.jobs(ME, project)} == {JobState.PAUSED}
    assert queue.claim(studio.home.database, "me") is None
    studio.every_job(ME, project, "resume")
    assert {job.state for job in studio.jobs(ME, project)} == {JobState.QUEUED}
    studio.every_job(ME, project, "cancel")
    assert {job.state for job in studio.jobs(ME, project)} == {JobState.CANCELLED}
    with pytest.raises(BadInput):
        studio.every_job(ME, project, "forget")


def test_a_pause_outlives_a_dead_worker(studio: Studio) -> None:
    """Asked to pause, then killed before it could: the job is paused, not drawn again at once."""
    project, (shot,) = new_film(studio, 1)
    studio.draw(ME, [shot])
    job = queue.claim(studio.home.database, "me")
    assert job is not None
    assert studio.pause(ME, job.id).stopping
    assert not studio.resume(ME, job.id).stopping
    studio.pause(ME, job.id)
    queue.release(studio.home.database, "me")
    assert [j.state for j in studio.jobs(ME, project)] == [JobState.PAUSED]


def test_trying_again_takes_the_place_of_what_waits(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    (job,) = studio.draw(ME, [shot])
    studio.cancel(ME, job.id)
    studio.draw(ME, [shot])
    again = studio.retry(ME, job.id)
    assert [j.id for j in studio.jobs(ME, project) if j.active] == [again.id]


def test_only_work_of_the_same_nature_is_replaced(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    studio.render(ME, ids)
    text = studio.refine(ME, ids[1])
    assert titles(studio, project) == ["Write the text R of shot 2", "Render shot 1", "Render shot 2"]
    studio.render(ME, [ids[1]])
    assert titles(studio, project) == ["Render shot 2", "Render shot 1"], "a clip has its text"
    again = studio.retry(ME, text.id)
    assert len(titles(studio, project)) == 3
    studio.cancel(ME, again.id)
    take = studio.takes(ME, ids[0])[0].id
    repeated = {studio.draw_again(ME, take).id for _ in range(2)}
    studio.draw(ME, [ids[0]])
    studio.draw(ME, [ids[0]])
    active = [job for job in studio.jobs(ME, project) if job.active]
    assert repeated <= {job.id for job in active}
    assert [job.title for job in active].count("Draw shot 1") == 1


def test_a_running_job_pauses_within_a_step_and_goes_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.3")
    project, ids = new_film(studio, 2)
    first, _ = studio.draw(ME, ids)
    studio.start_worker()
    wait_until(lambda: studio.jobs(ME, project)[0].step > 0)
    studio.pause(ME, first.id)
    wait_until(lambda: any(j.state is JobState.PAUSED for j in studio.jobs(ME, project)), 5)
    paused = next(j for j in studio.jobs(ME, project) if j.id == first.id)
    assert (paused.attempts, paused.step) == (0, 0)
    wait_until(lambda: shots_of(studio, project)[1].take_id is not None)
    assert shots_of(studio, project)[0].take_id is None
    studio.resume(ME, first.id)
    wait_for_jobs(studio, project)
    assert shots_of(studio, project)[0].take_id is not None


def test_no_work_stays_for_shots_that_left_the_film(studio: Studio) -> None:
    """By whatever edit they left it; and none comes back with them."""
    project, ids = new_film(studio, 2)
    new = studio.insert_shot(ME, project, ids[-1]).id
    studio.edit_shot(ME, new, description="A lamp.")
    step = studio.steps(ME, project)[-3].id  # before it was there
    studio.draw(ME, [*ids, new])
    studio.undo(ME, project)
    assert len(titles(studio, project)) == 3
    studio.undo(ME, project)
    assert titles(studio, project) == ["Draw shot 1", "Draw shot 2"]
    studio.redo(ME, project)
    studio.draw(ME, [new])
    studio.jump(ME, project, step)
    assert titles(studio, project) == ["Draw shot 1", "Draw shot 2"]
    studio.jump(ME, project, studio.steps(ME, project)[-1].id)
    assert len(titles(studio, project)) == 2
    claimed = queue.claim(studio.home.database, "me")
    assert claimed is not None
    studio.delete_shots(ME, [ids[0]])
    running, waiting = studio.jobs(ME, project)[:2]
    assert running.stopping, "within a step"
    assert not waiting.stopping


def test_what_is_paid_for_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_IMAGE_API_KEY", "k")
    project, (first, second) = new_film(studio, 2)
    studio.edit_project(ME, project, profile="hosted-edit")
    studio.draw(ME, [first, second])
    assert queue.claim(studio.home.database, "me") is not None
    studio.delete_shots(ME, [first, second])
    (going,) = (job for job in studio.jobs(ME, project) if job.active)
    assert going.state is JobState.RUNNING
    assert not going.stopping
