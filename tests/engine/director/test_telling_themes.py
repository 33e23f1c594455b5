"""What a theme tells beside its nouns: man or woman by a pronoun, whose dog it is, what is no place."""

from __future__ import annotations

import pytest

from engine.director.people import is_agent
from tests.engine.director.test_themes import film


def look(theme: str, name: str) -> str:
    return next(member.look for member in film(theme).cast if member.name == name).split(" with ")[0]


@pytest.mark.parametrize(
    ("theme", "name", "person"),
    [
        ("A baker opens her shop at dawn and finds a letter", "Baker", "a woman"),
        ("A lighthouse keeper and her daughter watch the storm", "Lighthouse keeper", "a woman"),
        ("An astronaut misses her mother on Mars", "Astronaut", "a woman"),
        ("A teacher forgets his hat in the city", "Teacher", "a man"),
        ("A child loses her kite on a beach", "Child", "a girl"),
        ("Robin opens her shop", "Robin", "a woman"),
        ("A keeper finds a bottle. She rows out to sea.", "Keeper", "a woman"),
        ("A female pilot flies over the mountains", "Female pilot", "a woman"),
        ("A baker meets a king in her shop", "Baker", "a woman"),
        # Somebody else may be meant, or the noun says it: the pronoun decides nothing.
        ("A stranger gives a girl her kite", "Stranger", "a man"),
        ("A girl meets a baker and her father in the market", "Baker", "a man"),
        ("A detective meets a woman and she laughs", "Detective", "a man"),
        ("The king loses her crown", "King", "a man"),
        ("A fisherman waits. His daughter comes.", "Daughter", "a girl"),
    ],
)
def test_a_pronoun_tells_a_woman_from_a_man(theme: str, name: str, person: str) -> None:
    assert look(theme, name) == person


def test_whoever_is_hers_is_told_so_to_the_end() -> None:
    told = [shot.description for shot in film("A pilot, tired of her life, flies away", shots=6).shots]
    assert any("her breath" in text for text in told)
    assert not any(" his " in text for text in told)


@pytest.mark.parametrize(
    ("theme", "cast", "said"),
    [
        ("A girl and her dog walk through the city", ["Girl"], "walks through the city with her dog."),
        ("A woman walks her dog in the park", ["Woman"], "the woman walks her dog."),
        ("A boy looks for his dog. The dog barks.", ["Boy"], "The dog barks."),
        ("A wizard and his monster wait", ["Wizard", "Monster"], "The wizard and the monster wait."),
        ("Anna's dog runs along the beach", ["Anna's dog"], "Anna's dog runs along the beach."),
    ],
)
def test_an_animal_that_somebody_owns_is_no_person(theme: str, cast: list[str], said: str) -> None:
    made = film(theme, shots=6)
    assert [member.name for member in made.cast] == cast
    assert any(shot.description.endswith(said) for shot in made.shots)


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        (
            "The lamp breaks and a stranger rows to the rock",
            ["The lamp breaks.", "stranger rows to the rock."],
        ),
        ("The lamp breaks and the stranger rows to the rock", ["breaks and the stranger rows to the rock."]),
    ],
)
def test_and_is_not_lost(theme: str, said: list[str]) -> None:
    told = " ".join(shot.description for shot in film(theme, shots=6).shots)
    assert all(text in told for text in said), told
    assert "breaks a stranger" not in told
    assert "breaks the stranger" not in told


@pytest.mark.parametrize(
    ("theme", "title"),
    [
        (
            "My grandmother's last summer at the sea was the happiest of my life",
            "My Grandmother's Last Summer",
        ),
        ("My grandfather's last walk through the snowy woods", "My Grandfather's Last Walk"),
        ("Two sisters look at each other in the city", "The Sisters of the City"),
        ("Two sisters lose the other in the city at night", "The Sisters of the City"),
        ("A robot wakes up in a theatre and learns to dance", "The Robot in the Theatre"),
        ("A robot wakes up and learns to dance alone for nobody", "A Robot Wakes Up"),
        ("A woman waits for a ship that never comes", "A Woman Waits for a Ship"),
        ("An old fisherman finds a lost child on a stormy harbour", "The Fisherman and the Child"),
    ],
)
def test_titles_read_like_titles(theme: str, title: str) -> None:
    assert film(theme).title == title


@pytest.mark.parametrize(
    ("theme", "place", "drawn"),
    [
        ("A woman waits for a ship that never comes", "Harbour", ""),
        ("A girl finds a boat in the forest", "Forest", ""),
        ("A man sails his boat", "Boat", "a harbour"),
        ("A man sleeps on a boat", "Boat", "a harbour"),
        ("A robot wakes up in an old theatre", "Old theatre", "a room"),
        ("An astronaut lands on the moon", "Moon", "a desert"),
    ],
)
def test_places_are_where_something_happens(theme: str, place: str, drawn: str) -> None:
    made = film(theme)
    assert [spot.name for spot in made.places] == [place]
    first, *layout = made.places[0].look.split(", ")
    assert len(layout) == (3 if drawn else 2)
    assert first == drawn or not drawn


@pytest.mark.parametrize("noun", ["letter", "flower", "summer", "mirror", "lantern"])
def test_things_that_end_like_people_are_none(noun: str) -> None:
    assert not is_agent(noun)
    assert [member.name for member in film(f"A {noun} arrives and a boy cries").cast] == ["Boy"]


def test_a_story_about_somebody_shows_them() -> None:
    assert [member.name for member in film("My grandmother's last summer at the sea").cast] == ["Grandmother"]


def test_no_title_ends_in_the_middle_of_a_phrase() -> None:
    for theme in (
        "The long way from home to the end of the world",
        "Nothing ever happens on the moon, but once",
    ):
        assert film(theme).title.split()[-1].casefold() not in ("the", "of", "to", "on", "but"), theme
