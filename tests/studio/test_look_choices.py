"""A place's card offers the words with which its profile draws such a place."""

from __future__ import annotations

from engine.profiles import get_profile
from studio.service.studio import Studio
from studio.service.views import LookChoice, PlaceView
from studio.service.words import look_choices
from tests.studio.helpers import ME, new_film


def place(studio: Studio, name: str, look: str) -> PlaceView:
    project, _ = new_film(studio, 1)
    studio.add_place(ME, project, name, look)
    return studio.project(ME, project).head.places[-1]


def test_a_card_offers_every_word_of_its_setting_and_says_which_it_has(studio: Studio) -> None:
    card = place(studio, "Old fort", "Blue turrets; the towers on the right")
    assert card.choices == (
        LookChoice(
            kind="palette", words=("red roofs", "blue roofs", "purple roofs"), said="Blue turrets", at=1
        ),
        LookChoice(
            kind="side",
            words=("towers on the left", "towers on the right"),
            said="the towers on the right",
            at=1,
        ),
        LookChoice(kind="variant", words=("towers of one height", "one tall tower"), said=None, at=None),
    )
    assert card.unknown_words == ()


def test_a_word_is_offered_with_its_article(studio: Studio) -> None:
    card = place(studio, "Kitchen", "a room with a window on the left")
    assert [choice.words[0] for choice in card.choices] == [
        "beige wallpaper",
        "a window on the left",
        "a picture on the wall",
    ]
    assert card.choices[1].said == "a window on the left"


def test_every_setting_has_choices_and_a_word_chosen_is_found_again() -> None:
    vocabulary = get_profile("mini").vocabulary
    assert vocabulary is not None
    for setting in vocabulary.canonicals("setting"):
        offered = look_choices("mini", setting, "")
        assert [choice.kind for choice in offered] == ["palette", "side", "variant"]
        for choice in offered:
            for at, word in enumerate(choice.words):
                again = next(c for c in look_choices("mini", setting, word) if c.kind == choice.kind)
                assert (again.at, again.said) == (at, word)


def test_nothing_is_offered_where_nothing_is_known() -> None:
    assert look_choices("mini", "Somewhere", "unheard of") == ()
    assert look_choices("qwen-image", "Castle", "blue roofs") == ()
