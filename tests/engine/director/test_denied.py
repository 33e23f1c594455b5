"""What is said not to be there is not: weather and hours in a theme, clothes, deeds; and its hero stays."""

from __future__ import annotations

import pytest

from engine.director.claims import worn_on
from engine.director.denied import over, there
from engine.profiles import world_vocabulary
from engine.story import Storyboard
from tests.engine.director.test_themes import film

WORDS = world_vocabulary()


def told(board: Storyboard) -> list[str]:
    return [shot.description for shot in board.shots]


@pytest.mark.parametrize(
    "text",
    [
        "It is not raining any more",
        "There is no snow",
        "all without any fog",
        "It never rains here",
        "The storm is over.",
        "The rain has stopped",
        "It has stopped raining",
        "It is no longer night",
        "It isn’t raining",
        "no rain or snow",
        "no sign of the storm",
        "a girl who never saw snow",
        "a woman who has never seen the sea",
        "a farmer waits for rain that never comes",
        "after the storm",
        "before the rain comes",
        "free of fog",
        "snowless, not yet dark",
    ],
)
def test_what_is_denied_or_over_is_not_there(text: str) -> None:
    assert there(text, WORDS, "weather", "time", "setting") == []


@pytest.mark.parametrize(
    "text",
    [
        "cannot sleep at night",
        "not afraid of the rain",
        "It never stops raining",
        "the rain has not stopped",
        "a storm is over the city",
        "no hat on a snowy day",
        "without her in the rain",
        "no storm can stop her",
        "neither rain nor snow can stop the postman",
        "waits until there is no rain",
        "waits until the rain has stopped",
        "not only raining",
        "never without rain",
        "no boat in the fog",
        "no one in the rain",
        "after the rain started",
        "does not sleep in the forest",
    ],
)
def test_only_what_a_negation_governs_is_denied(text: str) -> None:
    assert there(text, WORDS, "weather", "time", "setting")


def test_a_weather_that_ends_is_there_until_then() -> None:
    assert [match.canonical for match in there("the rain stops", WORDS, "weather")] == ["rain"]
    assert over("the rain stops", WORDS) == {"rain"}
    assert over("it stops raining", WORDS) == {"rain"}
    assert over("it never stops raining", WORDS) == set()


@pytest.mark.parametrize(
    "theme",
    [
        "It is not raining any more. A woman sits by the sea.",
        "A girl waits. There is no snow in the mountains.",
        "A man walks through a city without fog.",
        "It never rains here. A boy waits.",
        "The storm is over. A man walks home.",
        "The rain has stopped. A girl sings.",
        "It is no longer night. A girl sings.",
        "It is not foggy in the city. A boy waits.",
        "A farmer waits for rain that never comes",
        "After the storm a boy finds a shell on the beach",
        "INT. BARN - DAY\n\nThe rain has stopped. A BOY waits.\n",
    ],
)
def test_no_film_plays_in_what_its_theme_denies(theme: str) -> None:
    for shots in (1, 4, 7):
        made = film(theme, shots=shots)
        assert {(shot.attributes.time.value, shot.attributes.weather or "clear") for shot in made.shots} == {
            ("day", "clear")
        }
        said = " ".join(told(made))
        assert not any(word in said for word in ("ainy", "nowy", "A foggy", "in the rain", "in the fog"))


def test_weather_changes_when_the_theme_says_so() -> None:
    theme = "A boy waits in the rain. The rain has stopped. He walks home."
    weathers = [shot.attributes.weather for shot in film(theme, shots=4).shots]
    assert weathers == ["rain", "rain", "clear", "clear"]
    theme = "A girl waits until the rain stops. Then she runs home."
    assert [shot.attributes.weather for shot in film(theme).shots] == ["rain", "rain", "rain", "clear"]


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        ("A girl is not crying.", "the girl is not crying."),
        ("A man was not walking.", "the man is not walking."),
        ("The fisherman is not wearing his hat.", "the fisherman is not wearing his hat."),
        ("Two sisters are not speaking.", "The sisters are not speaking."),
        ("The children weren't sleeping", "The children aren't sleeping."),
        ("It is not raining any more.", "It is not raining any more."),
        ("A girl not seen by her father waits", "he girl is not seen by her father."),
        ("The girl did not come", "the girl does not come."),
        ("The fisherman is not in the desert.", "the fisherman is not in the desert."),
        ("There is no snow in the desert. A boy waits.", "There is no snow."),
    ],
)
def test_what_is_not_done_is_told_as_not_done(theme: str, said: str) -> None:
    assert any(text.endswith(said) for text in told(film(theme))), told(film(theme))


def test_who_is_not_walking_is_shown_on_no_journey() -> None:
    assert not any(
        word in text
        for text in told(film("A man is not walking.", shots=7))
        for word in ("In the cent", "breath")
    )


@pytest.mark.parametrize(
    ("theme", "name", "has", "never"),
    [
        ("A woman without a red coat waits", "Woman", "", "red coat"),
        ("A boy who has no hat waits in the snow", "Boy", "", "beanie"),
        ("A woman meets a boy who has no hat in the snow", "Boy", "", "beanie"),
        ("A fisherman without a hat waits", "Fisherman", "", "hat"),
        ("The fisherman is not wearing his hat.", "Fisherman", "", "hat"),
        ("A king who wears no crown waits", "King", "", "hat"),
        ("A boy wears a green coat in the city", "Boy", "green coat", ""),
        ("A boy wears an old coat in the city", "Boy", "", "grey hair"),
        ("A woman meets a boy who wears a straw hat and a red coat", "Boy", "straw hat in a red coat", ""),
    ],
)
def test_nobody_wears_what_the_theme_denies(theme: str, name: str, has: str, never: str) -> None:
    for seed in range(10):
        look = next(member.look for member in film(theme, seed=seed).cast if member.name == name)
        assert has in look
        assert not never or never not in look


def test_a_card_claims_nothing_that_it_denies() -> None:
    assert worn_on("a man without a red coat", WORDS) == {}
    assert worn_on("a man with no straw hat in a blue coat", WORDS) == {"coat": "blue"}


@pytest.mark.parametrize(
    ("theme", "cast", "place"),
    [
        ("A boy who never smiles walks through the city at dawn.", ["Boy"], "City"),
        ("A woman who has never seen the sea travels to the beach", ["Woman"], "Beach"),
        ("A girl who never saw snow lives in the desert", ["Girl"], "Desert"),
        ("A boy who has never been to Paris waits in a forest", ["Boy"], "Forest"),
        ("A mermaid who has never walked comes to the beach", ["Mermaid"], "Beach"),
        ("An old man never gives up", ["Man"], ""),
        ("A king is never alone", ["King"], ""),
        ("No rain, only a girl in the desert", ["Girl"], "Desert"),
        ("She waits. He never comes.", ["Woman"], ""),
        ("A woman waits for a prince who never comes", ["Woman"], ""),
        ("A girl waits. A prince never comes.", ["Girl"], ""),
    ],
)
def test_who_never_does_something_is_there_and_who_never_comes_is_not(
    theme: str, cast: list[str], place: str
) -> None:
    made = film(theme, shots=6)
    assert [member.name for member in made.cast] == cast
    assert place in ("", made.places[0].name)
    assert len(made.places) == 1
    assert not any("the woman never comes" in text for text in told(made))


def test_both_clauses_of_who_never_smiles_are_told_of_him() -> None:
    shots = film("A boy who never smiles walks through the city at dawn.").shots
    shown = {shot.description: shot.attributes.cast for shot in shots}
    assert shown["On the left, the boy never smiles."] == ["Boy"]
    assert shown["In the centre, the boy walks through the city."] == ["Boy"]
