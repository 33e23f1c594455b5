"""How long shots are: within what a shot can have at every rate, and together what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.director import BreakdownDirector, rewrite
from engine.director.grammar import fit, most_frames, shared
from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import CinematicAttributes, FrameRate, Shot, Storyboard
from tests.engine.director.test_themes import film

MINI = get_profile("mini")
RATES = [
    FrameRate(numerator=n, denominator=d) for n, d in ((24, 1), (24000, 1001), (25, 1), (60, 1), (240, 1))
]


def shots(*lengths: int) -> list[Shot]:
    return [Shot(attributes=CinematicAttributes(length=length)) for length in lengths]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_the_longest_shot_is_ten_minutes_or_as_many_frames_as_a_shot_can_have(rate: FrameRate) -> None:
    most = most_frames(rate)
    assert rate.seconds(most) <= 600 + 0.5 / rate.fraction
    assert shots(most)
    board = Storyboard(rate=rate, shots=shots(96))
    for note in ("9000 s", "9000 seconds longer", "9" * 400 + " s"):
        proposal = rewrite(board, 0, note, profile=MINI)
        assert proposal.shot.attributes.length == most
    assert any("the most that a shot can have" in reason for reason in proposal.reasons) == (
        rate.fraction > 24
    )


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_film_as_long_as_its_shots_allow_keeps_its_length(rate: FrameRate) -> None:
    """Shared by weight, one of two very different shots would be too long."""
    most = rate.seconds(most_frames(rate))
    for seconds in (2 * most, 1.9 * most, 1.2 * most, 1.0, 10.0):
        fitted = fit(shots(108, 60), seconds, rate)
        assert sum(shot.attributes.length for shot in fitted) == rate.frames(seconds)
        assert all(0 < shot.attributes.length <= most_frames(rate) for shot in fitted)
    with pytest.raises(BadInput, match=r"A film of 2 shots at .* can last between 1 and"):
        fit(shots(108, 60), 2.01 * most, rate)


def test_the_director_refuses_what_no_film_can_last_before_it_begins() -> None:
    with pytest.raises(BadInput, match="can last between 1 and 1200 seconds"):
        BreakdownDirector().direct("A girl waits", shots=2, profile=MINI, seconds=1201)


@given(data=st.data(), weights=st.lists(st.integers(1, 14400), min_size=1, max_size=12))
def test_parts_add_up_and_stay_in_their_limits(data: st.DataObject, weights: list[int]) -> None:
    least = data.draw(st.integers(1, 12))
    most = data.draw(st.integers(least, 14400))
    total = data.draw(st.integers(least * len(weights), most * len(weights)))
    parts = shared(total, weights, least, most)
    assert sum(parts) == total
    assert all(least <= part <= most for part in parts)


def test_the_speaker_s_name_is_not_spoken() -> None:
    theme = 'The old lighthouse keeper says "I will wait here all the same today."'
    spoken = [shot for shot in film(theme, shots=4).shots if shot.attributes.dialogue]
    assert [shot.attributes.dialogue.split(":")[0] for shot in spoken] == ["LIGHTHOUSE KEEPER"]
    assert [shot.attributes.length for shot in spoken] == [102 - 6]  # eight words and a second, in halves
    board = Storyboard(
        shots=[Shot(attributes=CinematicAttributes(dialogue="OLD FISHERMAN: Wait for me, please!"))]
    )
    proposal = rewrite(board, 0, "1.7 s", profile=MINI)  # four words: 1.6 s
    assert not any("dialogue" in reason for reason in proposal.reasons)
    proposal = rewrite(board, 0, "1 s", profile=MINI)
    assert "the dialogue needs about 1.6 s" in proposal.reasons
