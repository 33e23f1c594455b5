"""What a description plainly says of its scene and its people's clothes, and what only sounds like it."""

from __future__ import annotations

import pytest

from engine.director.breakdown_director import BreakdownDirector
from engine.director.claims import SCENE, claim, clothes, worn_on
from engine.director.stages import direct_all
from engine.profiles import get_profile, world_vocabulary
from tests.engine.director.test_themes import THEMES

WORDS = world_vocabulary()


def scene(text: str) -> tuple[str, ...]:
    return tuple(claim(text, kind, WORDS).plain for kind in SCENE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A sunny desert at noon. The fisherman sits on the sand.", ("desert", "day", "")),
        ("The man stands in the forest at night.", ("forest", "night", "")),
        ("He walks through the snowy woods.", ("forest", "", "snow")),
        ("On a stormy night the boy waits on the beach.", ("beach", "night", "rain")),
        ("She stands in the middle of the desert.", ("desert", "", "")),
        ("It is night. The man sits in a kitchen.", ("room", "night", "")),
        ("Rain falls on the street.", ("city", "", "rain")),
        ("It is raining in the city.", ("city", "", "rain")),
    ],
)
def test_what_sets_the_scene_is_a_claim(text: str, said: tuple[str, ...]) -> None:
    assert scene(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "The fisherman remembers the desert.",
        "He dreams of sitting in the desert at noon.",
        "There is no snow in the desert.",
        "The fisherman is not in the desert.",
        "He rows towards the city.",
        "He comes from the mountains.",
        "She looks across the desert.",
        "He holds a photograph of a man in the desert.",
        "He lies in a sea of flowers.",
        "The desert wind blows.",
        "The child waits until it rains.",
        "A woman who lives in the forest sits down.",
        "He says “We meet in the desert at noon”.",
        "He runs to hide in the forest.",
        "They walk from the forest through the city and across the desert.",
        "The man sits on the sand by the sea under the trees.",
        "A man in a dark coat with bright eyes.",
    ],
)
def test_what_only_sounds_like_it_is_none(text: str) -> None:
    assert scene(text) == ("", "", "")


def test_no_film_of_the_built_in_director_speaks_against_its_own_fields() -> None:
    for theme, *_ in THEMES:
        board = direct_all(BreakdownDirector(), theme, shots=6, profile=get_profile("mini"), seed=len(theme))
        looks = {place.name: f"{place.name} {place.look}" for place in board.places}
        for shot in board.shots:
            a = shot.attributes
            for kind, own in zip(SCENE, (looks[a.place], a.time.value, a.weather), strict=True):
                said = claim(shot.description, kind, WORDS)
                now = {match.canonical for match in WORDS.find(own, kind)}
                assert not said.plain or not now or now & said.named, (shot.description, kind, own)


@pytest.mark.parametrize(
    ("text", "worn"),
    [
        ("The fisherman in a green coat sits.", {"coat": "green"}),
        ("The fisherman, in a long blue raincoat and a top hat, sits.", {"coat": "blue", "hat": "top hat"}),
        ("The fisherman wears a green coat. A child in a red coat waits.", {"coat": "green"}),
        ("He wears no hat.", {"hat": "bare"}),
        ("The grey-haired fisherman sits.", {"hair": "grey"}),
        ("The fisherman has black hair.", {"hair": "black"}),
        ("The fisherman finds a man in a green coat.", {}),
        ("The fisherman in a green boat holds a red kite.", {}),
        ("The fisherman sits.", {}),
    ],
)
def test_clothes_are_told_beside_the_name(text: str, worn: dict[str, str]) -> None:
    assert clothes(text, "Old Fisherman", WORDS, alone=True) == worn
    if text.startswith("He"):
        assert clothes(text, "Old Fisherman", WORDS, alone=False) == {}


def test_a_card_tells_the_same() -> None:
    look = "a man with grey hair and a straw hat in a red coat"
    assert worn_on(look, WORDS) == {"coat": "red", "hair": "grey", "hat": "straw hat"}
    assert worn_on("a boy", WORDS) == {}
