"""What a note does not want is no wish for it; lengths are read as they are meant; who is to leave leaves."""

from __future__ import annotations

import pytest

from engine.director import rewrite
from engine.errors import BadInput
from engine.story import Storyboard
from tests.engine.director.test_rewrite import MINI, board, changed

__all__ = ["board"]  # the fixture
BOTH = {"cast": ["Girl", "Father"], "framing": "two-shot"}


def with_fields(board: Storyboard, **fields: object) -> Storyboard:
    """The board with other attributes in its second shot."""
    shot = board.shots[1]
    attributes = shot.attributes.model_validate({**shot.attributes.model_dump(), **fields})
    shots = [*board.shots]
    shots[1] = shot.model_copy(update={"attributes": attributes})
    return board.model_copy(update={"shots": shots})


@pytest.mark.parametrize(
    ("note", "now", "wanted"),
    [
        ("no fog please", {"weather": "fog"}, {"weather": "clear"}),
        ("without fog", {"weather": "misty"}, {"weather": "clear"}),
        ("no rain", {"weather": "rain"}, {"weather": "clear"}),
        ("no rain and fog", {"weather": "fog"}, {"weather": "clear"}),
        ("neither rain nor fog", {"weather": "fog"}, {"weather": "clear"}),
        ("no fog and closer", {"weather": "fog"}, {"weather": "clear", "scale": "close-up"}),
        ("it is not raining any more", {"weather": "rain"}, {"weather": "clear"}),
        ("the rain stops", {"weather": "rain"}, {"weather": "clear"}),
        ("remove the snow", {}, {"weather": "clear"}),
        ("make it day, not night", {"time": "night"}, {"time": "day"}),
        ("not in the forest but in the desert", {}, {"place": "Desert"}),
        ("from below, not from above", {"angle": "high angle"}, {"angle": "low angle"}),
        ("not from above but from below", {}, {"angle": "low angle"}),
        ("from above too", {}, {"angle": "high angle"}),
        ("don't pan left", {"movement": "pan left"}, {"movement": "static"}),
        ("don’t pan left", {"movement": "pan left"}, {"movement": "static"}),
        ("no camera movement", {"movement": "pan left"}, {"movement": "static"}),
        ("never handheld", {"support": "handheld"}, {"support": "tripod"}),
        ("not so wide", {}, {"scale": "close-up"}),
        ("too close", {}, {"scale": "long shot"}),
        ("too long", {}, {"length": 48}),
        ("she is not crying", {}, {"description": "The girl is not crying."}),
        ("she does not wave", {}, {"description": "The girl does not wave."}),
        ("let her not wave", {}, {"description": "The girl does not wave."}),
        ("she never smiles", {}, {"description": "The girl never smiles."}),
    ],
)
def test_what_a_note_denies_is_never_done(
    board: Storyboard, note: str, now: dict[str, object], wanted: dict[str, object]
) -> None:
    before = with_fields(board, **now)
    proposal = rewrite(before, 1, note, profile=MINI)
    assert changed(before, 1, proposal) == wanted
    assert proposal.unread == ()


@pytest.mark.parametrize(
    ("note", "now", "unread"),
    [
        ("not a close-up, at dusk", {"scale": "close-up"}, ("close-up",)),
        ("not static, at dusk", {}, ("static",)),
        ("not from above, at dusk", {"angle": "high angle"}, ("above",)),
        ("no closer, at dusk", {}, ("no", "closer")),
        ("don't make it longer, at dusk", {}, ("don't", "longer")),
        ("don't let her sit down, at dusk", {}, ("don't", "her", "sit", "down")),
        ("don't remove the girl, at dusk", {}, ("don't", "remove", "girl")),
        ("less snow, at dusk", {}, ("less", "snow")),
        ("she is not in the shot, at dusk", {}, ("she", "is", "not", "in", "the", "shot")),
        ("no purple dragons, at dusk", {}, ("no", "purple", "dragons")),
    ],
)
def test_what_leaves_open_what_instead_is_not_understood(
    board: Storyboard, note: str, now: dict[str, object], unread: tuple[str, ...]
) -> None:
    before = with_fields(board, **now)
    proposal = rewrite(before, 1, note, profile=MINI)
    assert changed(before, 1, proposal) == {"time": "dusk"}
    assert proposal.unread == unread


def test_a_note_that_only_denies_says_so(board: Storyboard) -> None:
    for note, now in (("not a close-up", {"scale": "close-up"}), ("not static", {})):
        with pytest.raises(BadInput, match="only says what the shot should not be"):
            rewrite(with_fields(board, **now), 1, note, profile=MINI)
    for note in ("not a close-up", "don't pan left", "never handheld", "not at the harbour", "no rain"):
        with pytest.raises(BadInput, match="like that already"):
            rewrite(board, 1, note, profile=MINI)


@pytest.mark.parametrize(
    "note",
    [
        "remove the father",
        "take the father out of the shot",
        "take out the father",
        "lose the father",
        "without the father",
        "no father",
        "not the father",
        "don't show the father",
        "the father is not in the shot",
        "the father should not be here",
        "the father never comes",
    ],
)
def test_who_is_to_leave_leaves(board: Storyboard, note: str) -> None:
    before = with_fields(board, **BOTH)
    proposal = rewrite(before, 1, note, profile=MINI)
    assert changed(before, 1, proposal) == {"cast": ["Girl"], "framing": "single"}
    assert proposal.unread == ()
    with pytest.raises(BadInput, match="like that already"):
        rewrite(board, 1, note, profile=MINI)


def test_several_leave_together(board: Storyboard) -> None:
    before = with_fields(board, **BOTH)
    for note in (
        "without the girl and the father",
        "remove the girl and the father",
        "without girl or father",
    ):
        assert changed(before, 1, rewrite(before, 1, note, profile=MINI)) == {
            "cast": [],
            "framing": "no figure",
        }


@pytest.mark.parametrize(
    ("note", "frames"),
    [
        ("2 seconds longer", 144),
        ("2 seconds shorter", 48),
        ("two seconds longer", 144),
        ("half a second shorter", 84),
        ("a second longer", 120),
        ("longer by 2 s", 144),
        ("add 2 seconds", 144),
        ("cut 1 s", 72),
        ("1,5 seconds", 36),
        ("0,5 s", 12),
        ("2.5 s", 60),
        ("three seconds", 72),
        ("no longer than 2 seconds", 48),
        ("never longer than 2 seconds", 48),
        ("let it take 2 seconds", 48),
        ("take 1 s off", 72),
        ("at least 5 s", 120),
        ("longer", 144),
        ("twice as long", 192),
    ],
)
def test_lengths_are_read_as_they_are_meant(board: Storyboard, note: str, frames: int) -> None:
    before = with_fields(board, length=96)
    proposal = rewrite(before, 1, note, profile=MINI)
    assert changed(before, 1, proposal) == {"length": frames}
    assert proposal.unread == ()


def test_a_comma_before_a_number_that_is_alone_parts_wishes(board: Storyboard) -> None:
    assert changed(board, 1, rewrite(board, 1, "closer, 2,5 s", profile=MINI)) == {
        "scale": "close-up",
        "length": 60,
    }
