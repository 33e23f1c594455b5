"""The animatic moves: it follows the camera and the figures, and does not fade one frame into the other."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.story import Movement
from engine.video.flow import WORK, measure
from engine.video.inbetween import Inbetweener
from engine.video.pair import read_pair
from engine.world.render import render
from engine.world.story import new_shots, new_story
from tests.engine.video.pairs import HEIGHT, WIDTH, Frame, error, scenery, seen, walker

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[3] / "assets" / "examples" / "fisherman"
CAMERA = [
    (Movement.DOLLY_IN, {"zoom": 1 / 1.18}, {"zoom": 1.18}),
    (Movement.DOLLY_OUT, {"zoom": 1.2}, {"zoom": 0.9}),
    (Movement.PAN_RIGHT, {"x": 30}, {"x": -30}),
    (Movement.TRUCK_LEFT, {"x": -25}, {"x": 25}),
    (Movement.TILT_UP, {"y": -14}, {"y": 14}),
    (Movement.TILT_DOWN, {"y": 12}, {"y": -12}),
]


def between(start: Frame, end: Frame, movement: Movement, moment: float = 0.5) -> Frame:
    (picture,) = Inbetweener([start], [end], measure(start, end, movement)).at(moment)
    return picture


def cross_fade(start: Frame, end: Frame) -> Frame:
    return ((start.astype(np.float32) + end) / 2).astype(np.uint8)


def inner(frame: Frame) -> Frame:
    return frame[16:-16, 24:-24]


@pytest.mark.parametrize(("movement", "before", "after"), CAMERA, ids=lambda v: getattr(v, "value", None))
def test_the_middle_is_the_view_half_way(movement: Movement, before: dict, after: dict) -> None:
    picture = scenery(3)
    start, end = seen(picture, **before), seen(picture, **after)
    default = {"zoom": 1.0, "x": 0.0, "y": 0.0}
    half = {k: ((default | before)[k] + (default | after)[k]) / 2 for k in default}
    truth = seen(picture, **half)
    ours = error(inner(between(start, end, movement)), inner(truth))
    faded = error(inner(cross_fade(start, end)), inner(truth))
    assert ours < 0.35 * faded
    assert ours < 8


def test_the_picture_moves_at_every_moment() -> None:
    picture = scenery(4)
    start, end = seen(picture, x=24), seen(picture, x=-24)
    inbetweener = Inbetweener([start], [end], measure(start, end, Movement.PAN_RIGHT))
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    shots = [cv2.cvtColor(inbetweener.at(t)[0], cv2.COLOR_RGB2GRAY) for t in np.linspace(0, 1, 9)]
    for a, b in pairwise(shots):
        step = np.median(flow.calc(a, b, None)[32:-32, 48:-48, 0])
        assert step == pytest.approx(-6, abs=1.0)


def test_a_figure_that_walks_far_is_found_once_half_way() -> None:
    background = seen(scenery(5))
    start, end = walker(background, 70), walker(background, 170)
    middle = between(start, end, Movement.STATIC)
    truth = walker(background, 120)
    figure = np.s_[54:105, 108:133]
    assert error(middle[figure], truth[figure]) < 12
    for x in (70, 170):  # and no ghost where it came from and where it goes
        place = np.s_[54:105, x - 12 : x + 13]
        assert error(middle[place], background[place]) < 12


def test_frames_that_have_nothing_in_common_dissolve_without_debris() -> None:
    start, end = seen(scenery(6)), seen(scenery(7)[::-1, :, ::-1].copy())
    motion = measure(start, end, Movement.STATIC)
    assert not motion.alike
    (middle,) = Inbetweener([start], [end], motion).at(0.5)
    assert error(middle, cross_fade(start, end)) < 2


def test_unlike_frames_still_get_the_asked_move() -> None:
    start, end = seen(scenery(6)), seen(scenery(7)[::-1, :, ::-1].copy())
    motion = measure(start, end, Movement.PAN_LEFT)
    assert not motion.alike
    assert np.median(motion.forward[..., 0]) > 0.05 * WORK


def test_identical_frames_stand_still() -> None:
    frame = walker(seen(scenery(8)), 100)
    assert error(between(frame, frame, Movement.STATIC), frame) < 1


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_flat_frames_are_no_trouble(colour: int) -> None:
    start = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
    end = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    middle = between(start, end, Movement.DOLLY_IN)
    assert middle.min() >= min(colour, 90) - 1
    assert middle.max() <= max(colour, 90) + 1


@pytest.mark.parametrize("size", [(64, 64), (512, 300), (90, 200)])
def test_other_shapes_of_frame(size: tuple[int, int]) -> None:
    start = cv2.resize(seen(scenery(9), x=8), size)
    end = cv2.resize(seen(scenery(9), x=-8), size)
    assert between(start, end, Movement.PAN_RIGHT).shape == (size[1], size[0], 3)


def test_ends_are_the_frames_themselves() -> None:
    start, end = seen(scenery(1), x=10), seen(scenery(1), x=-10)
    inbetweener = Inbetweener([start], [end], measure(start, end, Movement.PAN_RIGHT))
    assert np.array_equal(inbetweener.at(0.0)[0], start)
    assert np.array_equal(inbetweener.at(1.0)[0], end)


def test_no_jump_at_either_end() -> None:
    start, end = seen(scenery(2), zoom=1.0), seen(scenery(2), zoom=1.2)
    inbetweener = Inbetweener([start], [end], measure(start, end, Movement.DOLLY_IN))
    steps = [inbetweener.at(t)[0] for t in (0, 0.02, 0.04, 0.06)] + [
        inbetweener.at(t)[0] for t in (0.94, 0.96, 0.98, 1)
    ]
    moved = [error(a, b) for a, b in pairwise(steps)]
    ends, inside = (moved[0], moved[-1]), (moved[1], moved[2], moved[4], moved[5])
    assert max(ends) < 2.5 * max(inside)


def crumbs(frame: Frame) -> float:
    """Share of pixels unlike all that is around them."""
    return float((np.abs(frame.astype(int) - cv2.medianBlur(frame, 5)).max(-1) > 30).mean())


@pytest.mark.parametrize("seed", [820_002, 820_008])
def test_figures_of_the_world_walk_in_one_piece(seed: int) -> None:
    """A large figure that walks far over flat ground fits everywhere: its motion must not tear it."""
    story = new_story(seed)
    walks = [shot for shot in new_shots(story) if shot.action.startswith("walks")]
    assert walks
    for shot in walks:
        start, end = render(story, shot, 0.0), render(story, shot, 1.0)
        most = max(crumbs(start), crumbs(end))
        for moment in (0.3, 0.5, 0.7):
            middle = between(start, end, Movement(shot.movement), moment)
            assert crumbs(middle) < 2 * most + 0.002, (shot, moment)


@pytest.mark.parametrize("shot", [1, 5])
def test_where_motions_meet_is_no_lattice_of_dots(shot: int) -> None:
    """Pixels of two motions that land between each other were drawn as dots, on the shipped film too."""
    manifest = json.loads((EXAMPLE / "film.json").read_text(encoding="utf-8"))["shots"][shot - 1]
    start, end = read_pair(EXAMPLE / manifest["start"], EXAMPLE / manifest["end"])
    movement = Movement(manifest["attributes"]["movement"])
    inbetweener = Inbetweener([start], [end], measure(start, end, movement))
    found = [crumbs(inbetweener.at(moment)[0]) for moment in (0.3, 0.5, 0.7)]
    assert np.mean(found) < max(crumbs(start), crumbs(end))


@pytest.mark.parametrize("seed", [209, 216])
def test_who_walks_past_a_camera_that_stands_still_is_seen_once(seed: int) -> None:
    """A medium shot: where somebody was and where somebody is going are most of the picture, and the ground
    between fits any pan. The camera was taken to pan half a frame, and two people walked.
    """
    story = new_story(seed)
    shot = next(
        s
        for s in new_shots(story)
        if s.action.startswith("walks") and s.movement == "static" and s.scale == "medium shot"
    )
    start, middle, end = (render(story, shot, t) for t in (0.0, 0.5, 1.0))
    ours = error(between(start, end, Movement.STATIC), middle)
    assert ours < 0.3 * error(cross_fade(start, end), middle)
