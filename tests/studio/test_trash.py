"""The trash holds what was deleted; what was undone is in the history."""

from __future__ import annotations

import pytest

from studio.service.studio import Studio
from studio.service.views import JobState, ShotStatus
from tests.studio.fake_painter import STEP_SECONDS
from tests.studio.helpers import ME, draw_here, new_film, shots_of, wait_for_jobs, wait_until


def trash(studio: Studio, project: str) -> list[str]:
    return [shot.id for shot in studio.project(ME, project).trash]


def test_an_undone_insertion_is_not_in_the_trash(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    made = studio.insert_shot(ME, project, ids[0])
    seen = studio.project(ME, project)
    studio.undo(ME, project)
    assert trash(studio, project) == []
    assert studio.changes(ME, project, seen.revision).order == (ids[0],)
    studio.redo(ME, project)
    assert shots_of(studio, project) == seen.shots
    studio.delete_shots(ME, [made.id])
    assert trash(studio, project) == [made.id]
    for _ in range(2):  # its deletion, then its making
        studio.undo(ME, project)
    assert trash(studio, project) == []
    for _ in range(2):
        studio.redo(ME, project)
    assert trash(studio, project) == [made.id]
    assert studio.restore_shot(ME, made.id).id == made.id


def test_an_undone_duplicate_comes_back_with_its_picture(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    draw_here(studio, project, ids[0])
    copy = studio.duplicate_shot(ME, ids[0])
    assert copy.status is ShotStatus.DRAWN
    studio.undo(ME, project)
    assert trash(studio, project) == []
    studio.redo(ME, project)
    assert shots_of(studio, project)[1] == copy
    studio.delete_shots(ME, [copy.id])
    assert trash(studio, project) == [copy.id]
    assert studio.restore_shot(ME, copy.id) == copy


def test_undone_halves_and_directions_are_not_in_the_trash(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    studio.split_shot(ME, ids[0])
    studio.undo(ME, project)
    list(studio.direct(ME, project, "Anna finds a lantern at the harbour", shots=3, seed=1))
    studio.undo(ME, project)
    assert trash(studio, project) == []


def test_what_was_drawn_is_found_again_though_its_shot_was_undone(studio: Studio) -> None:
    """Undo takes no picture back, and a new edit ends redoing: then the trash is the only way to it."""
    project, ids = new_film(studio, 1)
    made = studio.insert_shot(ME, project, ids[0])
    take = draw_here(studio, project, made.id)
    studio.undo(ME, project)
    studio.edit_shot(ME, ids[0], title="Dawn")
    assert trash(studio, project) == [made.id]
    assert studio.restore_shot(ME, made.id).take_id == take


def test_another_version_keeps_what_was_deleted_apart_from_what_was_undone(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, "Anna finds a lantern at the harbour", shots=3, seed=1))
    first = shots_of(studio, project)
    studio.insert_shot(ME, project, first[0].id)
    studio.undo(ME, project)
    studio.delete_shots(ME, [first[1].id])
    list(studio.direct(ME, project, "Anna walks along the beach at night", shots=2, seed=2))
    assert trash(studio, project) == []
    older = next(version for version in studio.versions(ME, project) if not version.current)
    studio.switch_version(ME, older.id)
    assert trash(studio, project) == [first[1].id]


@pytest.mark.slow
def test_a_shot_that_was_deleted_while_it_was_drawn_is_drawn_anew_when_it_is_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_SECONDS, "0.2")
    project, ids = new_film(studio, 2)
    (first,) = studio.draw(ME, [ids[0]], seed=1)
    studio.start_worker()
    wait_until(lambda: studio.jobs(ME, project)[0].step > 0)
    studio.delete_shots(ME, [ids[0]])
    assert studio.restore_shot(ME, ids[0]).take_id is None
    (second,) = studio.draw(ME, [ids[0]], seed=2)  # the first one may not have stopped yet
    ended = {job.id: job.state for job in wait_for_jobs(studio, project)}
    assert ended == {first.id: JobState.CANCELLED, second.id: JobState.DONE}
    (take,) = studio.takes(ME, ids[0])
    card = shots_of(studio, project)[0]
    assert (card.take_id, card.status, card.label) == (take.id, ShotStatus.DRAWN, "1A")
    assert take.lineage.seed == 2
