"""A model's clip at its shot's length and the film's size: both ends kept, nothing cropped."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Cancelled, StageError
from engine.story import FrameRate
from engine.video.colour import to_planes
from engine.video.framing import SQUEEZE, Framing, resized
from engine.video.retime import positions, retimed, write_retimed
from tests.engine.video.pairs import HEIGHT, WIDTH, Frame, decoded, error, scenery, seen

FILM = FrameRate()
WHOLE = Framing(WIDTH, HEIGHT, 0, 0, WIDTH, HEIGHT)


def pan(frames: int, step: float = 3.0) -> list[Frame]:
    """A camera that moves evenly."""
    return [seen(scenery(1), x=step * (frames // 2 - i)) for i in range(frames)]


@given(st.integers(2, 300), st.integers(2, 300))
def test_a_shot_begins_and_ends_with_the_clip_and_never_goes_back(made: int, frames: int) -> None:
    found = positions(made, frames)
    assert len(found) == frames
    assert (found[0], found[-1]) == ((0, 0), (made - 1, 0))
    assert all(a < b for a, b in pairwise(found))


@pytest.mark.parametrize(("made", "frames"), [(5, 5), (5, 9), (5, 12), (9, 5), (9, 4), (13, 2), (2, 6)])
def test_the_ends_are_exactly_the_clip_s(made: int, frames: int) -> None:
    clip = pan(made)
    planes = list(retimed(clip, frames))
    assert len(planes) == frames
    for ours, frame in ((planes[0], clip[0]), (planes[-1], clip[-1])):
        for mine, wanted in zip(ours, to_planes(frame), strict=True):
            assert np.array_equal(mine, wanted)


def test_a_clip_of_the_shot_s_own_length_is_left_alone() -> None:
    clip = pan(6)
    for ours, frame in zip(retimed(clip, 6), clip, strict=True):
        assert np.array_equal(ours[0], to_planes(frame)[0])


def test_a_shot_of_one_frame_is_the_clip_s_first() -> None:
    clip = pan(5)
    (only,) = retimed(clip, 1)
    assert np.array_equal(only[0], to_planes(clip[0])[0])


def test_what_lies_between_two_frames_is_drawn_along_their_motion() -> None:
    clip, twice = pan(5, step=4.0), pan(9, step=2.0)
    luma = [planes[0] for planes in retimed(clip, 9)]
    for i in (1, 3, 5, 7):
        truth = to_planes(twice[i])[0]
        mixed = (to_planes(clip[i // 2])[0].astype(int) + to_planes(clip[i // 2 + 1])[0]) / 2
        assert error(luma[i], truth) < 0.5 * error(mixed, truth)  # type: ignore[arg-type]


def test_a_written_clip_has_the_film_s_size_and_both_ends(tmp_path: Path) -> None:
    clip, told = pan(5), []
    write_retimed(clip, WHOLE, (512, 256), 8, FILM, tmp_path / "c.mp4", told.append)
    frames = decoded(tmp_path / "c.mp4")
    assert [frame.shape for frame in frames] == [(256, 512, 3)] * 8
    assert told == list(range(1, 9))
    for frame, wanted in ((frames[0], clip[0]), (frames[-1], clip[-1])):
        assert error(frame, resized(wanted, 512, 256)) < 4


def test_what_does_not_move_is_refused_and_what_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no moving picture"):
        write_retimed(pan(1), WHOLE, (256, 128), 8, FILM, tmp_path / "c.mp4")
    with pytest.raises(Cancelled):
        write_retimed(pan(3), WHOLE, (256, 128), 8, FILM, tmp_path / "c.mp4", cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pair", "model", "framing"),
    [
        ((256, 128), (1280, 720), Framing(1280, 720, 0, 40, 1280, 640)),  # bars above and below
        ((1664, 928), (1280, 720), Framing(1280, 720, 0, 0, 1280, 720)),  # squeezed by less than a percent
        ((128, 256), (720, 1280), Framing(720, 1280, 40, 0, 640, 1280)),  # bars at the sides
        ((256, 128), (864, 432), Framing(864, 432, 0, 0, 864, 432)),
    ],
)
def test_a_pair_is_squeezed_a_little_or_set_between_bars(
    pair: tuple[int, int], model: tuple[int, int], framing: Framing
) -> None:
    assert Framing.of(pair, model) == framing


@given(
    st.tuples(st.integers(32, 4096), st.integers(32, 4096)),
    st.sampled_from([(1280, 720), (720, 1280), (832, 480), (1344, 672)]),
)
def test_nothing_of_a_pair_is_ever_cropped(pair: tuple[int, int], model: tuple[int, int]) -> None:
    framing = Framing.of(pair, model)
    assert 0 <= framing.x <= framing.width - framing.across
    assert 0 <= framing.y <= framing.height - framing.down
    assert (framing.across, framing.down)[framing.across != framing.width] in model  # it touches two sides
    if framing.across > 40 and framing.down > 40:
        squeeze = (framing.across / framing.down) / (pair[0] / pair[1])
        assert abs(squeeze - 1) < SQUEEZE + 0.03  # and an even number of pixels


@pytest.mark.parametrize("model", [(1280, 720), (720, 1280), (256, 128), (272, 128), (256, 256)])
def test_what_is_put_in_is_taken_out_again(model: tuple[int, int]) -> None:
    frame = seen(scenery(3))
    framing = Framing.of((WIDTH, HEIGHT), model)
    put = framing.put(frame)
    assert put.shape == (model[1], model[0], 3)
    assert error(framing.take(put, WIDTH, HEIGHT), frame) < 3
    # A service may answer in another size of the same aspect.
    large = resized(put, model[0] * 3 // 2, model[1] * 3 // 2)
    assert error(framing.take(large, WIDTH, HEIGHT), frame) < 5


def test_bars_are_black_and_do_not_bleed_into_the_picture() -> None:
    put = Framing.of((WIDTH, HEIGHT), (1280, 720)).put(np.full((HEIGHT, WIDTH, 3), 200, np.uint8))
    assert put[:30].max() == put[-30:].max() == 0
    assert put[37:-37].min() == 200
