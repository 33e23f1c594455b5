"""The refiner measures what moves between two frames, and says so honestly."""

import numpy as np
import pytest
from PIL import Image

from engine.errors import BadInput
from engine.refiner import PlainRefiner, measure_pair
from engine.story import CastMember, CinematicAttributes, Movement, Shot


@pytest.fixture
def frames(tmp_path):
    """Writes a pair: a landscape seen through windows (left, top, width), with a figure or not."""
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(40, 215, (18, 36, 3), dtype=np.uint8))
    land = np.asarray(coarse.resize((720, 360), Image.Resampling.BICUBIC))

    def shoot(first, second, *, figures=(None, None), light=0):
        paths = []
        for name, (left, top, width), figure in zip("ab", (first, second), figures, strict=True):
            window = Image.fromarray(land).crop((left, top, left + width, top + width // 2))
            picture = np.asarray(window.resize((256, 128), Image.Resampling.BICUBIC)).astype(int)
            if figure is not None:
                picture[40:100, figure : figure + 24] = (250, 20, 20)
            picture = np.clip(picture + (light if name == "b" else 0), 0, 255).astype(np.uint8)
            paths.append(tmp_path / f"{name}.png")
            Image.fromarray(picture).save(paths[-1])
        return paths

    return shoot


STILL = (200, 100, 256)


@pytest.mark.parametrize(
    ("movement", "second"),
    [
        (Movement.PAN_RIGHT, (230, 100, 256)),
        (Movement.TRUCK_LEFT, (170, 100, 256)),
        (Movement.TILT_DOWN, (200, 118, 256)),
        (Movement.TILT_UP, (200, 82, 256)),
        (Movement.DOLLY_IN, (222, 111, 212)),
        (Movement.DOLLY_OUT, (170, 85, 316)),
    ],
)
def test_a_camera_move_that_the_frames_show_is_confirmed(frames, movement, second):
    shot = Shot(description="The sea", attributes=CinematicAttributes(movement=movement))
    text = PlainRefiner().refine(shot, [], *frames(STILL, second))
    assert "follow the frames" not in text
    assert "hardly shows" not in text
    assert "Apart from the camera almost nothing moves" in text or "movement" in text


def test_a_move_the_other_way_is_said(frames):
    shot = Shot(attributes=CinematicAttributes(movement=Movement.PAN_LEFT))
    text = PlainRefiner().refine(shot, [], *frames(STILL, (230, 100, 256)))
    assert "the camera pans left. The frames themselves show the view moving to the right" in text


def test_identical_frames_hardly_move(frames):
    shot = Shot(attributes=CinematicAttributes(movement=Movement.DOLLY_IN))
    text = PlainRefiner().refine(shot, [], *frames(STILL, STILL))
    assert "Almost nothing moves" in text
    assert "hardly shows" in text


def test_a_walk_is_seen_where_and_whither(frames):
    pair = frames(STILL, STILL, figures=(60, 110))
    motion = measure_pair(*pair)
    assert motion.travel > 0.05
    cast = [CastMember(name="Ann", look="a woman in a red coat")]
    shot = Shot(description="Ann walks right", attributes=CinematicAttributes(cast=["Ann"]))
    text = PlainRefiner().refine(shot, cast, *pair)
    assert text.startswith("Ann walks right. Ann is a woman in a red coat.")
    assert "going to the right" in text
    assert "It is mostly Ann who moves." in text
    assert "\n" not in text


def test_light_is_measured_apart_from_motion(frames):
    pair = frames(STILL, STILL, light=-40)
    assert measure_pair(*pair).light < -0.1
    text = PlainRefiner().refine(Shot(), [], *pair)
    assert "The light grows darker." in text
    assert "Almost nothing moves" in text


def test_unrelated_frames_are_not_explained_away(frames, tmp_path):
    first, _ = frames(STILL, STILL)
    other = tmp_path / "other.png"
    noise = np.random.default_rng(1).integers(0, 255, (8, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((256, 128), Image.Resampling.NEAREST).save(other)
    assert "no single camera move joins them" in PlainRefiner().refine(Shot(), [], first, other)


def test_a_frame_that_is_no_picture_is_one_sentence(frames, tmp_path):
    first, _ = frames(STILL, STILL)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    with pytest.raises(BadInput, match=r"broken\.png is not a picture"):
        measure_pair(first, broken)


def test_frames_of_different_shapes_are_refused(frames, tmp_path):
    first, _ = frames(STILL, STILL)
    tall = tmp_path / "tall.png"
    Image.new("RGB", (64, 128)).save(tall)
    with pytest.raises(BadInput, match="different shapes"):
        measure_pair(first, tall)
