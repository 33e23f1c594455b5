"""One shot, a bit different: what a note asks for is done, and nothing else; what is not read is said."""

from __future__ import annotations

import pytest

from engine.director import BreakdownDirector, Proposal, direct_all, rewrite
from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import Shot, Storyboard

THEME = "A girl waits in a snowy forest until her father comes"
MINI = get_profile("mini")


@pytest.fixture(scope="module")
def board() -> Storyboard:
    return direct_all(BreakdownDirector(), THEME, shots=5, profile=MINI, seed=1)


def changed(board: Storyboard, index: int, proposal: Proposal) -> dict[str, object]:
    """The fields of C that differ, and D."""
    old, new = board.shots[index], proposal.shot
    before, after = old.attributes.model_dump(mode="json"), new.attributes.model_dump(mode="json")
    found = {name: value for name, value in after.items() if before[name] != value}
    return found | ({} if old.description == new.description else {"description": new.description})


@pytest.mark.parametrize(
    ("index", "note", "wanted"),
    [
        (1, "closer", {"scale": "close-up"}),
        (1, "much wider", {"scale": "extreme long shot"}),
        (1, "a bit wider please, from above", {"scale": "long shot", "angle": "high angle"}),
        (1, "at dusk, in the rain", {"time": "dusk", "weather": "rain"}),
        (1, "truck left", {"movement": "truck left", "support": "dolly"}),
        (1, "2.5 s", {"length": 60}),
        (1, "slower", {"length": 108}),
        (1, "Point of view, handheld", {"framing": "point of view", "support": "handheld"}),
        (1, "with the father", {"cast": ["Girl", "Father"], "framing": "two-shot"}),
        (1, "she waves", {"description": "The girl waves."}),
        (1, "let her sit down and wave", {"description": "The girl sits down and waves."}),
        (0, "she turns around", {"description": "A snowy forest. The girl turns around."}),
        (4, "the other way", {"movement": "dolly in"}),
        (
            2,
            "low angle; the father hugs the girl",
            {
                "angle": "low angle",
                "description": "The father hugs the girl.",
                "cast": ["Father", "Girl"],
                "framing": "two-shot",
            },
        ),
    ],
)
def test_a_note_is_followed_and_the_rest_stays(
    board: Storyboard, index: int, note: str, wanted: dict[str, object]
) -> None:
    proposal = rewrite(board, index, note, profile=MINI)
    assert changed(board, index, proposal) == wanted
    assert proposal.unread == ()
    assert proposal.reasons


def test_what_is_not_understood_is_said(board: Storyboard) -> None:
    proposal = rewrite(board, 1, "closer, with purple dragons", profile=MINI)
    assert changed(board, 1, proposal) == {"scale": "close-up"}
    assert proposal.unread == ("purple", "dragons")
    with pytest.raises(BadInput, match="Nothing in the note could be read"):
        rewrite(board, 1, "more zing", profile=MINI)
    with pytest.raises(BadInput, match="like that already"):
        rewrite(board, 1, "static", profile=MINI)


def test_terms_that_the_profile_cannot_draw_are_kept_and_said(board: Storyboard) -> None:
    proposal = rewrite(board, 1, "crane up", profile=MINI)
    assert changed(board, 1, proposal) == {"movement": "crane up", "support": "crane"}
    assert "“crane up” is not among the words that this profile can draw" in proposal.reasons
    proposal = rewrite(board, 1, "medium close-up", profile=MINI)
    assert "this profile draws “medium close-up” as medium shot" in proposal.reasons


@pytest.mark.parametrize("index", range(5))
def test_again_is_another_way_that_cuts_with_both_neighbours(board: Storyboard, index: int) -> None:
    seen: list[Shot] = []
    for seed in range(4):
        proposal = rewrite(board, index, "", profile=MINI, seed=seed)
        assert proposal == rewrite(board, index, " ", profile=MINI, seed=seed)
        frame = (proposal.shot.attributes.scale, proposal.shot.attributes.angle)
        near = [board.shots[i].attributes for i in (index - 1, index, index + 1) if 0 <= i < 5]
        assert frame not in [(other.scale, other.angle) for other in near]
        assert set(changed(board, index, proposal)) <= {
            "scale",
            "angle",
            "movement",
            "support",
            "description",
        }
        assert MINI.vocabulary is not None
        assert frame[0].value in MINI.vocabulary.canonicals("scale")
        assert proposal.shot not in seen
        seen.append(proposal.shot)


def test_a_cut_that_may_jump_is_said(board: Storyboard) -> None:
    proposal = rewrite(board, 0, "closer", profile=MINI)
    assert any("shot 2" in reason and "jump" in reason for reason in proposal.reasons)


@pytest.mark.parametrize(
    ("note", "wanted"),
    [
        (
            "closer, on the beach at sunset; she waves",
            {"scale": "close-up", "place": "Beach", "time": "dusk", "description": "The girl waves."},
        ),
        ("in an old castle", {"place": "Old castle"}),
        ("put it in a desert at night", {"place": "Desert", "time": "night"}),
        ("Harbour!", {"place": "Harbour"}),
        ("she walks along the beach", {"place": "Beach", "description": "The girl walks along the beach."}),
        ("she walks through the woods", {"description": "The girl walks through the woods."}),
        ("she dreams of the beach", {"description": "The girl dreams of the beach."}),
    ],
)
def test_a_place_that_the_film_lacks_is_proposed_where_the_profile_draws_it(
    board: Storyboard, note: str, wanted: dict[str, object]
) -> None:
    proposal = rewrite(board, 1, note, profile=MINI)
    assert changed(board, 1, proposal) == wanted
    assert proposal.unread == ()


def test_a_direction_is_no_place(board: Storyboard) -> None:
    proposal = rewrite(board, 1, "closer, towards the sea, keep it like that", profile=MINI)
    assert changed(board, 1, proposal) == {"scale": "close-up"}
    assert proposal.unread[:2] == ("towards", "sea")


def test_a_description_that_tells_the_old_place_is_told_or_trimmed(board: Storyboard) -> None:
    proposal = rewrite(board, 1, "at the harbour", profile=MINI)
    assert "the description still says forest: change it, too" in proposal.reasons
    proposal = rewrite(board, 0, "she walks along the beach", profile=MINI)
    assert proposal.shot.description == "The girl walks along the beach."
    assert not any("still says" in reason for reason in proposal.reasons)
