"""Joining many clips: every frame as long as the others, each file looked at once, stopped when asked."""

from __future__ import annotations

import os
import subprocess
import time
import wave
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import BadInput, Cancelled
from engine.story import FrameRate
from engine.video.encode import ffmpeg, run_ffmpeg
from engine.video.film import assemble, clip_formats
from engine.video.sound import lay_under, sound_seconds
from tests.engine.video.test_clip import clip

posix = pytest.mark.skipif(os.name != "posix", reason="needs a shell")


@pytest.fixture
def sleepy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ffmpeg that takes a minute."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


@posix
def test_ffmpeg_is_ended_when_it_is_asked_to_stop(tmp_path: Path, sleepy: None) -> None:
    asked: list[float] = []

    def cancelled() -> bool:
        asked.append(time.monotonic())
        return len(asked) > 2

    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_ffmpeg(["-version"], tmp_path / "film.mp4", cancelled)
    assert time.monotonic() - began < 20


@posix
def test_sound_is_stopped_too_and_leaves_nothing(tmp_path: Path, sleepy: None) -> None:
    (tmp_path / "sound.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        lay_under(
            tmp_path / "film.mp4", tmp_path / "sound.wav", tmp_path / "out.mp4",
            seconds=1.0, offset=0.0, volume=1.0, cancelled=lambda: True,
        )  # fmt: skip
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(BadInput, match="sound track is not there any more"):
        lay_under(
            tmp_path / "film.mp4", tmp_path / "gone.wav", tmp_path / "out.mp4",
            seconds=1.0, offset=0.0, volume=1.0,
        )  # fmt: skip
    assert sorted(tmp_path.iterdir()) == before


def test_a_film_is_stopped_between_two_looks_and_each_clip_is_looked_at_once(tmp_path: Path) -> None:
    one, two = clip(tmp_path, "1.mp4", 2), clip(tmp_path, "2.mp4", 2)
    asked: list[bool] = []

    def counted() -> bool:
        asked.append(True)
        return False

    assert len(clip_formats([one, two, one, two, one], counted)) == 5
    assert len(asked) == 2
    with pytest.raises(Cancelled):
        assemble([one, two], tmp_path / "film.mp4", FrameRate(), cancelled=lambda: True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.mp4", "2.mp4"]


def frame_times(film: Path, rate: FrameRate) -> list[tuple[Fraction, Fraction]]:
    """When each coded picture is shown and for how long, in frames."""
    command = [ffmpeg(), "-v", "error", "-i", str(film), "-map", "0:v", "-c", "copy", "-f", "framecrc", "-"]
    said = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    tick = next(Fraction(line.split()[-1]) for line in said if line.startswith("#tb 0:"))
    rows = [line.split(",") for line in said if not line.startswith("#")]
    return [(int(row[2]) * tick * rate.fraction, int(row[3]) * tick * rate.fraction) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("rate", [FrameRate(), FrameRate(numerator=24000, denominator=1001)], ids=str)
def test_every_frame_of_a_long_film_is_as_long_as_the_others(tmp_path: Path, rate: FrameRate) -> None:
    """Lengths of clips were added up in whole microseconds: after some cuts a frame was a tick off."""
    clips = [clip(tmp_path, f"{n}.mp4", n, rate) for n in (1, 5, 2)]
    film, sound, heard = (tmp_path / name for name in ("film.mp4", "sound.wav", "heard.mp4"))
    assemble(clips * 167, film, rate)
    frames = 8 * 167
    wanted = [(Fraction(i), Fraction(1)) for i in range(frames)]
    assert frame_times(film, rate) == wanted
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 48000))
    lay_under(film, sound, heard, seconds=rate.seconds(frames), offset=0.0, volume=1.0)
    assert frame_times(heard, rate) == wanted
    assert sound_seconds(heard) == pytest.approx(rate.seconds(frames), abs=0.03)
