"""Clips to a film: straight cuts, joined packet by packet without re-encoding."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from engine.story import FrameRate
from engine.video.encode import check, run_ffmpeg
from engine.video.files import written_whole
from engine.watched import IsCancelled


@dataclass(frozen=True)
class ClipFormat:
    """What clips must share to be joined without re-encoding."""

    codec: str
    profile: str
    width: int
    height: int
    rate: float
    streams: int

    def __str__(self) -> str:
        return f"{self.codec} {self.profile} {self.width}x{self.height} at {self.rate:g} frames a second"


def clip_formats(clips: Sequence[Path], cancelled: IsCancelled | None = None) -> list[ClipFormat]:
    """The formats of the clips of a film's shots, as MoviePy reads them from FFmpeg.

    Raises:
        BadInput: a clip is missing or is not a video; it is named by its shot, from 1.
        Cancelled: `cancelled` returned True.
    """
    known: dict[Path, ClipFormat] = {}
    for shot, clip in enumerate(clips, 1):
        if clip not in known:
            check(cancelled)
            known[clip] = _clip_format(clip, shot)
    return [known[clip] for clip in clips]


def _clip_format(clip: Path, shot: int) -> ClipFormat:
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    if not clip.is_file():
        raise BadInput(f"The clip of shot {shot} is missing; render this shot again.")
    try:
        found = ffmpeg_parse_infos(str(clip), check_duration=False)
    except (OSError, ValueError, KeyError, IndexError) as e:
        raise _unreadable(shot) from e
    if not found.get("video_found"):
        raise _unreadable(shot)
    width, height = found["video_size"]
    streams = sum(len(source["streams"]) for source in found["inputs"])
    return ClipFormat(
        found["video_codec_name"], found["video_profile"], width, height, found["video_fps"], streams
    )


def _unreadable(shot: int) -> BadInput:
    return BadInput(f"The clip of shot {shot} is not a video that can be read; render this shot again.")


def assemble(clips: Sequence[Path], out: Path, rate: FrameRate, cancelled: IsCancelled | None = None) -> None:
    """Join the clips of all shots with straight cuts into one MP4; the film has exactly their frames, which
    are at `rate`.

    The packets are copied, not encoded again; only their times are written anew. The film appears under its
    name only when it is whole.

    Raises:
        BadInput: there is no clip, a clip cannot be read, or clips differ in codec, size or rate.
        Cancelled: `cancelled` returned True.
        StageError: the film cannot be written.
    """
    if not clips:
        raise BadInput("A film needs at least one clip: draw and render a shot first.")
    formats = clip_formats(clips, cancelled)
    for shot, found in enumerate(formats, 1):
        if found != formats[0]:
            raise BadInput(
                f"The clip of shot {shot} ({found}) is not like that of shot 1 ({formats[0]}): render all "
                "shots alike."
            )
    with tempfile.TemporaryDirectory(prefix="stage-film-") as folder, written_whole(out) as part:
        names = Path(folder) / "clips.txt"
        names.write_text("".join(f"file '{_quoted(clip)}'\n" for clip in clips), encoding="utf-8")
        source = ["-f", "concat", "-safe", "0", "-i", str(names)]
        # ffmpeg adds the clips' lengths up in whole microseconds, so that in a long film frames would be a
        # tick too long or too short. Decoding order is that of presentation (engine.video.encode).
        frame = f"{rate.fraction.denominator}/({rate.fraction.numerator}*TB)"
        times = ["-bsf:v", f"setts=pts=N*{frame}:dts=N*{frame}:duration={frame}"]
        copy = ["-map", "0:v:0", "-c", "copy", "-movflags", "+faststart", "-map_metadata", "-1"]
        run_ffmpeg([*source, *copy, *times, "-fflags", "+bitexact", str(part)], out, cancelled)


def _quoted(clip: Path) -> str:
    """A path within the single quotes of a concat list."""
    return str(clip.resolve()).replace("'", "'\\''")
