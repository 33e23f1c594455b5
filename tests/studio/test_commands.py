"""Edits, undo and redo: nothing that a person typed is lost, by nobody's undo."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.story import FrameSide
from studio.service.studio import Studio
from tests.examples import examples
from tests.studio.edits import Step, film_of, steps
from tests.studio.helpers import ME, PAINTER, draw_all_here, draw_here, new_film, render_here, shots_of


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One home for many examples; each makes a project of its own."""
    with Studio(tmp_path_factory.mktemp("shared"), painter=PAINTER) as studio:
        yield studio


@examples(25)
@given(st.lists(steps, min_size=1, max_size=10))
def test_undo_all_gives_the_first_state_and_redo_all_the_last(shared: Studio, sequence: list[Step]) -> None:
    project, ids = new_film(shared, 3)
    draw_all_here(shared, project)
    draw_here(shared, project, ids[1], seed=1)
    for shot in (ids[0], ids[1], ids[1]):
        render_here(shared, shot)
    made = len(shared.history(ME, project))
    first = film_of(shared, project)
    for step in sequence:
        step(shared, project)
    last = film_of(shared, project)
    done = len(shared.history(ME, project)) - made
    for _ in range(done):
        assert shared.undo(ME, project).kept == 0
    assert film_of(shared, project) == first
    for _ in range(done):
        assert shared.redo(ME, project).kept == 0
    assert film_of(shared, project) == last


def test_undo_in_one_tab_never_erases_the_newer_edit_of_another(studio: Studio) -> None:
    project, (shot, *_) = new_film(studio, 1)
    studio.edit_shot(ME, shot, description="mine", scale="close-up")
    mine = studio.project(ME, project).head.undo
    assert mine is not None
    studio.edit_shot(ME, shot, description="yours")
    outcome = studio.undo(ME, project, mine.id)
    assert (outcome.applied, outcome.kept) == (1, 1)
    view = studio.project(ME, project).shots[0]
    assert view.description == "yours"
    assert view.attributes.scale.value == "medium shot"


def test_two_tabs_at_once_lose_nothing(studio: Studio, home: Path) -> None:
    project, ids = new_film(studio, 4)
    before = len(studio.history(ME, project, limit=1000))
    failures: list[BaseException] = []

    def type_into(field: str) -> None:
        try:
            with Studio(home) as tab:
                for i in range(12):
                    tab.edit_shot(ME, ids[i % 4], **{field: f"{field} {i}"})
        except BaseException as error:
            failures.append(error)

    tabs = [threading.Thread(target=type_into, args=(field,)) for field in ("description", "notes", "sound")]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert not failures
    for i, shot in enumerate(shots_of(studio, project)):
        assert shot.description == f"description {8 + i}"
        assert shot.attributes.notes == f"notes {8 + i}"
        assert shot.attributes.sound == f"sound {8 + i}"
    assert len(studio.history(ME, project, limit=1000)) - before == 36


def test_undo_survives_a_restart(home: Path) -> None:
    with Studio(home) as studio:
        project, (shot, *_) = new_film(studio, 1)
        studio.edit_shot(ME, shot, description="changed")
    with Studio(home) as studio:
        assert studio.undo(ME, project).label == "change the description of shot 1"
        assert studio.project(ME, project).shots[0].description == "Moment 1 of the story."
    with Studio(home) as studio:
        studio.redo(ME, project)
        assert studio.project(ME, project).shots[0].description == "changed"


def test_a_new_edit_ends_redoing(studio: Studio) -> None:
    project, (shot, *_) = new_film(studio, 1)
    studio.undo(ME, project)
    studio.edit_shot(ME, shot, title="another way")
    with pytest.raises(BadInput, match="nothing to redo"):
        studio.redo(ME, project)


def test_an_edit_that_changes_nothing_leaves_no_trace(studio: Studio) -> None:
    project, (shot, *_) = new_film(studio, 1)
    before = studio.project(ME, project)
    studio.edit_shot(ME, shot, description="Moment 1 of the story.", scale="medium shot")
    assert studio.project(ME, project) == before


def test_a_pick_by_hand_is_an_edit_but_a_drawing_is_not(studio: Studio) -> None:
    project, (shot, *_) = new_film(studio, 1)
    draw_here(studio, project, shot)
    older = studio.project(ME, project).shots[0].take_id
    newer = draw_here(studio, project, shot, seed=1)
    assert older is not None
    studio.pick(ME, older)
    studio.undo(ME, project)
    assert studio.project(ME, project).shots[0].take_id == newer
    studio.undo(ME, project)
    assert studio.project(ME, project).shots[0].take_id == newer, "undo never takes a drawing back"


def test_history_can_be_read(studio: Studio) -> None:
    project, (shot, *_) = new_film(studio, 1)
    studio.pin(ME, project, shot, FrameSide.END)
    studio.undo(ME, project)
    lines = [(entry.label, entry.kind, entry.undone) for entry in studio.history(ME, project)]
    assert lines == [
        ("pin frame 1E", "undo", False),
        ("pin frame 1E", "edit", True),
        ("change the description of shot 1", "edit", False),
        ("insert shot 1", "edit", False),
    ]
