"""Whole frames at a rational rate; both ends are kept."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.story import FrameRate
from engine.video.encode import time_base
from engine.video.timing import ease, moments


@given(st.integers(2, 2000))
def test_moments_begin_at_zero_end_at_one_and_never_go_back(frames: int) -> None:
    t = moments(frames)
    assert len(t) == frames
    assert (t[0], t[-1]) == (0.0, 1.0)
    assert all(a < b for a, b in pairwise(t))


def test_a_shot_of_one_frame_is_its_start() -> None:
    assert moments(1) == [0.0]


def test_ease_is_slow_at_both_ends_and_symmetric() -> None:
    assert ease(0.1) < 0.1 < 0.9 < ease(0.9)
    assert ease(0.25) + ease(0.75) == pytest.approx(1)


def test_no_shot_without_frames() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        moments(0)


@pytest.mark.parametrize(
    ("numerator", "denominator"), [(24, 1), (24000, 1001), (30000, 1001), (25, 1), (15, 2)]
)
def test_every_frame_begins_on_a_tick(numerator: int, denominator: int) -> None:
    base = time_base(FrameRate(numerator=numerator, denominator=denominator))
    assert (Fraction(base) * denominator / numerator).denominator == 1
    assert base >= 12_000
