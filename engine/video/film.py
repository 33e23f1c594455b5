"""Clips to a film: straight cuts, joined packet by packet without re-encoding."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from engine.video.encode import ffmpeg, run_ffmpeg
from engine.video.files import written_whole


@dataclass(frozen=True)
class ClipFormat:
    """What clips must share to be joined without re-encoding."""

    codec: str
    pixels: str
    width: int
    height: int
    rate: str
    streams: int

    def __str__(self) -> str:
        return f"{self.codec} {self.pixels} {self.width}x{self.height} at {self.rate} frames a second"


_INPUT = re.compile(r"^Input #(\d+),", re.MULTILINE)
_STREAM = re.compile(r"^\s*Stream #\d+:\d+.*$", re.MULTILINE)
_VIDEO = re.compile(r"Video: (\w+).*?, (yuv\w+|gray\w*|rgb\w+)[(,].*?(\d{2,5})x(\d{2,5}).*?([\d.]+k?) fps")
_BATCH = 64  # clips looked at by one ffmpeg


def clip_formats(clips: Sequence[Path]) -> list[ClipFormat]:
    """The formats of clips, as ffmpeg reads them.

    Raises:
        BadInput: a clip is missing or is not a video.
    """
    found: list[ClipFormat] = []
    for first in range(0, len(clips), _BATCH):
        batch = clips[first : first + _BATCH]
        command = [ffmpeg(), "-hide_banner", "-nostdin"]
        for clip in batch:
            if not clip.is_file():
                raise BadInput(f"The clip {clip.name} is missing; render its shot again.")
            command += ["-i", str(clip)]
        # Without an output ffmpeg describes its inputs and ends with an error: that is not a failure here.
        said = subprocess.run(command, capture_output=True, check=False).stderr.decode("utf-8", "replace")
        parts = _INPUT.split(said)[2::2]  # [before, number, text, number, text, …]
        for i, clip in enumerate(batch):
            streams = _STREAM.findall(parts[i]) if i < len(parts) else []
            video = next((m for s in streams if (m := _VIDEO.search(s))), None)
            if video is None:
                raise BadInput(
                    f"The clip {clip.name} is not a video that can be read; render its shot again."
                )
            codec, pixels, width, height, rate = video.groups()
            found.append(ClipFormat(codec, pixels, int(width), int(height), rate, len(streams)))
    return found


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
