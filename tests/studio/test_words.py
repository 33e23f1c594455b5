"""A description that says something else than the fields of its shot: told, with what mends it."""

from __future__ import annotations

import pytest

from studio.service.parts import Contradiction
from studio.service.studio import Studio
from tests.studio.helpers import ME, new_film, shots_of


@pytest.fixture
def film(studio: Studio) -> tuple[str, str]:
    """The first shot of the example: a rainy night at the harbour, the fisherman in red."""
    project, ids = new_film(studio, 1)
    studio.add_place(ME, project, "Harbour", "")
    studio.add_cast(ME, project, "Fisherman", "a man with grey hair and a straw hat in a red coat")
    studio.edit_shot(ME, ids[0], place="Harbour", time="night", weather="rain", cast=["Fisherman"])
    studio.edit_shot(ME, ids[0], scale="long shot")
    return project, ids[0]


def told(studio: Studio, film: tuple[str, str], description: str) -> tuple[Contradiction, ...]:
    studio.edit_shot(ME, film[1], description=description)
    return shots_of(studio, film[0])[0].contradictions


def test_words_against_the_fields_are_told_and_can_be_resolved(studio: Studio, film: tuple[str, str]) -> None:
    words = "A sunny desert at noon. The fisherman in a green coat sits on the sand."
    scene, worn = told(studio, film, words)
    assert scene.text == "The words say desert, day; Place and Time say Harbour, night."
    assert (scene.action, scene.fields) == ("Set Place and Time", {"place": "Desert", "time": "day"})
    assert worn.text == "The words say green coat; the card of Fisherman says red coat."
    assert (worn.action, worn.fields) == ("", {})
    studio.edit_shot(ME, film[1], **scene.fields)
    assert shots_of(studio, film[0])[0].contradictions == (worn,)
    member = studio.project(ME, film[0]).head.cast[0]
    studio.edit_cast(ME, member.id, look="a man with grey hair in a green coat")
    assert shots_of(studio, film[0])[0].contradictions == ()


@pytest.mark.parametrize(
    ("description", "named"),
    [
        ("The postman waits on the right.", True),
        ("The fisherman looks up, and the old postman waves.", True),
        ("The fisherman and his postman wait.", True),
        ("The fisherman thinks of the postman.", False),
        ("The postman's bag lies there. The fisherman waits.", False),
        ("The postmanship of the fisherman is over.", False),
        ("The fisherman waits.", False),
    ],
)
def test_whoever_acts_without_being_in_the_shot_is_told_and_can_be_added(
    studio: Studio, film: tuple[str, str], description: str, named: bool
) -> None:
    studio.add_cast(ME, film[0], "Postman", "a man with black hair in a blue coat")
    found = told(studio, film, description)
    if not named:
        assert found == ()
        return
    (absent,) = found
    assert absent.text == "The words name Postman, who is not in this shot."
    assert (absent.action, absent.fields) == ("Add Postman", {"cast": ("Fisherman", "Postman")})
    studio.edit_shot(ME, film[1], cast=list(absent.fields["cast"]))
    assert shots_of(studio, film[0])[0].contradictions == ()


def test_a_shot_that_is_full_takes_nobody_in(studio: Studio, film: tuple[str, str]) -> None:
    for name in ("Postman", "Child"):
        studio.add_cast(ME, film[0], name, "")
    studio.edit_shot(ME, film[1], cast=["Fisherman", "Child"])
    (absent,) = told(studio, film, "The fisherman waits. The postman walks to the left.")
    assert (absent.action, absent.fields) == ("", {})


def test_a_place_of_the_film_is_chosen_before_a_new_one(studio: Studio, film: tuple[str, str]) -> None:
    studio.add_place(ME, film[0], "The long way", "a desert")
    (scene,) = told(studio, film, "A desert. It snows.")
    assert scene.text == "The words say desert, snow; Place and Weather say Harbour, rain."
    assert scene.fields == {"place": "The long way", "weather": "snow"}


@pytest.mark.parametrize(
    "description",
    [
        "A stormy harbour at night. An old fisherman stands on the right in the rain.",
        "The fisherman walks from the harbour through the city.",
        "The fisherman remembers the desert.",
        "The fisherman does not sit in the desert.",
        "The fisherman rows towards the beach.",
        "The fisherman in his red coat and straw hat waits in the wind.",
        "The fisherman finds a man in a green coat.",
        "",
    ],
)
def test_other_descriptions_raise_no_alarm(studio: Studio, film: tuple[str, str], description: str) -> None:
    assert told(studio, film, description) == ()


def test_empty_fields_and_profiles_that_read_any_words_contradict_nothing(
    studio: Studio, film: tuple[str, str]
) -> None:
    studio.edit_shot(ME, film[1], place="", weather="")
    assert told(studio, film, "The fisherman sits in a desert in the snow.") == ()
    studio.edit_shot(ME, film[1], place="Harbour")
    studio.edit_project(ME, film[0], profile="qwen-image")
    assert shots_of(studio, film[0])[0].contradictions == ()


def test_what_the_profile_never_saw_together_is_told_and_can_be_resolved(
    studio: Studio, film: tuple[str, str]
) -> None:
    studio.edit_shot(ME, film[1], scale="close-up", movement="pan left")
    scale, movement = told(studio, film, "The fisherman walks left.")
    assert scale.text == (
        "The profile mini was never shown “walks left” with “close-up”: it may not be seen, or look odd."
    )
    assert (scale.action, scale.fields) == ("Set Size to medium shot", {"scale": "medium shot"})
    assert movement.fields == {"movement": "static"}
    for other in ("The fisherman stands.", "The fisherman does not walk left.", "He remembers a walk."):
        assert told(studio, film, other) == ()
    told(studio, film, "The fisherman strolls to the left.")
    studio.edit_shot(ME, film[1], **scale.fields, **movement.fields)
    assert shots_of(studio, film[0])[0].contradictions == ()
    studio.edit_shot(ME, film[1], scale="close-up")
    studio.edit_project(ME, film[0], profile="qwen-image-edit")
    assert shots_of(studio, film[0])[0].contradictions == (), "a large model has seen everything"
