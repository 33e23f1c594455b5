"""The director: exact counts, film grammar, the theme's own words, or one clear sentence."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.director import BreakdownDirector, CastList, ShotList, Warnings, direct_all
from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import Framing, Movement, Scale, Storyboard, TimeOfDay, slate_letters
from engine.vocabulary import story_words
from tests.examples import examples

STORM = "An old fisherman finds a lost child on a stormy harbour at night"
THEMES = (
    STORM,
    "A girl loses her red kite in the city and finds it on the beach",
    "Two brothers cross the desert to find their missing father",
    "Detective Mara Voss follows a stranger through a foggy market street",
    "A dragon attacks a village at dawn",
    "Sunrise over the desert",
    "Anna meets Tom at the harbour. They walk through the city. At night they say goodbye.",
    "Dragon",
)
MINI = get_profile("mini")


def board(theme: str, shots: int = 5, **options) -> Storyboard:
    return direct_all(BreakdownDirector(), theme, shots=shots, profile=MINI, **options)


def told(film: Storyboard) -> list[str]:
    return [s.description for s in film.shots]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("shots", [1, 2, 3, 4, 5, 8, 13, 60, 200])
def test_grammar_holds_for_every_length(theme, shots):
    film = board(theme, shots, seed=shots)
    assert len(film.shots) == shots
    attributes = [s.attributes for s in film.shots]
    names = {c.name for c in film.cast}
    places = {p.name for p in film.places}
    for a in attributes:
        assert set(a.cast) <= names
        assert len(a.cast) <= 2
        assert a.place in places
        assert 2 <= a.length / 24 <= 5
        assert (a.framing is Framing.EMPTY) == (not a.cast)
        assert not (a.scale is Scale.CU and len(a.cast) != 1), "a face is of one person"
    for a, b in pairwise(attributes):
        assert (a.scale, a.angle) != (b.scale, b.angle)
        assert a.movement is Movement.STATIC or a.movement is not b.movement
    if shots > 1:
        assert attributes[0].scale in (Scale.LS, Scale.ELS)
    slates: dict[int, int] = {}
    for shot in film.shots:
        assert shot.slate == slate_letters(slates.setdefault(shot.scene, 0))
        slates[shot.scene] += 1
        assert shot.description[0].isupper() or not shot.description[0].isalpha()
        assert "{" not in shot.description
        assert "<" not in shot.description


def test_the_issue_s_own_theme():
    film = board(STORM)
    assert film.title == "The Fisherman and the Child"
    assert {(s.attributes.place, s.attributes.time, s.attributes.weather) for s in film.shots} == {
        ("Harbour", TimeOfDay.NIGHT, "rain")
    }
    assert told(film)[2] == "The fisherman finds a lost child."
    assert [c.name for c in film.cast] == ["Fisherman", "Child"]
    look = film.cast[0].look
    assert re.fullmatch(r"a man with (light|tan|dark) skin, grey hair and a straw hat in an? \w+ coat", look)
    assert film.shots[2].attributes.framing is Framing.TWO_SHOT
    assert film.shots[-1].attributes.movement is Movement.DOLLY_OUT


def test_looks_are_drawable_and_coats_differ():
    film = board("Three friends and a king meet a wizard in the forest", 9)
    coats = [MINI.vocabulary.find(c.look, "coat")[-1].canonical for c in film.cast]
    assert len(film.cast) == 5
    assert len(set(coats)) == 5
    for member in film.cast:
        assert MINI.vocabulary.unknown(member.look) == []
        assert MINI.vocabulary.first(member.look, "person") is not None


def test_the_theme_s_own_look_wins():
    film = board("A red-haired woman in a yellow raincoat waits at the station")
    assert "ginger hair" in film.cast[0].look
    assert "yellow coat" in film.cast[0].look


def test_two_places_make_a_return_to_the_first():
    film = board(THEMES[1])
    assert [s.attributes.place for s in film.shots] == ["City", "City", "Beach", "Beach", "City"]
    assert [s.scene for s in film.shots] == [1, 1, 2, 2, 3]


def test_sentences_of_a_treatment_are_its_beats_in_order():
    film = board(THEMES[6], 3)
    assert told(film) == [
        "Anna meets Tom at the harbour.",
        "Anna and Tom walk through the city.",
        "Anna and Tom say goodbye.",
    ]
    assert [s.attributes.time for s in film.shots] == [TimeOfDay.DAY, TimeOfDay.DAY, TimeOfDay.NIGHT]


def test_same_seed_same_film_other_seed_other_film():
    assert board(STORM, seed=3) == board(STORM, seed=3)
    assert len({board(STORM, 8, seed=s).model_dump_json() for s in range(4)}) > 1


def test_a_total_length_is_met_to_the_frame():
    assert board(STORM, 7, seconds=30).length == 30 * 24
    assert board(STORM, 3, seconds=90.5).length == round(90.5 * 24)
    with pytest.raises(BadInput, match="seconds"):
        board(STORM, 10, seconds=2)


def test_stages_come_in_order_and_warn_of_what_is_not_drawn():
    stages = list(BreakdownDirector().direct("A dragon on a bicycle meets a king", shots=4, profile=MINI))
    assert [type(s).__name__ for s in stages] == [
        "Logline", "CastList", "PlaceList", "Beats", "Warnings", "ShotList"
    ]  # fmt: skip
    warnings = next(s for s in stages if isinstance(s, Warnings))
    assert warnings.undrawable == ("dragon", "bicycle")
    assert "Dragon" in warnings.notes[0]
    cast = next(s for s in stages if isinstance(s, CastList))
    last = stages[-1]
    assert isinstance(last, ShotList)
    assert list(cast.cast) == last.storyboard.cast


def test_other_profiles_are_not_held_to_mini_s_words():
    stages = list(
        BreakdownDirector().direct("A dragon meets a king", shots=3, profile=get_profile("qwen-image"))
    )
    assert next(s for s in stages if isinstance(s, Warnings)) == Warnings(())


@pytest.mark.parametrize(
    ("theme", "says"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("!!! 123", "no words"),
        ("🦊🌊", "no words"),
        ("一个老渔夫在暴风雨的夜晚发现了一个迷路的孩子", "English"),
        ("Старый рыбак находит потерянного ребёнка", "English"),
        ("Ein alter Fischer findet ein verlorenes Kind im Hafen", "English"),
        ("Un vieux pêcheur trouve un enfant perdu dans le port", "English"),
        ("asdf qwer zxcv uiop hjkl", "make sense"),
        ("word " * 50_000, "250,000 characters"),
    ],
)
def test_what_cannot_be_directed_is_refused_in_one_sentence(theme, says):
    with pytest.raises(BadInput, match=says) as refusal:
        board(theme)
    assert str(refusal.value).count(". ") == 0


@pytest.mark.parametrize("shots", [0, -1, 201])
def test_impossible_counts_are_refused_before_the_first_stage(shots):
    with pytest.raises(BadInput, match="1 to 200"):
        BreakdownDirector().direct(STORM, shots=shots, profile=MINI)


def test_a_hundred_kilobytes_make_a_film():
    film = board("A king walks through the castle. The queen waves at him. " * 1_750, 12)
    assert len(film.shots) == 12
    assert {c.name for c in film.cast} == {"King", "Queen"}


WORDS = [*sorted(story_words())[::60], "king", "dragon", "harbour", "children", ",", ".", '"', "-"]
PROSE = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


@examples(60)
@given(st.one_of(st.text(max_size=300), PROSE), st.integers(1, 12))
def test_any_text_gives_the_exact_count_or_a_sentence(theme, shots):
    try:
        film = board(theme, shots)
    except BadInput:
        return
    assert len(film.shots) == shots
    assert film.theme == theme
    assert film.title.strip()
