"""Clips and films as files: exact frame counts, playable everywhere, whole or not there."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from engine.errors import BadInput, Cancelled, StageError
from engine.story import FrameRate, Movement
from engine.video.animatic import AnimaticRenderer
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer, run_ffmpeg
from engine.video.film import assemble, clip_formats
from engine.video.film_size import film_size
from engine.video.upscale import LanczosUpscaler
from tests.engine.video.pairs import decoded, error, png, saved, scenery, seen

pytestmark = pytest.mark.slow

NTSC = FrameRate(numerator=24000, denominator=1001)
FILM = FrameRate()


def clip(
    folder: Path,
    name: str,
    frames: int,
    rate: FrameRate = FILM,
    size: tuple[int, int] = (64, 32),
    level: int = 0,
) -> Path:
    """A small clip whose grey level counts its frames."""
    out = folder / name
    with clip_writer(out, *size, rate) as write:
        for i in range(frames):
            picture = np.full((size[1], size[0], 3), (level + 5 * i) % 250, np.uint8)
            write(packed(*to_planes(picture)))
    return out


def rendered(
    folder: Path, frames: int, rate: FrameRate, **kwargs: object
) -> tuple[Path, np.ndarray, np.ndarray]:
    start, end = seen(scenery(1), x=12), seen(scenery(1), x=-12)
    out = folder / "clip.mp4"
    AnimaticRenderer().render(
        "",
        saved(folder, "s.png", start),
        saved(folder, "e.png", end),
        movement=Movement.PAN_RIGHT,
        frames=frames,
        rate=rate,
        out=out,
        **kwargs,
    )
    return out, start, end


def probe(path: Path) -> str:
    """What ffmpeg says of a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, check=False).stderr.decode()


def packet_hashes(path: Path) -> list[str]:
    """A hash of every coded picture, in order, without the headers that each clip (and the film) repeats."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(path),
        "-c",
        "copy",
        "-bsf:v",
        "h264_mp4toannexb,filter_units=remove_types=6-8",
        "-f",
        "framehash",
        "-",
    ]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    return [line.split(",")[-1].strip() for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("frames", [1, 2, 3, 31])
@pytest.mark.parametrize("rate", [FILM, NTSC, FrameRate(numerator=15, denominator=2)], ids=str)
def test_a_clip_has_exactly_its_frames(tmp_path: Path, frames: int, rate: FrameRate) -> None:
    out = clip(tmp_path, "c.mp4", frames, rate)
    assert len(decoded(out)) == frames


def test_the_animatic_has_the_shot_s_frames_and_the_pair_s_ends(tmp_path: Path) -> None:
    out, start, end = rendered(tmp_path, 7, NTSC)
    frames = decoded(out)
    assert len(frames) == 7
    width, height = film_size(256, 128)
    assert frames[0].shape == (height, width, 3)
    large = LanczosUpscaler()
    assert error(frames[0], large.upscale(start, width, height)) < 3
    assert error(frames[-1], large.upscale(end, width, height)) < 3
    assert error(frames[0], frames[-1]) > 10


def test_the_ends_are_exact_before_encoding() -> None:
    start, end = seen(scenery(1), x=12), seen(scenery(1), x=-12)
    between = AnimaticRenderer().inbetweener(start, end, Movement.PAN_RIGHT, 1280, 640)
    large = LanczosUpscaler()
    for moment, frame in ((0.0, start), (1.0, end)):
        for ours, plane in zip(between.at(moment), to_planes(large.upscale(frame, 1280, 640)), strict=True):
            assert np.array_equal(ours, plane)


def test_a_clip_plays_in_browsers_and_quicktime(tmp_path: Path) -> None:
    out = clip(tmp_path, "c.mp4", 5, NTSC)
    said = probe(out)
    assert "Video: h264" in said
    assert "yuv420p(tv, bt709" in said
    assert "23.98 fps" in said
    assert "Audio" not in said
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_survive_the_encoder(tmp_path: Path) -> None:
    out = tmp_path / "c.mp4"
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32], picture[:32, 32:], picture[32:, :32] = (200, 40, 40), (40, 160, 60), (50, 70, 190)
    with clip_writer(out, 64, 64, FILM) as write:
        write(packed(*to_planes(picture)))
    (frame,) = decoded(out)
    for y, x in ((16, 16), (16, 48), (48, 16), (48, 48)):
        assert np.abs(frame[y, x].astype(int) - picture[y, x]).max() <= 6


def test_a_film_has_the_sum_of_its_shots_and_the_same_packets(tmp_path: Path) -> None:
    clips = [clip(tmp_path, f"{n}.mp4", n, NTSC, level=40 * i) for i, n in enumerate((7, 1, 24, 13))]
    out = tmp_path / "film's cut.mp4"
    assemble(clips, out, NTSC)
    assert len(decoded(out)) == 45
    # Nothing was encoded again: the coded pictures of the film are those of the clips, bit by bit.
    assert packet_hashes(out) == [packet for c in clips for packet in packet_hashes(c)]
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert clip_formats([out])[0] == clip_formats(clips[:1])[0]


def test_the_film_shows_the_clips_in_order(tmp_path: Path) -> None:
    clips = [clip(tmp_path, f"{i}.mp4", 2, level=level) for i, level in enumerate((30, 200, 90))]
    assemble(clips, tmp_path / "film.mp4", FILM)
    levels = [int(frame.mean()) for frame in decoded(tmp_path / "film.mp4")]
    assert np.allclose(levels, [30, 35, 200, 205, 90, 95], atol=3)


def test_names_of_clips_may_hold_anything(tmp_path: Path) -> None:
    folder = tmp_path / "it's a 'folder' — ünïcode"
    folder.mkdir()
    one = clip(folder, "a.mp4", 2)
    assemble([one, one], tmp_path / "film.mp4", FILM)
    assert len(decoded(tmp_path / "film.mp4")) == 4


def test_unlike_clips_are_refused_by_shot(tmp_path: Path) -> None:
    clips = [clip(tmp_path, "a.mp4", 2), clip(tmp_path, "b.mp4", 2, size=(32, 32))]
    with pytest.raises(BadInput, match=r"clip of shot 2 .*32x32.* is not like that of shot 1 .*64x32"):
        assemble(clips, tmp_path / "film.mp4", FILM)
    assert not (tmp_path / "film.mp4").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a video"])
def test_the_shot_of_a_clip_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.mp4"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(BadInput, match="clip of shot 2 is"):
        assemble([clip(tmp_path, "a.mp4", 2), bad], tmp_path / "film.mp4", FILM)


def test_no_clips_no_film(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least one clip"):
        assemble([], tmp_path / "film.mp4", FILM)


@pytest.mark.parametrize("content", [b"", b"this is no picture", png(seen(scenery(0)))[:300]])
def test_a_picture_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    good = saved(tmp_path, "good.png", seen(scenery(0)))
    with pytest.raises(BadInput, match=r"bad\.png is not a picture"):
        AnimaticRenderer().render(
            "", good, bad, movement=Movement.STATIC, frames=3, rate=FILM, out=tmp_path / "c.mp4"
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.png", "good.png"]


def test_frames_of_two_sizes_are_refused(tmp_path: Path) -> None:
    one, two = saved(tmp_path, "1.png", seen(scenery(0))), saved(tmp_path, "2.png", seen(scenery(0))[:64])
    with pytest.raises(BadInput, match="differ in size: 256x128 and 256x64"):
        AnimaticRenderer().render(
            "", one, two, movement=Movement.STATIC, frames=3, rate=FILM, out=tmp_path / "c.mp4"
        )


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(Cancelled):
        rendered(tmp_path, 24, FILM, on_frame=lambda i, n: done.append(i), cancelled=lambda: len(done) >= 3)
    assert done == [1, 2, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.png", "s.png"]


def test_an_earlier_clip_survives_a_failed_one(tmp_path: Path) -> None:
    out = clip(tmp_path, "c.mp4", 3)
    before = out.read_bytes()

    def fail_half_way() -> None:
        with clip_writer(out, 64, 32, FILM) as write:
            write(packed(*to_planes(np.zeros((32, 64, 3), np.uint8))))
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        fail_half_way()
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.mp4"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StageError, match="cannot be written"):
        clip(tmp_path / "file", "c.mp4", 1)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(StageError, match="is a folder"):
        clip(tmp_path, "folder.mp4", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_one_sentence() -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x64"]
    with pytest.raises(StageError, match=r"disk is full: c\.mp4 was not written"):
        run_ffmpeg([*picture, "-f", "mpegts", "/dev/full"], Path("c.mp4"))


def noisy(out: Path) -> None:
    rng = np.random.default_rng(0)
    with clip_writer(out, 128, 128, FILM) as write:
        for _ in range(24):
            write(packed(*to_planes(rng.integers(0, 255, (128, 128, 3), np.uint8))))


def test_ffmpeg_that_dies_tells_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\nif [ \"$1\" = -version ]; then echo ffmpeg version 7; exit 0; fi\n"
                    "echo 'Unknown encoder libx264' >&2\nexit 1\n")  # fmt: skip
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    with pytest.raises(StageError, match=r"could not write c\.mp4: Unknown encoder libx264"):
        noisy(tmp_path / "c.mp4")


def test_missing_ffmpeg_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(StageError, match="IMAGEIO_FFMPEG_EXE"):
        clip(tmp_path, "c.mp4", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("native", "film"),
    [
        ((256, 128), (1280, 640)),
        ((1664, 928), (1664, 928)),
        ((333, 128), (1280, 492)),
        ((1281, 721), (1280, 720)),
        ((832, 464), (1280, 714)),
        ((928, 1664), (928, 1664)),  # upright, and large enough
        ((128, 256), (640, 1280)),
    ],
)
def test_film_size_is_even_and_at_least_1280_on_its_long_side(
    native: tuple[int, int], film: tuple[int, int]
) -> None:
    assert film_size(*native) == film


def test_files_can_be_read_by_others_as_usual(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        out = clip(tmp_path, "c.mp4", 1)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
