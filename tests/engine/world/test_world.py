"""The paper-theatre world: the same seed is the same film, and what the annotation says is what is drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.profiles import get_profile
from engine.story import Storyboard
from engine.world.annotate import (
    LENGTH,
    SLOT_NAMES,
    SLOT_VALUES,
    UNTOLD,
    VOCABULARY,
    slot_ids,
    slots,
    storyboard,
)
from engine.world.camera import HEIGHT, WIDTH, Camera
from engine.world.layout import VALUES, layout
from engine.world.lexicon import lexicon, unseen
from engine.world.palette import SKINS
from engine.world.render import figure_boxes, render
from engine.world.story import MOVEMENTS, SCALES, SETTINGS, Location, new_shots, new_story
from tests.examples import examples

seeds = st.integers(0, 10**6)


@given(seeds)
@examples(25)
def test_a_seed_is_a_film(seed: int) -> None:
    story = new_story(seed)
    assert story == new_story(seed)
    assert new_shots(story) == new_shots(story)
    shot = new_shots(story)[0]
    frame = render(story, shot, 0.0)
    assert frame.shape == (HEIGHT, WIDTH, 3)
    assert frame.dtype == np.uint8
    assert np.array_equal(frame, render(story, shot, 0.0))


@given(seeds, st.floats(0, 1))
@examples(25)
def test_any_moment_can_be_drawn(seed: int, t: float) -> None:
    story = new_story(seed)
    for shot in new_shots(story, 2):
        assert render(story, shot, t).std() > 1


@given(seeds)
@examples(50)
def test_a_film_that_leaves_a_place_returns_to_it(seed: int) -> None:
    story = new_story(seed)
    route = [shot.location for shot in new_shots(story)]
    assert route[0] == 0
    assert route[-1] == 0
    assert set(route) == set(range(len(story.locations)))


@given(seeds)
@examples(50)
def test_slots_tell_the_shot_and_leave_out_whom_memory_shows(seed: int) -> None:
    story = new_story(seed)
    for shot in new_shots(story):
        told = slots(story, shot)
        assert len(told) == LENGTH
        assert told[SLOT_NAMES.index("setting")] == story.locations[shot.location].setting
        if shot.who:
            assert told[SLOT_NAMES.index("coat")] == story.people[shot.who[0]].coat
        known = slots(story, shot, seen=set(shot.who))
        assert all(
            known[SLOT_NAMES.index(n)] == UNTOLD for n in ("coat", "hair", "hat", "coat 2", "hair 2", "hat 2")
        )
        assert all(0 <= i < len(VOCABULARY) for i in slot_ids(told))


def test_every_value_of_a_slot_is_a_word_of_the_lexicon() -> None:
    told: dict[str, set[str]] = {kind: set() for kind in SLOT_VALUES}
    for token in VOCABULARY[2:]:
        kind, value = token.split(":")
        told[kind].add(value)
    assert {kind: set(words) for kind, words in lexicon().items() if kind in SLOT_VALUES} == told


def test_every_layout_and_skin_has_words_of_its_own() -> None:
    layouts = {f"{setting} {fact}": len(values) for setting in SETTINGS for fact, values in VALUES.items()}
    assert {kind: len(words) for kind, words in lexicon().items() if kind not in SLOT_VALUES} == {
        "skin": len(SKINS),
        **layouts,
    }
    for setting in SETTINGS:
        facts = [[(fact, value) for value in VALUES[fact]] for fact in VALUES]
        looks = {layout(Location(setting=setting, **dict(chosen))) for chosen in product(*facts)}
        assert len(looks) == 12


def test_the_storyboard_says_what_the_shots_are() -> None:
    story = new_story(7)
    shots = new_shots(story)
    board = storyboard(story, shots)
    assert Storyboard.model_validate_json(board.model_dump_json()) == board
    for shot, written in zip(shots, board.shots, strict=True):
        assert written.attributes.scale.value == shot.scale
        assert written.attributes.movement.value == shot.movement
        assert len(written.attributes.cast) == len(shot.who)
        assert written.attributes.place in SETTINGS


def _with_figure(scale: str, movement: str):
    """A film and a shot of one standing person, filmed as asked."""
    for seed in range(100):
        story = new_story(seed)
        shot = replace(
            new_shots(story)[0],
            scale=scale,
            movement=movement,
            angle="eye level",
            slot="centre",
            action="stands",
            who=(0,),
        )
        if story.locations[shot.location].setting != "room":
            return story, shot
    raise AssertionError("no such film")


def test_scales_grow_towards_the_close_up() -> None:
    heights = []
    for scale in SCALES:
        story, shot = _with_figure(scale, "static")
        (_, y0, _, y1) = figure_boxes(story, shot, 0.0)[0]
        heights.append(y1 - y0)
    assert heights == sorted(heights)


@pytest.mark.parametrize("movement", MOVEMENTS)
def test_the_camera_moves_as_it_says(movement: str) -> None:
    """Content goes against the camera: a pan right moves everything left, a dolly in makes figures larger."""
    story, shot = _with_figure("long shot", movement)
    start, end = Camera(shot, 0.0), Camera(shot, 1.0)
    (x0, y0, k0), (x1, y1, k1) = start.project(0, 0.5, 0), end.project(0, 0.5, 0)
    far0, far1 = start.project(0, 0.5, 30)[0], end.project(0, 0.5, 30)[0]
    if movement == "static":
        assert np.array_equal(render(story, shot, 0.0), render(story, shot, 1.0))
    elif movement.startswith(("pan", "truck")):
        sign = -1 if movement.endswith("right") else 1
        assert sign * (x1 - x0) > 10
        near, far = abs(x1 - x0), abs(far1 - far0)
        # a rotation moves every depth alike, a translation moves near things more
        assert near == pytest.approx(far) if movement.startswith("pan") else near > 3 * far
    elif movement.startswith("tilt"):
        assert (y1 - y0) * (1 if movement == "tilt up" else -1) > 10
    else:
        assert (k1 > k0) == (movement == "dolly in")


def test_what_is_called_unseen_never_happens_and_the_shipped_card_says_the_same() -> None:
    happened = {
        (shot.action, field, getattr(shot, field))
        for story in map(new_story, range(1500))
        for shot in new_shots(story)
        for field in ("scale", "movement")
    }
    for never in unseen():
        assert not any((never.action, never.field, value) in happened for value in never.values)
        assert (never.action, never.field, never.instead) in happened
    assert get_profile("mini").unseen == unseen()
