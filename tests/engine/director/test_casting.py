"""Whom a theme casts: lists, names after what somebody is, groups, people without a name, and stand-ins."""

from __future__ import annotations

import pytest

from engine.director import BreakdownDirector, direct_all
from engine.director.stages import Warnings
from engine.profiles import get_profile
from tests.engine.director.test_themes import film

MINI = get_profile("mini")


@pytest.mark.parametrize(
    ("theme", "cast", "said"),
    [
        (
            "A knight, a witch and a king meet",
            ["Knight", "Witch", "King"],
            "The knight, the witch and the king meet.",
        ),
        ("Elena, a young doctor, and her brother Marco flee", ["Elena", "Marco"], "Elena and Marco flee."),
        (
            "Tom and his sister Lucy, both tired, cross the hills",
            ["Tom", "Lucy"],
            "Tom and Lucy cross the hills.",
        ),
        ("A boy named Jonas finds a key", ["Jonas"], "Jonas finds a key."),
        ("Grandma bakes bread", ["Grandma"], "Grandma bakes bread."),
        (
            "My sister and I build a raft",
            ["Sister", "Traveller"],
            "The sister and the traveller build a raft.",
        ),
        ("My father taught me to fish", ["Father", "Traveller"], "The father teaches the traveller to fish."),
        ("I teach my daughter", ["Traveller", "Daughter"], "The traveller teaches his daughter."),
        (
            "3 robbers wait in a city",
            ["First robber", "Second robber", "Third robber"],
            "The robbers wait in a city.",
        ),
        ("Two chess players in the park", ["First chess player", "Second chess player"], ""),
        (
            "Paul and Maria quarrel in the kitchen",
            ["Paul", "Maria"],
            "Paul and Maria quarrel in the kitchen.",
        ),
        ("An old couple dances in a city", ["Woman", "Man"], "The couple dance in a city."),
        ("A horse and a rider wait in a city", ["Horse", "Rider"], "The horse and the rider wait in a city."),
        ("I sell flowers. A stranger buys them all", ["Traveller", "Stranger"], "a stranger buys them all."),
        ("A boy waits. A girl comes. They both laugh", ["Boy", "Girl"], "The girl and the boy both laugh."),
        ("He digs and she sings", ["Man", "Woman"], "a woman sings."),
        ("The last train leaves and she is not on it", ["Woman"], "the woman is not on it."),
        (
            "A boat drifts while children wave from a meadow",
            ["First child", "Second child"],
            "children wave from a meadow.",
        ),
        (
            "A chef cooks for his wife, who has lost her memory",
            ["Chef", "Wife"],
            "the wife has lost her memory.",
        ),
        (
            "Two sisters fight over their mother's old coat",
            ["First sister", "Second sister"],
            "mother's old coat.",
        ),
        ("My neighbour's cat steals the cake", ["Neighbour's cat"], "the neighbour's cat steals the cake."),
        ('"She has gone," the sailor answers', ["Sailor"], 'the sailor answers "She has gone."'),
        ('"No," says a boy, "I see land!"', ["Boy"], 'the boy says "No, I see land!"'),
    ],
)
def test_everybody_who_acts_is_cast_once(theme: str, cast: list[str], said: str) -> None:
    made = film(theme, shots=6)
    assert [member.name for member in made.cast] == cast
    shown = {shot.description: shot.attributes.cast for shot in made.shots}
    assert [bool(who) for text, who in shown.items() if text.casefold().endswith(said.casefold())], shown
    assert all(who for text, who in shown.items() if said and text.endswith(said))


@pytest.mark.parametrize(
    ("theme", "cast"),
    [
        ("An astronaut misses her mother on Mars", ["Astronaut"]),
        ("A soldier writes a letter to his wife", ["Soldier"]),
        (
            "After the funeral, three boys share bread and remember their father",
            ["First boy", "Second boy", "Third boy"],
        ),
        ("She waits. He never comes.", ["Woman"]),
    ],
)
def test_whoever_is_only_thought_of_is_not_in_the_film(theme: str, cast: list[str]) -> None:
    assert [member.name for member in film(theme, shots=6).cast] == cast


def test_looks_are_told_by_the_words_that_are_meant() -> None:
    assert film('"She has gone," the sailor answers').cast[0].look.startswith("a man")
    assert all("grey hair" in member.look for member in film("An old couple dances in a city").cast)
    assert not any("grey" in film("The old bridge, the young soldier", seed=s).cast[0].look for s in range(9))
    assert not any("grey" in film("A 9-year-old girl waits", seed=seed).cast[0].look for seed in range(9))


@pytest.mark.parametrize(
    ("theme", "name", "part"),
    [
        ("A cat waits at the window", "Cat", "a cat"),
        ("An owl and a knight wait", "Owl", "an owl"),
        ("Two dragons fight", "Second dragon", "a dragon"),
        ("A robot wakes up", "Robot", "a robot"),
        ("A dog named Rex waits for Anna", "Rex", "a dog"),
    ],
)
def test_the_look_of_a_stand_in_says_what_it_stands_for(theme: str, name: str, part: str) -> None:
    look = next(member.look for member in film(theme).cast if member.name == name)
    assert look.startswith(("a man with ", "a woman with "))
    assert look.endswith(f" coat, standing in for {part}")
    stages = BreakdownDirector().direct(theme, shots=3, profile=MINI)
    assert any(name in note for note in next(s for s in stages if isinstance(s, Warnings)).notes)


def test_a_profile_that_draws_animals_is_asked_for_them() -> None:
    made = direct_all(
        BreakdownDirector(), "A dragon meets a king", shots=3, profile=get_profile("qwen-image")
    )
    assert made.cast[0].look == "a dragon"
    assert made.cast[1].look.startswith("a man with ")


def test_a_screenplay_says_it_of_its_animals_too() -> None:
    made = film("INT. ROOM - DAY\n\nA man and a cat.\n\nCAT\nMeow.\n\nMAN\nNo.\n", shots=3)
    assert {member.name: "standing in for a cat" in member.look for member in made.cast} == {
        "Cat": True,
        "Man": False,
    }


def test_more_people_than_fit_are_told_however_they_come_together() -> None:
    stages = BreakdownDirector().direct("Two robots and a king share a boat", shots=3, profile=MINI)
    notes = next(s for s in stages if isinstance(s, Warnings)).notes
    assert any("draws at most 2 people" in note for note in notes)
