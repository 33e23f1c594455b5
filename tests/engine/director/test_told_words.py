"""What the director makes of a theme's words: whom "her" means, its own phrases, and what is not English."""

from __future__ import annotations

import re

import pytest

from engine.director import BreakdownDirector, phrasebook
from engine.director.phrasebook import Moment
from engine.director.reading import reads_english
from engine.director.stages import Warnings
from engine.profiles import get_profile, world_vocabulary
from tests.engine.director.test_breakdown_director import THEMES as LONGER
from tests.engine.director.test_themes import THEMES, film

MINI = get_profile("mini")


@pytest.mark.parametrize(
    ("theme", "said", "cast"),
    [
        (
            "A tired nurse drinks tea in a hospital. A robot knocks at the door and gives her a letter",
            "The robot gives the nurse a letter.",
            ["Robot", "Nurse"],
        ),
        (
            "A girl meets a soldier at the station. The soldier gives her a flower",
            "The soldier gives the girl a flower.",
            ["Soldier", "Girl"],
        ),
        (
            "An old woman sits in a room. A postman brings her a letter",
            "A postman brings the woman a letter.",
            ["Postman", "Woman"],
        ),
        ("A girl meets a soldier. She thanks him", "The girl thanks the soldier.", ["Girl", "Soldier"]),
        ("A nurse sleeps. A king sits beside her", "A king sits beside the nurse.", ["King", "Nurse"]),
        (
            "A woman waits. A man runs to her, but she turns away from him.",
            "The woman turns away from the man.",
            ["Woman", "Man"],
        ),
        (
            "A girl finds a boy in the forest and gives him her coat",
            "The girl gives the boy her coat.",
            ["Girl", "Boy"],
        ),
        ("A boy waits. Nobody else comes. The queen sees him again", "sees the boy again.", ["Queen", "Boy"]),
    ],
)
def test_an_object_pronoun_brings_whom_it_means_into_the_shot(theme: str, said: str, cast: list[str]) -> None:
    shots = {shot.description: shot.attributes.cast for shot in film(theme, shots=6).shots}
    assert [who for text, who in shots.items() if text.endswith(said)] == [cast], shots


@pytest.mark.parametrize(
    ("theme", "said", "cast"),
    [
        ("A girl and a woman wait. A robot gives her a letter", "robot gives her a letter.", ["Robot"]),
        ("A king waits. A robot gives her a letter", "robot gives her a letter.", ["Robot"]),
        ("A nurse waits. A robot opens her letter", "robot opens her letter.", ["Robot"]),
        ("A nurse waits. A robot thinks of her", "robot thinks of her.", ["Robot"]),
    ],
)
def test_a_pronoun_stays_where_it_is_not_sure_whom_it_means(theme: str, said: str, cast: list[str]) -> None:
    shots = {shot.description: shot.attributes.cast for shot in film(theme, shots=6).shots}
    assert [who for text, who in shots.items() if text.endswith(said)] == [cast], shots


def test_a_whole_sentence_in_one_shot_shows_everybody_in_it() -> None:
    last = film("A nurse drinks tea. A robot knocks at the door and gives her a letter", shots=2).shots[-1]
    assert last.description == "A robot knocks at the door and gives the nurse a letter."
    assert last.attributes.cast == ["Robot", "Nurse"]


def test_who_acts_on_her_is_not_her() -> None:
    cast = film("A nurse waits. A robot knocks at the door and gives her a letter").cast
    assert [member.look.split(" with ")[0] for member in cast] == ["a woman", "a man"]


def phrases() -> list[str]:
    """Every line of the phrasebook, with slots filled by words that are drawn."""
    tables = (phrasebook.BEFORE, phrasebook.AFTER, phrasebook.ENDING)
    moments: list[Moment] = [m for table in tables for row in table.values() for m in row]
    moments += phrasebook.ENDING_PAIR + phrasebook.ENDING_TOGETHER + phrasebook.ENDING_ALONE
    moments += phrasebook.IDLE + phrasebook.IDLE_TOGETHER
    lines = [m.template for m in moments]
    lines += [f"{m.template[:-1].replace('{tail}', '')}{tail}." for m in moments for tail in phrasebook.TAILS]
    lines += [*phrasebook.CUTAWAYS, *(line for row in phrasebook.ESTABLISH.values() for line in row)]
    slots = {"S": "the king", "O": "the girl", "T": "the boy", "he": "he", "his": "his", "him": "him"}
    slots |= {"at": "on the beach", "along": "along the beach", "place": "the beach", "Place": "The beach"}
    slots |= {"dir": "right", "where": "on the left ", "weather": " in the rain", "fallen": "in the rain "}
    slots |= {"pair": "", "tail": "", "header": "The beach"}
    return [
        phrasebook.fill(line, slots, {"S": plural, "O": plural}) for line in lines for plural in (False, True)
    ]


def test_no_phrase_of_the_director_is_marked_by_the_mini_profile() -> None:
    assert MINI.vocabulary is not None
    marked = {line: words for line in phrases() if (words := MINI.vocabulary.unknown(line))}
    assert not marked


@pytest.mark.parametrize("seed", range(2))
def test_only_the_theme_s_own_words_are_marked(seed: int) -> None:
    assert MINI.vocabulary is not None
    for theme in [*(row[0] for row in THEMES), *LONGER, "A dog alone on the beach", "A boy loses his hat"]:
        made = film(theme, shots=16, seed=seed)
        names = [member.name for member in made.cast]
        for shot in made.shots:
            marked = MINI.vocabulary.unknown(shot.description, names)
            own = [w for w in marked if not re.search(rf"\b{re.escape(w)}", theme.casefold())]
            assert not own, shot.description


def notes(theme: str) -> str:
    stages = BreakdownDirector().direct(theme, shots=5, profile=MINI)
    return " ".join(next(s for s in stages if isinstance(s, Warnings)).notes)


@pytest.mark.parametrize(
    "theme",
    ["Zwei Schwestern streiten am Strand", "Anna trifft Tom am Strand", "Die Frau wartet am Hafen"],
)
def test_a_theme_that_is_not_english_is_left_as_it_is_and_told(theme: str) -> None:
    assert f"{theme}." in [shot.description for shot in film(theme, shots=5).shots]
    assert "The built-in director reads English: write the theme in English" in notes(theme)


@pytest.mark.parametrize(
    "theme",
    [
        *(row[0] for row in THEMES),
        *LONGER,
        "Anna believes in Tom",
        "Romeo and Juliet meet in Verona",
        "Hedgehog befriends a badger",
        "Kestrels swoop over cliffs",
        "THE LAST TRAIN HAS GONE",
        "I am lost in the forest",
        "The man has a hat and a band",
        "NASA engineers wait at night in a room",
    ],
)
def test_an_english_theme_passes_for_english(theme: str) -> None:
    assert reads_english(theme, world_vocabulary())
    assert "reads English" not in notes(theme)
