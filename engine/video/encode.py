"""Frames to an MP4 that browsers and QuickTime play, by the ffmpeg that imageio-ffmpeg brings.

H.264, yuv420p, BT.709 said and done, constant frame rate, index in front (fast start). Clips carry no
B-frames: presentation and decoding order agree, so that clips join exactly without re-encoding.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from engine.errors import Cancelled, StageError
from engine.story import FrameRate
from engine.video.files import no_room, written_whole
from engine.watched import IsCancelled

_NO_ROOM = ("No space left on device", "File too large", "Disk quota exceeded")
_ASK_SECONDS = 0.2  # between two looks at the stop sign
_QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")


def ffmpeg() -> str:
    """The path of the ffmpeg program.

    Raises:
        StageError: there is none.
    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise StageError(
            "There is no ffmpeg to write video with: run `pip install imageio-ffmpeg`, "
            "or set IMAGEIO_FFMPEG_EXE to the path of one."
        ) from error


def check_ffmpeg() -> None:
    """Whether ffmpeg runs here: cheap, to be asked before anything is paid that only it can read.

    Raises:
        StageError: there is none, or it does not start.
    """
    try:
        done = subprocess.run([ffmpeg(), "-version"], capture_output=True, check=False)
    except OSError as error:
        raise _not_started(error) from error
    if done.returncode:
        raise StageError(
            f"ffmpeg does not run here (it ended with {done.returncode}): check IMAGEIO_FFMPEG_EXE."
        )


def run_ffmpeg(arguments: Sequence[str], out: Path, cancelled: IsCancelled | None = None) -> None:
    """Run ffmpeg to its end; `cancelled` is asked a few times a second.

    Raises:
        Cancelled: `cancelled` returned True, and ffmpeg was ended.
        StageError: it failed; the message is one sentence about `out`.
    """
    with _running([ffmpeg(), *_QUIET, *arguments], out) as process:
        while process.poll() is None:
            check(cancelled)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ASK_SECONDS)


@contextmanager
def _running(
    command: Sequence[str], out: Path, stdin: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg at work on `out`: waited for when the block ends well, else ended. Raises StageError."""
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=log)
        except OSError as error:
            raise _not_started(error) from error
        try:
            yield process
            process.wait()
        except BrokenPipeError:  # ffmpeg ended early, and its last words say why
            process.wait()
            raise _failure(out, _all(log)) from None
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            raise _failure(out, _all(log))


def check(cancelled: IsCancelled | None) -> None:
    """Raises Cancelled when it is time to stop."""
    if cancelled is not None and cancelled():
        raise Cancelled("The film was stopped before it was whole.")


def _not_started(error: OSError) -> StageError:
    return StageError(f"ffmpeg could not be started ({error.strerror}): check IMAGEIO_FFMPEG_EXE.")


def _failure(out: Path, said: bytes) -> StageError:
    text = said.decode("utf-8", "replace").strip()
    if any(words in text for words in _NO_ROOM):
        return no_room(out.name)
    last = text.splitlines()[-1] if text else "it gave no reason"
    return StageError(f"ffmpeg could not write {out.name}: {last}")


def time_base(rate: FrameRate) -> int:
    """Ticks a second of a clip's track: a multiple of the rate, so that every frame begins on a tick."""
    return rate.numerator * -(-12_000 // rate.numerator)


def _command(width: int, height: int, rate: FrameRate, quality: int, part: Path) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "nv12", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    # The frames are BT.709 in video range already (engine.video.colour); this only says so.
    tags = ["-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"]
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(quality), "-pix_fmt", "yuv420p"]
    codec += ["-bf", "0", "-g", str(round(rate.fraction) or 1)]
    mux = ["-fps_mode", "cfr", "-video_track_timescale", str(time_base(rate)), "-movflags", "+faststart"]
    # Metadata would make two renderings of the same pair differ.
    mux += ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    return [ffmpeg(), *_QUIET, *source, "-an", *tags, *codec, *mux, str(part)]


@contextmanager
def clip_writer(
    out: Path, width: int, height: int, rate: FrameRate, *, quality: int = 17
) -> Iterator[Callable[[NDArray[np.uint8]], None]]:
    """A function that adds a picture to an MP4: NV12 bytes (`engine.video.colour.packed`), both sides even.

    The file appears under its name when the block ends well; an error in the block leaves nothing behind.
    `quality` is x264's constant rate factor: lower is better and larger.

    Raises:
        StageError: ffmpeg is missing, or the file cannot be written.
    """
    if width % 2 or height % 2:
        raise ValueError(f"H.264 with yuv420p needs even sides, not {width}x{height}")
    with (
        written_whole(out) as part,
        _running(_command(width, height, rate, quality, part), out, subprocess.PIPE) as process,
    ):
        pipe = process.stdin
        assert pipe is not None

        def write(picture: NDArray[np.uint8]) -> None:
            if picture.shape != (height * 3 // 2, width) or picture.dtype != np.uint8:
                raise ValueError(f"NV12 of {width}x{height} pixels, not {picture.shape} {picture.dtype}")
            pipe.write(np.ascontiguousarray(picture).data)

        yield write
        pipe.close()


def _all(log: IO[bytes]) -> bytes:
    log.seek(0)
    return log.read()
