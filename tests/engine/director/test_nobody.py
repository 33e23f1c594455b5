"""Themes that say that nobody is there get nobody; where somebody acts in an empty place, he is seen."""

from __future__ import annotations

import pytest

from engine.director import BreakdownDirector
from engine.director.nobody import without_asides
from engine.director.stages import ShotList, Warnings
from engine.profiles import get_profile
from engine.story import Framing, Purpose
from tests.engine.director.test_themes import film

MINI = get_profile("mini")
EMPTY = [
    ("War and peace in three minutes, no people", "War and Peace in Three Minutes", None),
    ("No people, only waves and a lighthouse at night", "Waves and a Lighthouse at Night", "Lighthouse"),
    ("An empty harbour at dawn, nobody is there", "An Empty Harbour at Dawn", "Harbour"),
    ("A deserted beach at sunset, without people", "A Deserted Beach at Sunset", "Beach"),
    ("An uninhabited island in the rain", "An Uninhabited Island in the Rain", "Island"),
    ("A forest in fog. No humans. Not a soul in sight.", "A Forest in Fog", "Forest"),
    ("Not a soul on the beach, and snow", "Not a Soul on the Beach", "Beach"),
    ("Nobody comes to the old lighthouse any more", "Nobody Comes", "Old lighthouse"),
    ("The market square is empty at dawn", "The Market Square Is Empty", "Market square"),
    ("There is no one in the city at night", "There Is No One", "City"),
    ("An abandoned castle in the fog", "An Abandoned Castle in the Fog", "Abandoned castle"),
    ("A film without people about a forest", "A Forest", "Forest"),
    ("Rain falls on an empty playground", "Rain Falls on an Empty Playground", None),
    ("Waves, rocks, gulls; no human beings", "Waves, Rocks, Gulls", None),
    ("No people.", "No People", None),
]


@pytest.mark.parametrize(("theme", "title", "place"), EMPTY)
@pytest.mark.parametrize("shots", [1, 3, 5, 12])
def test_where_nobody_is_nobody_is_seen(theme: str, title: str, place: str | None, shots: int) -> None:
    for seed in range(3):
        made = film(theme, shots=shots, seed=seed)
        assert (made.title, made.cast, len(made.shots)) == (title, [], shots)
        assert place in (None, made.places[0].name)
        assert {shot.attributes.framing for shot in made.shots} == {Framing.EMPTY}
        told = [shot.description for shot in made.shots]
        assert len(set(told)) == shots, told
        for text in told:
            # The mini checkpoint draws people where neither word is said.
            assert any(word in text.casefold() for word in ("empty", "nobody", "no one", "not a soul")), text
            assert "traveller" not in text.casefold()


def test_the_words_for_nobody_name_nothing() -> None:
    told = [shot.description for shot in film("No people, only waves and a lighthouse at night").shots]
    assert told[0] == "Waves and a lighthouse at night. Nobody is there."
    assert not any("people" in text for text in told)
    stages = list(BreakdownDirector().direct(EMPTY[0][0], shots=3, profile=MINI))
    warnings = next(stage for stage in stages if isinstance(stage, Warnings))
    assert warnings == Warnings(
        (), ("Nobody is there, as the theme says: every shot shows its place alone.",)
    )
    last = stages[-1]
    assert isinstance(last, ShotList)
    assert {shot.attributes.purpose for shot in last.storyboard.shots[1:-1]} == {Purpose.COVERAGE}


@pytest.mark.parametrize(
    ("theme", "cast"),
    [
        ("An empty street where a girl walks", ["Girl"]),
        ("A girl alone on an empty beach at dawn", ["Girl"]),
        ("The sheriff and the outlaw meet in the empty street", ["Sheriff", "Outlaw"]),
        ("There is no one in the station except a boy with a suitcase", ["Boy"]),
        ("Nobody believes the girl who saw a king", ["Girl", "King"]),
        ("Alone on the beach, no one around, a girl sings", ["Girl"]),
        ("A girl with no people around her waits", ["Girl"]),
        ("A pilot crashes on an island where nobody lives", ["Pilot"]),
        ("A robot wakes up and learns to dance alone for nobody", ["Robot"]),
        ("Nobody believes the girl who saw a dragon", ["Girl", "Dragon"]),
        ("An empty bottle on a beach", ["Traveller"]),
        ("A house", ["Traveller"]),
    ],
)
def test_whoever_is_there_all_the_same_is_seen(theme: str, cast: list[str]) -> None:
    made = film(theme, shots=6)
    assert [member.name for member in made.cast] == cast
    assert any(shot.attributes.cast for shot in made.shots)
    assert not any("empty" in place.name.casefold() for place in made.places)


@pytest.mark.parametrize(
    ("theme", "told"),
    [
        ("Two sisters, nobody else, cross the desert", "Two sisters cross the desert"),
        ("A world without people: forests, rivers", "A world: forests, rivers"),
        ("Dawn.\nNobody around.\nA boat drifts.", "Dawn.\nA boat drifts."),
        ("The sea (no people) at night", "The sea at night"),
        ("A girl, with nobody to talk to, waits", "A girl, with nobody to talk to, waits"),
        ("Nobody comes to the lighthouse", "Nobody comes to the lighthouse"),
    ],
)
def test_asides_are_taken_out_and_deeds_stay(theme: str, told: str) -> None:
    assert without_asides(theme) == told


def test_a_film_of_places_goes_through_the_places_and_the_hours_that_are_listed() -> None:
    made = film("A world without people: forests, rivers, mountains", shots=6)
    assert [shot.attributes.place for shot in made.shots] == [
        "Forests", "Forests", "Rivers", "Rivers", "Mountains", "Mountains"
    ]  # fmt: skip
    assert any(
        "forests lie " in shot.description for seed in range(6) for shot in film(made.theme, seed=seed).shots
    )
    hours = film("No humans. A city after the rain. Dawn, then noon, then night.", shots=6)
    assert [shot.attributes.time.value for shot in hours.shots] == [
        "dawn", "dawn", "day", "day", "night", "night"
    ]  # fmt: skip


def test_animals_are_not_played_by_people_where_there_are_to_be_none() -> None:
    assert film("Gulls circle over the sea, no people").cast == []
    assert len(film("Gulls circle over the sea").cast) == 2
    whole = BreakdownDirector().direct(
        "A cat in an empty house, no people", shots=2, profile=get_profile("qwen-image")
    )
    last = list(whole)[-1]
    assert isinstance(last, ShotList)
    assert [(member.name, member.look) for member in last.storyboard.cast] == [("Cat", "a cat")]


def test_no_one_like_her_is_somebody() -> None:
    assert film("There is no one like my grandmother", shots=3, seed=1).cast
