"""Splitting a shot, and changing several at once."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from studio.project.lineage import Freshness
from studio.service.studio import Studio
from studio.service.views import ShotStatus
from studio.store.errors import NotFound
from tests.studio.helpers import ME, YOU, draw_all_here, new_film, shots_of, wait_for_jobs


def test_a_split_shot_keeps_its_words_and_its_length(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    studio.edit_shot(ME, ids[1], length=73, dialogue="Wait!", cast=["Ada"], title="At the door", locked=True)
    before = shots_of(studio, project)[1]
    half = studio.split_shot(ME, ids[1])
    first, second = shots_of(studio, project)[1:3]
    assert second == half
    assert (first.attributes.length, second.attributes.length) == (36, 37)
    unlike = {"length", "dialogue"}
    assert first.attributes.model_dump(exclude=unlike) == second.attributes.model_dump(exclude=unlike)
    assert first.description == second.description == before.description
    assert first.title == second.title == "At the door"
    assert (first.take_id, first.takes, first.locked) == (before.take_id, 1, True)
    assert (second.take_id, second.takes, second.locked) == (None, 0, False)
    assert second.status is ShotStatus.DRAFT
    assert first.label != second.label
    assert shots_of(studio, project)[3].staleness.freshness is Freshness.STALE, "it follows a draft now"
    undo = studio.undo(ME, project)
    assert (undo.label, undo.kept) == ("split shot 2", 0)
    assert [shot.id for shot in shots_of(studio, project)] == ids
    assert shots_of(studio, project)[1] == before
    studio.redo(ME, project)
    assert [shot.attributes.length for shot in shots_of(studio, project)[1:3]] == [36, 37]


def test_what_is_said_once_stays_with_the_first_half(studio: Studio) -> None:
    """Words are spoken once, a note asks for one thing; rain goes on through the cut."""
    project, ids = new_film(studio, 1)
    studio.edit_shot(
        ME, ids[0], dialogue="ANNA: Wait!", sound="rain", notes="Ask Bo for the boat.", length=96
    )
    half = studio.split_shot(ME, ids[0])
    first, second = shots_of(studio, project)
    assert (first.attributes.dialogue, second.attributes.dialogue) == ("ANNA: Wait!", "")
    assert (first.attributes.notes, second.attributes.notes) == ("Ask Bo for the boat.", "")
    assert first.attributes.sound == second.attributes.sound == "rain"
    assert studio.subtitles(ME, project).count("Wait!") == 1
    studio.undo(ME, project)
    assert shots_of(studio, project)[0].attributes.dialogue == "ANNA: Wait!"
    studio.redo(ME, project)
    assert shots_of(studio, project)[1].id == half.id
    assert studio.subtitles(ME, project).count("Wait!") == 1


def test_the_second_half_continues_from_the_end_of_the_first(working: Studio) -> None:
    project, ids = new_film(working, 1)
    working.draw(ME, ids)
    wait_for_jobs(working, project)
    half = working.split_shot(ME, ids[0], at=20)
    working.draw(ME, [half.id])
    wait_for_jobs(working, project)
    assert working.takes(ME, half.id)[0].lineage.previous_end == "1E"


def test_a_split_at_the_playhead(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    assert studio.split_shot(ME, ids[0], at=20).attributes.length == 52
    assert shots_of(studio, project)[0].attributes.length == 20


@pytest.mark.parametrize(
    ("length", "at"), [(11, None), (1, None), (72, 5), (72, 67), (72, 0), (72, -4), (72, 900)]
)
def test_a_split_that_leaves_too_little_is_refused(studio: Studio, length: int, at: int | None) -> None:
    project, ids = new_film(studio, 1)
    studio.edit_shot(ME, ids[0], length=length)
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match=r"Shot 1 .*each half needs 6 frames"):
        studio.split_shot(ME, ids[0], at)
    assert studio.project(ME, project) == before


def test_several_shots_change_as_one_command(studio: Studio) -> None:
    project, ids = new_film(studio, 4)
    before = shots_of(studio, project)
    studio.edit_shots(ME, {ids[0]: {"cast": ["Ada"]}, ids[2]: {"cast": ["Ada", "Bo"], "scale": "close-up"}})
    view = studio.project(ME, project)
    assert [shot.attributes.cast for shot in view.shots] == [["Ada"], [], ["Ada", "Bo"], []]
    assert view.head.undo is not None
    assert view.head.undo.label == "change 2 fields of 2 shots"
    studio.undo(ME, project)
    assert shots_of(studio, project) == before


def test_one_wrong_value_changes_nothing(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    _, (stranger, *_) = new_film(studio, 1)
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match="length"):
        studio.edit_shots(ME, {ids[0]: {"length": 10}, ids[1]: {"length": 0}})
    with pytest.raises(NotFound, match="not all of one film"):
        studio.edit_shots(ME, {ids[0]: {"title": "x"}, stranger: {"title": "x"}})
    with pytest.raises(NotFound):
        studio.edit_shots(YOU, {ids[0]: {"title": "x"}})
    with pytest.raises(BadInput, match="Choose the shots"):
        studio.edit_shots(ME, {})
    assert studio.project(ME, project) == before


def test_a_shot_keeps_its_letter_in_another_scene_unless_it_is_taken(studio: Studio) -> None:
    project, ids = new_film(studio, 4)
    assert [shot.label for shot in shots_of(studio, project)] == ["1A", "1B", "1C", "1D"]
    studio.edit_shots(ME, {ids[2]: {"scene": 2}, ids[3]: {"scene": 2}})
    assert [shot.label for shot in shots_of(studio, project)] == ["1A", "1B", "2C", "2D"]
    studio.edit_shot(ME, ids[2], slate="A")
    studio.edit_shot(ME, ids[0], scene=2)
    assert [shot.label for shot in shots_of(studio, project)] == ["2B", "1B", "2A", "2D"]
    assert studio.undo(ME, project).label == "change the scene of shot 1"
    assert shots_of(studio, project)[0].label == "1A"


def test_words_that_cannot_be_drawn_are_told_with_a_near_one(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    studio.edit_shot(
        ME, ids[0], description="A dragon on a bridge.", place="Volcano", weather="hail", movement="crane up"
    )
    studio.edit_project(ME, project, look="with torches")
    view = studio.project(ME, project)
    assert [(hint.field, hint.word, hint.instead) for hint in view.shots[0].hints] == [
        ("description", "dragon", None),
        ("description", "bridge", "city"),
        ("place", "volcano", "mountains"),
        ("weather", "hail", "rain"),
        ("movement", "crane up", "tilt up"),
    ]
    assert view.shots[0].unknown_words == ("dragon", "bridge")
    assert [(hint.word, hint.instead) for hint in view.head.hints] == [("torches", "night")]


def test_the_history_tells_short_values(studio: Studio) -> None:
    project, (one, two) = new_film(studio, 2)
    studio.edit_shot(ME, one, title="Dawn")
    studio.edit_shot(ME, one, scale="close-up")
    studio.edit_shots(ME, {one: {"movement": "pan left"}, two: {"movement": "pan left"}})
    assert [step.label for step in studio.steps(ME, project)][-3:] == [
        "change the title of shot 1 to “Dawn”",
        "change the size of shot 1 to “close-up”",
        "change the movement of 2 shots",
    ]
