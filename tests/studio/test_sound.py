"""Sound under the film and words over it: real files, made and read by the real ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.errors import BadInput, StageError
from engine.story import FrameRate
from engine.video import sound as sounds
from engine.video.encode import ffmpeg
from engine.video.sound import lay_under, sound_seconds
from engine.video.subtitles import cues, spoken_seconds, to_srt, to_vtt, too_long
from studio.service.studio import Studio
from tests.studio.helpers import ME, blob_files, draw_all_here, new_film, shots_of, wait_for_jobs


def make(path: Path, *arguments: str) -> Path:
    """A file made by ffmpeg."""
    command = [ffmpeg(), "-hide_banner", "-loglevel", "error", "-y", *arguments, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def tone(path: Path, seconds: float = 1.5) -> Path:
    return make(path, "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}")


def streams(path: Path) -> str:
    """What ffmpeg says about a file."""
    done = subprocess.run([ffmpeg(), "-hide_banner", "-i", str(path)], capture_output=True, check=False)
    return done.stderr.decode()


@pytest.mark.parametrize("kind", ["mp3", "wav", "m4a"])
def test_a_sound_is_kept_by_its_content(studio: Studio, home: Path, tmp_path: Path, kind: str) -> None:
    project, _ = new_film(studio, 1)
    studio.set_sound(ME, project, tone(tmp_path / f"a.{kind}"), f"C:\\music\\theme<b>.{kind}")
    sound = studio.project(ME, project).head.sound
    assert sound is not None
    assert (sound.name, sound.volume, sound.offset, sound.in_film) == (f"theme<b>.{kind}", 100, 0, False)
    assert sound.seconds == pytest.approx(1.5, abs=0.1)
    assert f".{kind}?" in sound.url
    assert [path.suffix for path in blob_files(home)] == [f".{kind}"]
    studio.edit_sound(ME, project, offset=-12, volume=50, in_film=True)
    changed = studio.project(ME, project).head.sound
    assert changed is not None
    assert (changed.offset, changed.volume, changed.in_film) == (-12, 50, True)
    for far in (10**7, -(10**400)):
        with pytest.raises(BadInput, match="six hours"):
            studio.edit_sound(ME, project, offset=far)
    studio.remove_sound(ME, project)
    assert studio.project(ME, project).head.sound is None
    studio.undo(ME, project)
    assert studio.project(ME, project).head.sound == changed


def test_what_is_no_sound_is_refused(studio: Studio, tmp_path: Path) -> None:
    project, _ = new_film(studio, 1)
    fake = tmp_path / "fake.mp3"
    for content in (b"", b"<html><script>alert(1)</script>", b"ID3" + b"\0" * 64):
        fake.write_bytes(content)
        with pytest.raises(BadInput, match="MP3, WAV or M4A"):
            studio.set_sound(ME, project, fake, "fake.mp3")
    with pytest.raises(BadInput, match="no sound"):
        studio.edit_sound(ME, project, volume=10)
    studio.set_sound(ME, project, tone(tmp_path / "a.wav"), "a.wav")
    with pytest.raises(BadInput, match="volume"):
        studio.edit_sound(ME, project, volume=500)


def behind_a_tag(path: Path, content: bytes) -> Path:
    """A file that looks like an MP3 by its first bytes: ffmpeg passes over the tag when it guesses."""
    path.write_bytes(b"ID3\x03\0\0\0\0\0\0" + content)
    return path


def test_only_the_kinds_that_are_taken_are_read(tmp_path: Path) -> None:
    """Also where ffmpeg itself would find another kind in the file: it knows some that name other files."""
    flac = tone(tmp_path / "a.flac").read_bytes()
    listed = b"ffconcat version 1.0\nfile other.wav\n"
    tone(tmp_path / "other.wav")
    for content in (flac, listed):
        with pytest.raises(BadInput, match="MP3, WAV or M4A"):
            sound_seconds(behind_a_tag(tmp_path / "a.mp3", content))
    film = make(tmp_path / "film.mp4", "-f", "lavfi", "-i", "color=red:s=64x64:r=24:d=1")
    with pytest.raises(StageError, match=r"could not write out\.mp4"):
        lay_under(
            film,
            behind_a_tag(tmp_path / "a.mp3", flac),
            tmp_path / "out.mp4",
            seconds=1,
            offset=0,
            volume=1,
        )
    assert sound_seconds(behind_a_tag(tmp_path / "b.mp3", tone(tmp_path / "a.mp3").read_bytes())) > 1.4


def test_a_sound_whose_reading_does_not_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes too long to read: save it anew"):
        sound_seconds(tone(tmp_path / "a.wav"), patience=0.001)


def test_a_sound_that_lasts_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "LONGEST_SECONDS", 2.0)  # six hours, for those who have the time
    assert sound_seconds(tone(tmp_path / "a.wav", 1)) == pytest.approx(1.0, abs=0.02)
    with pytest.raises(BadInput, match="at most six hours"):
        sound_seconds(tone(tmp_path / "b.wav", 4))


def test_the_sound_begins_and_ends_where_it_should(tmp_path: Path) -> None:
    film = make(
        tmp_path / "film.mp4", "-f", "lavfi", "-i", "color=red:s=64x64:r=24:d=2", "-pix_fmt", "yuv420p"
    )
    sound = tone(tmp_path / "a.wav", 10)
    out = tmp_path / "out.mp4"
    lay_under(film, sound, out, seconds=2.0, offset=0.5, volume=0.5)
    told = streams(out)
    assert "Video: h264" in told
    assert "Audio: aac" in told
    assert "Duration: 00:00:02.0" in told
    found = subprocess.run(
        [ffmpeg(), "-hide_banner", "-i", str(out), "-af", "silencedetect=d=0.2", "-f", "null", "-"],
        capture_output=True,
        check=True,
    ).stderr.decode()
    end = next(line for line in found.splitlines() if "silence_end" in line)
    assert float(end.split("silence_end: ")[1].split()[0]) == pytest.approx(0.5, abs=0.06)
    assert sound_seconds(out) == pytest.approx(2.0, abs=0.1)


@pytest.mark.slow
def test_the_film_has_the_sound_if_that_is_wished(working: Studio, tmp_path: Path) -> None:
    project, ids = new_film(working, 1)
    draw_all_here(working, project)
    working.edit_shot(ME, ids[0], length=12)
    working.set_sound(ME, project, tone(tmp_path / "a.mp3"), "a.mp3")
    working.export(ME, project)
    wait_for_jobs(working, project, 120)
    assert "Audio" not in streams(working.film_path(ME, project))
    working.edit_sound(ME, project, in_film=True)
    assert working.film(ME, project).stale  # type: ignore[union-attr]
    working.export(ME, project)
    (job, *_) = wait_for_jobs(working, project, 120)
    assert job.error == ""
    assert "Audio: aac" in streams(working.film_path(ME, project))
    assert not working.film(ME, project).stale  # type: ignore[union-attr]


def test_subtitles() -> None:
    rate = FrameRate()
    shots = [("ANNA: Where is\n\n he?", 36), ("", 24), ("Gone --> <b>far</b> & away", 3600 * 24)]
    found = cues(shots, rate)
    assert to_srt(found) == (
        "1\n00:00:00,000 --> 00:00:01,500\nANNA: Where is\nhe?\n\n"
        "2\n00:00:02,500 --> 01:00:02,500\nGone --> <b>far</b> & away\n\n"
    )
    assert to_vtt(found) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nANNA: Where is\nhe?\n\n"
        "00:00:02.500 --> 01:00:02.500\nGone --&gt; &lt;b&gt;far&lt;/b&gt; &amp; away\n"
    )


def test_words_that_need_longer_than_the_shot(studio: Studio) -> None:
    assert spoken_seconds("ANNA: one two three four five") == 2.0
    assert too_long("one two three four five", 2.0) == ""
    assert spoken_seconds("私は毎朝海を見ます and then I sleep") == (9 / 2 + 4) / 2.5  # no spaces, no words
    project, (shot,) = new_film(studio, 1)
    studio.edit_shot(ME, shot, dialogue="ANNA: " + "word " * 10, length=48)
    warning = shots_of(studio, project)[0].too_long
    assert warning == ("These words need about 4.0 s at 2.5 words a second, but the shot lasts 2.0 s.")
    assert studio.subtitles(ME, project).startswith("1\n00:00:00,000 --> 00:00:02,000\nANNA: word")
    studio.edit_shot(ME, shot, dialogue=" ")
    with pytest.raises(BadInput, match="Nobody speaks"):
        studio.subtitles(ME, project, "vtt")
