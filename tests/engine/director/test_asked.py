"""What a theme tells, however it asks for it: films about something, questions, orders, titles."""

from __future__ import annotations

import pytest

from engine.director.asked import split_title, stated, without_frame
from tests.engine.director.test_themes import film


@pytest.mark.parametrize(
    ("theme", "told"),
    [
        ("A film about an old clockmaker", "An old clockmaker"),
        ("Please make me a short silent film about two cats", "Two cats"),
        ("The story of a boy who wanted to fly", "A boy who wanted to fly"),
        ("I want a story where a girl wins", "A girl wins"),
        ("Show me a knight riding through the snow", "A knight riding through the snow"),
        ("A film without people about a forest", "A forest, without people"),
        ("A short film: the sea", "The sea"),
        ("A film noir about a detective", "A detective"),
        ("Cut to: a lonely astronaut", "A lonely astronaut"),
        ("The film star walks home", "The film star walks home"),
        ("Picture books are sold", "Picture books are sold"),
    ],
)
def test_what_only_asks_for_a_film_is_not_told(theme: str, told: str) -> None:
    assert without_frame(theme) == told


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Why does the old woman sit by the sea?", "The old woman does sit by the sea."),
        ("What would you do if the sea came into your room?", "The sea came into your room."),
        ("What if it never stopped raining?", "It never stopped raining."),
        ("Is the king asleep?", "The king is asleep."),
        ("Where is the girl going?", "The girl is going."),
        ("Can a robot love?", "A robot can love."),
        ("How to bake a cake", "You bake a cake"),
        ("First a girl sings", "A girl sings"),
        ("Who stole the crown?", "Who stole the crown?"),
        ("Find the lost child before nightfall!", "You find the lost child before nightfall!"),
        ("Climb the hill, plant the flag.", "You climb the hill and plant the flag."),
        ("truck left", "truck left"),
        ("Let the children sing.", "Let the children sing."),
        ("Love in Paris", "Love in Paris"),
        ('"Is the king asleep?"', '"Is the king asleep?"'),
    ],
)
def test_questions_and_orders_are_told_as_what_happens(asked: str, told: str) -> None:
    assert stated(asked) == told


@pytest.mark.parametrize(
    ("theme", "said", "cast"),
    [
        ("A film about two old friends who meet again in a city", "The friends meet again.", 2),
        (
            "Why does the old woman sit by the sea every evening?",
            "the woman sits by the sea every evening.",
            1,
        ),
        ("Find the lost child before nightfall!", "The traveller finds the lost child before nightfall.", 2),
        ("How does a robot fall in love?", "the robot falls in love.", 1),
        ("A film in which a baker and a thief become friends", "The baker and the thief become friends.", 2),
        ("THE KEEPER. An old man lights the lamp.", "the man lights the lamp.", 1),
    ],
)
def test_whoever_is_asked_for_acts(theme: str, said: str, cast: int) -> None:
    made = film(theme, shots=5)
    told = {shot.description: shot.attributes.cast for shot in made.shots}
    assert [len(who) for text, who in told.items() if text.endswith(said)] == [cast], told
    assert len(made.cast) == cast


def test_a_first_line_in_capitals_is_the_title() -> None:
    assert split_title("THE KEEPER\nAn old man lights the lamp.") == (
        "The Keeper",
        "An old man lights the lamp.",
    )
    assert split_title("THE KEEPER LIGHTS THE LAMP")[0] == ""
    assert split_title("A keeper lights the lamp. He sleeps.")[0] == ""
    assert film("THE KEEPER. An old man lights the lamp.").title == "The Keeper"


def test_names_in_capitals_stay_names() -> None:
    made = film("JOHN AND MARY GO HOME. A DOG BARKS.", shots=6)
    assert [member.name for member in made.cast] == ["John", "Mary", "Dog"]
    assert "John and Mary go home." in [shot.description for shot in made.shots]


@pytest.mark.parametrize(
    ("theme", "title"),
    [
        ("Two sisters argue about their dead mother's garden", "Two Sisters Argue"),
        ("Two sisters argue about their dead mother's garden in the rain", "Two Sisters Argue"),
        ("It was a dark and stormy night; a shot rang out.", "It Was a Dark and Stormy Night"),
        ("Two robots and a cat share a boat", "Two Robots and a Cat Share a Boat"),
        ("A knight, a witch and a king", "A Knight, a Witch and a King"),
        ("A day at the harbour: morning fog, noon heat, evening lights", "A Day at the Harbour"),
        ("A film about a boy who wanted to fly", "A Boy Who Wanted to Fly"),
        ("What would you do if the sea came into your living room?", "What Would You Do"),
        ("How does a robot fall in love?", "How Does a Robot Fall in Love?"),
        (
            "The farmer's daughter and the miller's son run away together",
            "The Farmer's Daughter and the Miller's Son",
        ),
        (
            "After midnight the toys wake up and march through the house",
            "After Midnight the Toys Wake Up and March",
        ),
        ("She dances alone in her bedroom at midnight", "She Dances Alone in Her Bedroom"),
        ("Anna, Ben and Carla walk home", "Anna, Ben and Carla Walk Home"),
        ("Paul and Maria quarrel in the kitchen", "Paul and Maria in the Kitchen"),
    ],
)
def test_titles_end_where_a_phrase_ends(theme: str, title: str) -> None:
    assert film(theme).title == title


def test_a_logline_of_parts_ends_in_one_stop() -> None:
    made = film("In the morning a farmer wakes; at noon he sleeps under a tree; in the evening a fox comes.")
    assert made.logline == "In the morning a farmer wakes; at noon he sleeps under a tree."
