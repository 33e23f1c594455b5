"""A sound track under a film: what a file is, how long it lasts, laying it under the picture. No torch."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from engine.errors import BadInput
from engine.video.encode import ffmpeg, run_ffmpeg
from engine.video.files import written_whole
from engine.watched import IsCancelled

LONGEST_SECONDS = 6 * 3600.0
_TIME = re.compile(rb"time=(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_NO_SOUND = "This is no sound that can be read: choose an MP3, WAV or M4A file."
_PATIENCE = 120.0  # seconds; six hours of sound take a laptop well under one minute
_READERS = {"mp3": "mp3", "wav": "wav", "m4a": "mov"}


def sound_kind(head: bytes) -> str:
    """ "mp3", "wav" or "m4a", by the first bytes of a file: a name proves nothing.

    Raises BadInput for anything else.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "m4a"
    frame_sync = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    if head[:3] == b"ID3" or frame_sync:
        return "mp3"
    raise BadInput(_NO_SOUND)


def sound_input(path: Path) -> list[str]:
    """How ffmpeg is to read a sound: as the kind that it is by its bytes, and as a file.

    Left to itself, ffmpeg guesses the kind from what the file holds, and some kinds are lists that name other
    files. Raises BadInput for what is no sound, and for one that is not there.
    """
    try:
        with path.open("rb") as file:
            kind = sound_kind(file.read(16))
    except OSError as error:
        raise BadInput("The sound track is not there any more: lay it under the film again.") from error
    return ["-f", _READERS[kind], "-protocol_whitelist", "file", "-i", f"file:{path}"]


def sound_seconds(path: Path, patience: float = _PATIENCE) -> float:
    """How long the sound lasts, by decoding it to its end. Raises BadInput where there is none, or where its
    end was not reached within `patience` seconds.
    """
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-t", f"{LONGEST_SECONDS + 1:.0f}", *sound_input(path)]
    try:
        done = subprocess.run(
            [*command, "-map", "0:a:0", "-f", "null", "-"],
            capture_output=True,
            check=False,
            timeout=patience,
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(
            "This sound takes too long to read: save it anew as MP3, WAV or M4A, or choose a shorter one."
        ) from error
    times = _TIME.findall(done.stderr)
    if done.returncode or not times:
        raise BadInput(_NO_SOUND)
    hours, minutes, seconds = times[-1]
    length = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if not 0 < length <= LONGEST_SECONDS:
        raise BadInput("A sound track lasts more than nothing and at most six hours: choose another file.")
    return length


def lay_under(
    film: Path,
    sound: Path,
    out: Path,
    *,
    seconds: float,
    offset: float,
    volume: float,
    cancelled: IsCancelled | None = None,
) -> None:
    """Writes the film with the sound under it: the pictures as they are, the sound as AAC.

    The sound begins `offset` seconds into the film (before it when negative) at `volume` (1 is as it is), and
    ends with the film, which lasts `seconds`. Raises StageError when it cannot be written, and Cancelled when
    `cancelled` returned True.
    """
    late, early = max(0.0, offset), max(0.0, -offset)
    filters = [f"atrim=start={early:.6f}", "asetpts=PTS-STARTPTS", f"volume={volume:.4f}"]
    filters += [f"adelay={round(late * 1000)}:all=1", "apad", f"atrim=end={seconds:.6f}"]
    inputs = ["-i", str(film), *sound_input(sound)]
    with written_whole(out) as part:
        run_ffmpeg(
            [
                *inputs,
                *("-filter_complex", f"[1:a:0]{','.join(filters)}[sound]"),
                *("-map", "0:v:0", "-map", "[sound]", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k"),
                *("-movflags", "+faststart", "-map_metadata", "-1", "-fflags", "+bitexact"),
                str(part),
            ],
            out,
            cancelled,
        )
