"""Places get words for how they look, which stay the same through a film."""

from __future__ import annotations

from dataclasses import replace

from engine.director import BreakdownDirector, direct_all
from engine.profiles import get_profile
from engine.story import Storyboard
from engine.vocabulary import Vocabulary
from engine.world.story import SETTINGS

MINI = get_profile("mini")


def film(theme: str, seed: int = 3, shots: int = 5) -> Storyboard:
    return direct_all(BreakdownDirector(), theme, shots=shots, profile=MINI, seed=seed)


def known(text: str, kind: str) -> list[str]:
    assert MINI.vocabulary is not None
    return [match.canonical for match in MINI.vocabulary.find(text, kind)]


def test_every_setting_is_told_by_a_word_of_each_of_its_kinds() -> None:
    for setting in SETTINGS:
        place = film(f"A woman waits in the {setting}").places[0]
        for fact in ("palette", "side", "variant"):
            assert len(known(place.look, f"{setting} {fact}")) == 1, place.look


def test_what_the_theme_says_of_a_place_wins() -> None:
    for seed in range(8):
        place = film("A knight walks to a castle with blue roofs", seed).places[0]
        assert known(place.look, "castle palette") == ["blue roofs"]


def test_what_the_theme_denies_of_a_place_is_not_taken_from_it() -> None:
    seen = {film("A knight walks to a castle without blue roofs", s).places[0].look for s in range(12)}
    assert len({known(look, "castle palette")[0] for look in seen}) > 1


def test_two_rooms_of_a_film_look_different() -> None:
    for seed in range(8):
        kitchen, bedroom = film("A man cooks in the kitchen. Later he sleeps in the bedroom.", seed, 6).places
        assert known(kitchen.look, "room palette") != known(bedroom.look, "room palette")


def test_the_same_seed_furnishes_the_same_film() -> None:
    assert film("A boy runs through the forest") == film("A boy runs through the forest")
    looks = {film("A boy runs through the forest", seed).places[0].look for seed in range(12)}
    assert len(looks) > 4


def test_a_skin_that_the_theme_names_is_kept() -> None:
    for seed in range(8):
        look = film("A dark-skinned sailor leaves the harbour", seed).cast[0].look
        assert known(look, "skin") == ["dark skin"]
    assert len({known(film("A sailor leaves the harbour", s).cast[0].look, "skin")[0] for s in range(12)}) > 1


def test_a_checkpoint_without_words_for_layouts_is_told_none() -> None:
    assert MINI.vocabulary is not None
    kinds = {k: v for k, v in MINI.vocabulary.kinds.items() if " " not in k and k != "skin"}
    plain = replace(MINI, vocabulary=Vocabulary(kinds))
    made = direct_all(BreakdownDirector(), "A girl waits in the old town", shots=3, profile=plain, seed=1)
    assert made.places[0].look == "a city"
    assert "skin" not in made.cast[0].look
