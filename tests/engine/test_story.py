"""The shared language: rates, slates, limits."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.story import CastMember, CinematicAttributes, FrameRate, Shot, Storyboard, slate_letters


def test_slates_skip_the_letters_that_read_as_digits():
    letters = [slate_letters(i) for i in range(26)]
    assert letters[:9] == ["A", "B", "C", "D", "E", "F", "G", "H", "J"]
    assert letters[23:] == ["Z", "AA", "AB"]
    with pytest.raises(ValueError, match="counts from 0"):
        slate_letters(-1)


@given(st.integers(0, 5000))
def test_slates_are_unique_in_order_and_clear(index):
    here, there = slate_letters(index), slate_letters(index + 1)
    assert (len(here), here) < (len(there), there)
    assert not set(here) & set("IO")


@given(st.integers(1, 10_000), st.sampled_from([(24, 1), (24000, 1001), (25, 1), (60, 1)]))
def test_frames_and_seconds_agree(frames, rate):
    clock = FrameRate(numerator=rate[0], denominator=rate[1])
    assert clock.frames(Fraction(frames) / clock.fraction) == frames
    assert clock.frames(clock.seconds(frames)) == frames


@given(st.integers(1, 240_000), st.integers(1, 1001))
def test_a_written_rate_is_read_as_it_was(numerator, denominator):
    rate = FrameRate(numerator=numerator, denominator=denominator)
    assert FrameRate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "/", "24/0", "0", "-24", "23.976", "24/1/1", "1e3", "9" * 5000])
def test_what_is_no_rate_is_a_value_error(text):
    with pytest.raises(ValueError):
        FrameRate.parse(text)


def test_the_film_is_as_long_as_its_shots():
    board = Storyboard(shots=[Shot(attributes=CinematicAttributes(length=n)) for n in (24, 60)])
    assert board.length == 84


def test_cast_is_found_in_any_case_and_blank_names_are_dropped():
    board = Storyboard(cast=[CastMember(name="Fisherman")])
    assert board.member("FISHERMAN") is board.cast[0]
    assert board.member("child") is None
    assert CinematicAttributes(cast=[" Ann ", "  "]).cast == ["Ann"]


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError):
        Shot.model_validate({"description": "x", "descriptoin": "y"})
