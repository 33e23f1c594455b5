"""The frame rate of a film: lengths at another one."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.story import FrameRate
from studio.service.rate import converted_lengths
from studio.service.studio import Studio
from tests.studio.helpers import ME, new_film, shots_of


def test_another_rate_keeps_the_seconds(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    for id, length in zip(ids, (24, 60, 72), strict=True):
        studio.edit_shot(ME, id, length=length)
    seconds = [shot.seconds for shot in shots_of(studio, project)]
    studio.edit_project(ME, project, fps="30")
    assert [shot.attributes.length for shot in shots_of(studio, project)] == [30, 75, 90]
    assert [shot.seconds for shot in shots_of(studio, project)] == seconds
    studio.edit_project(ME, project, fps="23.976")
    assert studio.project(ME, project).head.fps == "24000/1001"
    assert [shot.attributes.length for shot in shots_of(studio, project)] == [24, 60, 72]
    assert studio.history(ME, project, 1)[0].label == "change the frame rate of the film"
    studio.undo(ME, project)
    assert [shot.attributes.length for shot in shots_of(studio, project)] == [30, 75, 90]
    for bad in ("0", "fast", "1/0", "1000", "-5", "1e1", "1e99999999999999", "24/1e9", "２５"):
        with pytest.raises(BadInput, match="A frame rate is a number of frames a second from 1 to 240"):
            studio.edit_project(ME, project, fps=bad)


def test_the_director_s_length_is_the_film_s_at_any_rate(studio: Studio) -> None:
    """Lengths that are rounded one by one would add up to most of a second of forty shots."""
    project = studio.create_project(ME).head.id
    studio.edit_project(ME, project, fps="25")
    theme = "A girl waits in a snowy forest until her father comes"
    list(studio.direct(ME, project, theme, shots=40, seed=1, seconds=20.0))
    assert studio.project(ME, project).head.seconds == 20.0


@pytest.mark.parametrize(("fps", "seconds"), [("24", 1150.0), ("60", 480.0), ("60", 450.0), ("25", 1152.0)])
def test_no_shot_is_too_long_and_the_film_keeps_its_length(studio: Studio, fps: str, seconds: float) -> None:
    project = studio.create_project(ME).head.id
    studio.edit_project(ME, project, fps=fps)
    theme = "A girl waits in a snowy forest until her father comes"
    list(studio.direct(ME, project, theme, shots=2, seed=1, seconds=seconds))
    assert studio.project(ME, project).head.seconds == seconds
    assert all(shot.attributes.length <= 14_400 for shot in shots_of(studio, project))


def test_a_film_that_its_rate_does_not_allow_is_refused(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    studio.edit_project(ME, project, fps="60")
    with pytest.raises(BadInput, match="A film of 2 shots at 60 frames a second can last between 1 and 480"):
        list(studio.direct(ME, project, "A girl waits in a forest", shots=2, seed=1, seconds=500.0))
    assert not shots_of(studio, project)


def test_a_wish_for_a_very_long_shot_is_held_to_what_a_shot_can_have(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    studio.edit_project(ME, project, fps="25")
    proposed = studio.rewrite_shot(ME, ids[0], "600 s")
    assert {field.name: field.after for field in proposed.fields} == {"length": 14_400}
    assert "length: 576.0 s, the most that a shot can have" in proposed.reasons


@given(
    lengths=st.lists(st.integers(1, 500), max_size=60),
    rates=st.tuples(*[st.sampled_from([(24, 1), (25, 1), (24000, 1001), (12, 1), (60, 1)])] * 2),
)
def test_shots_keep_their_place_in_time_at_another_rate(
    lengths: list[int], rates: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    old, new = (FrameRate(numerator=n, denominator=d) for n, d in rates)
    found = converted_lengths(lengths, old, new)
    assert all(length >= 1 for length in found)
    assert len(found) == len(lengths)
    if all(length > 5 for length in lengths):  # no shot has to be kept from vanishing
        for there, here in zip(accumulate(lengths), accumulate(found), strict=True):
            assert abs(Fraction(there) / old.fraction - Fraction(here) / new.fraction) <= 1 / (
                2 * new.fraction
            )
    if new.fraction >= old.fraction:
        assert converted_lengths(found, new, old) == lengths
