"""What a job is called: by the shot's number of today, wherever it is told."""

from __future__ import annotations

from studio.jobs import queue
from studio.service.studio import Studio
from tests.studio.helpers import ME, draw_all_here, new_film, shots_of


def test_a_job_goes_by_the_number_that_its_shot_has_now(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.draw(ME, [ids[1]], takes=2)
    seen = studio.project(ME, project).revision
    studio.reorder(ME, project, [ids[1], ids[0], ids[2]])
    (job,) = studio.jobs(ME, project)
    assert job.title == "Draw shot 1 (2 takes)"
    card = shots_of(studio, project)[0].job
    assert card is not None
    assert card.title == job.title
    assert [told.title for told in studio.changes(ME, project, seen).jobs] == [job.title], (
        "a page hears of it"
    )
    studio.delete_shots(ME, [ids[1]])
    assert studio.jobs(ME, project)[0].title == "Draw shot 2 (2 takes)", "what is gone is called as it was"


def test_a_take_s_number_is_none_of_a_shot(studio: Studio) -> None:
    project, ids = new_film(studio, 4)
    draw_all_here(studio, project)
    job = studio.draw_again(ME, studio.takes(ME, ids[3])[0].id)
    assert job.title == "Draw take 1 of shot 4 again"
    studio.delete_shots(ME, ids[:2])
    assert studio.jobs(ME, project)[0].title == "Draw take 1 of shot 2 again"


def test_the_drawing_process_is_told_in_the_same_words(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    studio.draw(ME, [ids[1]])
    job = queue.claim(studio.home.database, "me")
    assert job is not None
    queue.beat(studio.home.database, "me", 1, job.title, job.id)
    studio.reorder(ME, project, ids[::-1])
    assert studio.project(ME, project).worker.message == "Draw shot 1"
    queue.beat(studio.home.database, "me", 1, "loading the painter", job.id)
    assert studio.project(ME, project).worker.message == "loading the painter"
