"""The list of edits, and jumping in it: as many undos or redos as needed, as one reversible action."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from engine.errors import BadInput
from studio.project.commands import made_here
from studio.service.studio import Studio
from tests.studio.helpers import ME, draw_here, new_film, shots_of


def words(studio: Studio, project: str) -> list[str]:
    return [shot.description for shot in shots_of(studio, project)]


def test_a_jump_goes_back_and_forth_and_survives_a_restart(home: Path) -> None:
    with Studio(home) as studio:
        project, (shot,) = new_film(studio, 1)
        for number in range(3):
            studio.edit_shot(ME, shot, description=f"version {number}")
        steps = studio.steps(ME, project)
        assert [step.done for step in steps] == [True] * 5
        assert steps[-1].label == "change the description of shot 1"
        jumped = studio.jump(ME, project, steps[2].id)
        assert (jumped.undone, jumped.redone, jumped.kept) == (2, 0, ())
        assert jumped.came_from == steps[-1].id
        assert words(studio, project) == ["version 0"]
    with Studio(home) as studio:
        assert [(s.id, s.done) for s in studio.steps(ME, project)] == [
            (s.id, n < 3) for n, s in enumerate(steps)
        ]
        back = studio.jump(ME, project, jumped.came_from)
        assert (back.undone, back.redone) == (0, 2)
        assert words(studio, project) == ["version 2"]
        assert studio.jump(ME, project, back.came_from).undone == 2
        assert words(studio, project) == ["version 0"]


def test_before_the_first_edit_and_all_the_way_forward(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    before = words(studio, project)
    steps = studio.steps(ME, project)
    last = steps[-1].id
    assert studio.jump(ME, project, None).undone == len(steps) == 3, "two insertions and their words"
    assert words(studio, project) == []
    assert studio.jump(ME, project, last).redone == 3
    assert words(studio, project) == before
    assert studio.jump(ME, project, last).undone == 0, "to where we are is no step"


def test_what_was_changed_meanwhile_is_left_alone_and_said(studio: Studio) -> None:
    """A drawing came in after a pick by hand: going back over the pick keeps the new drawing, and says so."""
    project, (shot,) = new_film(studio, 1)
    older = draw_here(studio, project, shot)
    draw_here(studio, project, shot, seed=1)
    studio.edit_shot(ME, shot, notes="before the pick")
    here = studio.steps(ME, project)[-1].id
    studio.pick(ME, older)
    newest = draw_here(studio, project, shot, seed=2)
    jumped = studio.jump(ME, project, here)
    assert (jumped.undone, jumped.kept) == (1, ("use take 1 of shot 1",))
    assert shots_of(studio, project)[0].take_id == newest


def test_a_step_that_is_gone_cannot_be_jumped_to(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    studio.edit_shot(ME, shot, description="undone for ever")
    gone = studio.steps(ME, project)[-1].id
    studio.undo(ME, project)
    studio.edit_shot(ME, shot, description="another way")
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match="not in the history"):
        studio.jump(ME, project, gone)
    assert studio.project(ME, project) == before


def test_a_long_way_is_short(studio: Studio) -> None:
    """A jump over many edits is one transaction, and every edit in it is in the log."""
    project, (shot,) = new_film(studio, 1)
    first = studio.steps(ME, project)[-1].id
    for number in range(40):
        studio.edit_shot(ME, shot, title=f"title {number}")
    assert studio.jump(ME, project, first).undone == 40
    assert shots_of(studio, project)[0].title == ""
    assert sum(entry.kind == "undo" for entry in studio.history(ME, project, limit=1000)) == 40


def test_one_shot_is_one_shot(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    for shots in (1, 2):
        list(studio.direct(ME, project, "A girl waits for a train", shots=shots))
    assert [step.label for step in studio.steps(ME, project)] == ["direct 1 shot", "direct 2 shots"]


def test_who_made_an_edit_is_known_by_its_number(studio: Studio) -> None:
    """Edits of this thread, and nothing that another thread does, undoes, or that changes nothing."""
    project, (first, second) = new_film(studio, 2)
    with made_here() as made:
        studio.edit_shot(ME, first, notes="mine")
        other = Thread(target=lambda: studio.edit_shot(ME, second, notes="another's"))
        other.start()
        other.join()
        studio.edit_shot(ME, first, notes="mine")
        studio.edit_shot(ME, first, title="Mine, too")
        studio.undo(ME, project)
        studio.redo(ME, project)
    studio.edit_shot(ME, first, notes="later")
    labels = {step.id: step.label for step in studio.steps(ME, project)}
    assert [labels[one] for one in made] == [
        "change the notes of shot 1 to “mine”",
        "change the title of shot 1 to “Mine, too”",
    ]


def test_a_film_says_how_far_its_log_goes_undone_edits_too(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    for notes in ("one", "two"):
        studio.edit_shot(ME, shot, notes=notes)
    last = studio.steps(ME, project)[-1].id
    assert studio.project(ME, project).edited == last
    studio.undo(ME, project)
    studio.undo(ME, project)
    assert studio.project(ME, project).edited > last
