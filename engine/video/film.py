"""Clips to a film: straight cuts, joined packet by packet without re-encoding."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from engine.video.encode import run_ffmpeg
from engine.video.files import written_whole


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


def clip_formats(clips: Sequence[Path]) -> list[ClipFormat]:
    """The formats of clips, as MoviePy reads them from FFmpeg.

    Raises:
        BadInput: a clip is missing or is not a video.
    """
    return [_clip_format(clip) for clip in clips]


def _clip_format(clip: Path) -> ClipFormat:
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    if not clip.is_file():
        raise BadInput(f"The clip {clip.name} is missing; render its shot again.")
    try:
        found = ffmpeg_parse_infos(str(clip), check_duration=False)
    except (OSError, ValueError, KeyError, IndexError) as e:
        raise _unreadable(clip) from e
    if not found.get("video_found"):
        raise _unreadable(clip)
    width, height = found["video_size"]
    streams = sum(len(source["streams"]) for source in found["inputs"])
    return ClipFormat(
        found["video_codec_name"], found["video_profile"], width, height, found["video_fps"], streams
    )


def _unreadable(clip: Path) -> BadInput:
    return BadInput(f"The clip {clip.name} is not a video that can be read; render its shot again.")


def assemble(clips: Sequence[Path], out: Path) -> None:
    """Join clips with straight cuts into one MP4; the film has exactly the frames of its clips.

    The packets are copied, not encoded again. The film appears under its name only when it is whole.

    Raises:
        BadInput: there is no clip, a clip cannot be read, or clips differ in codec, size or rate.
        StageError: the film cannot be written.
    """
    if not clips:
        raise BadInput("A film needs at least one clip: draw and render a shot first.")
    formats = clip_formats(clips)
    for clip, found in zip(clips, formats, strict=True):
        if found != formats[0]:
            raise BadInput(
                f"The clip {clip.name} ({found}) is not like {clips[0].name} ({formats[0]}); "
                "render all shots alike."
            )
    with tempfile.TemporaryDirectory(prefix="stage-film-") as folder, written_whole(out) as part:
        names = Path(folder) / "clips.txt"
        names.write_text("".join(f"file '{_quoted(clip)}'\n" for clip in clips), encoding="utf-8")
        source = ["-f", "concat", "-safe", "0", "-i", str(names)]
        copy = ["-map", "0:v:0", "-c", "copy", "-movflags", "+faststart", "-map_metadata", "-1"]
        run_ffmpeg([*source, *copy, "-fflags", "+bitexact", str(part)], out)


def _quoted(clip: Path) -> str:
    """A path within the single quotes of a concat list."""
    return str(clip.resolve()).replace("'", "'\\''")
