"""Fountain screenplays: elements, odd ones too, and their way into shots."""

import pytest

from engine.director import BreakdownDirector, direct_all
from engine.director.fountain import Action, Speech, is_fountain, parse_fountain
from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import Interior, Storyboard, TimeOfDay

LETTER = """Title: The Letter
Author: Me

FADE IN:

INT. OLD KITCHEN - NIGHT #4#

ANNA, a tired woman in a red coat, sits at the table. She opens a *letter*. [[a note]]

TOM (V.O.)
(softly)
Dear Anna, I will not come home.

/* cut
ANNA
This is gone. */

ANNA
No. You promised.

CUT TO:

EXT. HARBOUR - DAWN #7#

A boat leaves. Tom waves.

@McAvoy ^
Goodbye!

.FLASHBACK

!INT. is only a word here.
"""


def board(text: str, shots: int) -> Storyboard:
    return direct_all(BreakdownDirector(), text, shots=shots, profile=get_profile("mini"))


def test_elements_are_read():
    script = parse_fountain(LETTER)
    assert script.title == "The Letter"
    assert [(s.place, s.time, s.interior, s.number) for s in script.scenes] == [
        ("Old kitchen", "Night", True, "4"),
        ("Harbour", "Dawn", False, "7"),
        ("Flashback", "", None, ""),
    ]
    kitchen = script.scenes[0].items
    assert isinstance(kitchen[0], Action)
    assert kitchen[0].text.endswith("She opens a letter.")
    assert kitchen[1] == Speech("Tom", "Dear Anna, I will not come home.", "softly", unseen=True)
    assert kitchen[2] == Speech("Anna", "No. You promised.")
    assert script.scenes[1].items[1] == Speech("McAvoy", "Goodbye!")
    assert script.scenes[2].items == [Action("INT. is only a word here.")]


@pytest.mark.parametrize("shots", [3, 4, 6, 11, 40])
def test_every_scene_is_filmed_and_nothing_said_is_lost(shots):
    film = board(LETTER, shots)
    assert len(film.shots) == shots
    spoken = "\n".join(s.attributes.dialogue for s in film.shots)
    for line in ("TOM: Dear Anna, I will not come home.", "ANNA: No. You promised.", "MCAVOY: Goodbye!"):
        assert spoken.count(line) == 1
    scenes = [s.scene for s in film.shots]
    assert scenes == sorted(scenes)
    assert len(set(scenes)) == 3


def test_headings_give_place_time_and_interior():
    film = board(LETTER, 6)
    kitchen, harbour = film.places[:2]
    assert (kitchen.name, kitchen.interior) == ("Old kitchen", Interior.INT)
    assert kitchen.look.startswith("a room, ")
    assert (harbour.name, harbour.interior) == ("Harbour", Interior.EXT)
    assert film.shots[0].attributes.time is TimeOfDay.NIGHT
    assert next(s for s in film.shots if s.attributes.place == "Harbour").attributes.time is TimeOfDay.DAWN
    assert "red coat" in film.member("Anna").look


def test_a_voice_over_is_heard_but_not_seen():
    for shot in board(LETTER, 11).shots:
        if shot.attributes.place == "Old kitchen":
            assert "Tom" not in shot.attributes.cast


def test_more_scenes_than_shots_is_one_clear_sentence():
    with pytest.raises(BadInput, match="has 3 scenes: ask for at least 3 shots"):
        board(LETTER, 2)


@pytest.mark.parametrize(
    "text",
    [
        "INT. HOUSE - DAY",
        "EXT. HARBOUR",
        "INT./EXT. CAR - CONTINUOUS\n\nJOE\n",
        "est. city - night\n\nEXT. CITY - NIGHT\n\n> FADE OUT.\n\n> centred <",
        "Title:\n    Two\n    Lines\n\nINT. A - DAY\n\nBOB\n(beat)\n\nAction.",
    ],
)
def test_odd_screenplays_still_give_the_exact_count(text):
    assert len(board(text, 5).shots) == 5


def test_prose_that_mentions_int_is_no_screenplay():
    assert not is_fountain("An interior of a house. Ext. of the same.")
    assert not is_fountain("The interest of the king")
