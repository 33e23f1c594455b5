"""Scene and slate: no two shots of a film are given one label."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from studio.service.studio import Studio
from studio.store.tables import Shot
from tests.studio.helpers import ME, draw_here, new_film, shots_of


def labels(studio: Studio, project: str) -> list[str]:
    return [shot.label for shot in shots_of(studio, project)]


@pytest.mark.parametrize("slate", ["B", "b", " B "])
def test_a_label_that_another_shot_has_is_refused(studio: Studio, slate: str) -> None:
    project, ids = new_film(studio, 3)
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match="Shot 2 is 1B already: choose another letter"):
        studio.edit_shot(ME, ids[0], slate=slate)
    assert studio.project(ME, project) == before
    studio.edit_shot(ME, ids[0], slate="D")
    assert labels(studio, project) == ["1D", "1B", "1C"]


def test_a_scene_and_a_letter_that_read_as_others_do(studio: Studio) -> None:
    _, ids = new_film(studio, 2)
    studio.edit_shot(ME, ids[0], scene=11, slate="A")
    with pytest.raises(BadInput, match="Shot 1 is 11A already"):
        studio.edit_shot(ME, ids[1], slate="1A")


def test_a_shot_that_moves_where_its_letter_is_taken_gets_the_next(studio: Studio) -> None:
    """Letters are compared as people read them, and those of deleted shots are not given again."""
    project, ids = new_film(studio, 3)
    studio.edit_shot(ME, ids[1], scene=2)
    studio.edit_shot(ME, ids[0], slate="b")
    studio.delete_shots(ME, [ids[2]])
    studio.edit_shot(ME, ids[1], scene=1)
    assert labels(studio, project) == ["1b", "1A"]


def test_one_letter_for_several_shots_is_refused(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match="Shots 1 and 3 cannot both be 1X: give each its own letter"):
        studio.edit_shots(ME, {ids[0]: {"slate": "X"}, ids[2]: {"slate": "X"}})
    assert studio.project(ME, project) == before


def test_two_shots_change_letters_as_one_edit(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.edit_shots(ME, {ids[0]: {"slate": "B"}, ids[1]: {"slate": "A"}})
    assert labels(studio, project) == ["1B", "1A", "1C"]
    studio.undo(ME, project)
    assert labels(studio, project) == ["1A", "1B", "1C"]
    studio.redo(ME, project)
    assert labels(studio, project) == ["1B", "1A", "1C"]


def test_several_shots_may_have_no_letter(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    studio.edit_shots(ME, {id: {"slate": ""} for id in ids})
    assert labels(studio, project) == ["1", "1"]


def test_the_letter_of_a_deleted_shot_can_be_used_and_it_comes_back_with_another(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.delete_shots(ME, [ids[1]])
    studio.edit_shot(ME, ids[2], slate="B")
    assert studio.restore_shot(ME, ids[1]).label == "1C"
    assert labels(studio, project) == ["1A", "1C", "1B"]
    for _ in range(3):
        assert studio.undo(ME, project).kept == 0
    assert labels(studio, project) == ["1A", "1B", "1C"]
    for _ in range(3):
        assert studio.redo(ME, project).kept == 0
    assert labels(studio, project) == ["1A", "1C", "1B"]


def test_undoing_a_deletion_after_its_letter_was_given_away(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    studio.delete_shots(ME, [ids[1]])
    deletion = studio.steps(ME, project)[-1].id
    studio.edit_shot(ME, ids[2], slate="B")  # in another tab
    studio.undo(ME, project, deletion)
    assert labels(studio, project) == ["1A", "1C", "1B"]
    studio.redo(ME, project)
    assert labels(studio, project) == ["1A", "1B"]
    studio.undo(ME, project, deletion)
    studio.undo(ME, project)  # the third shot was 1C, which the second is now
    assert labels(studio, project) == ["1A", "1C", "1B"]


def test_a_film_that_came_with_one_label_twice_can_be_edited(studio: Studio) -> None:
    """A film.zip of an earlier studio may have two of them: only who changes a label is asked for another."""
    project, ids = new_film(studio, 2)
    with studio.home.database.write() as session:
        session.get_one(Shot, ids[1]).slate = "A"
    draw_here(studio, project, ids[1])
    studio.edit_shots(ME, {id: {"title": "Dawn", "scene": 1, "slate": "A"} for id in ids})
    assert labels(studio, project) == ["1A", "1A"]
    studio.edit_shot(ME, ids[1], slate="B")
    assert studio.takes(ME, ids[1])[0].label == "1B take 1"
