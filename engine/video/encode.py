"""Frames to an MP4 that browsers and QuickTime play, by the ffmpeg that imageio-ffmpeg brings.

H.264, yuv420p, BT.709 said and done, constant frame rate, index in front (fast start). Clips carry no B-frames:
presentation and decoding order agree, so that clips join exactly without re-encoding.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.errors import StageError
from engine.story import FrameRate

_NO_ROOM = ("No space left on device", "File too large", "Disk quota exceeded")
_NO_ROOM_CODES = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


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


def cannot_write(out: Path, error: OSError) -> StageError:
    """What an operating system's refusal to write a file means, in one sentence."""
    if error.errno in _NO_ROOM_CODES:
        return StageError(f"The disk is full: {out.name} was not written; free some space and try again.")
    return StageError(f"{out} cannot be written ({error.strerror or error}); choose another place for it.")


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A temporary name beside `out` that becomes `out` when the block ends well, and vanishes when it does not.

    Raises:
        StageError: the folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            raise StageError(f"{out} is a folder; give the name of a file.")
        handle, name = tempfile.mkstemp(prefix=f".{out.stem}.", suffix=f".part{out.suffix}", dir=out.parent)
    except OSError as error:
        raise cannot_write(out, error) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp makes files that only their owner may read
        os.replace(part, out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        part.unlink(missing_ok=True)


def run_ffmpeg(arguments: Sequence[str], out: Path) -> None:
    """Run ffmpeg to its end.

    Raises:
        StageError: it failed; the message is one sentence about `out`.
    """
    command = [ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise StageError(
            f"ffmpeg could not be started ({error.strerror}): check IMAGEIO_FFMPEG_EXE."
        ) from error
    if done.returncode:
        raise _failure(out, done.stderr)


def _failure(out: Path, said: bytes) -> StageError:
    text = said.decode("utf-8", "replace").strip()
    if any(words in text for words in _NO_ROOM):
        return StageError(f"The disk is full: {out.name} was not written; free some space and try again.")
    last = text.splitlines()[-1] if text else "it gave no reason"
    return StageError(f"ffmpeg could not write {out.name}: {last}")


def time_base(rate: FrameRate) -> int:
    """Ticks a second of a clip's track: a multiple of the rate, so that every frame begins on a tick."""
    return rate.numerator * -(-12_000 // rate.numerator)


class ClipWriter:
    """A pipe into ffmpeg: takes NV12 pictures (`engine.video.colour`) of `width` x `height` pixels, both even,
    and writes an MP4.

    Use as a context manager. The file appears under its name only when every frame is in it.
    """

    def __init__(self, out: Path, width: int, height: int, rate: FrameRate, *, quality: int = 17) -> None:
        if width % 2 or height % 2:
            raise ValueError(f"H.264 with yuv420p needs even sides, not {width}x{height}")
        self.out, self.width, self.height, self.rate = out, width, height, rate
        self._quality = quality
        self._log = tempfile.TemporaryFile()
        self._whole = written_whole(out)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Callable[[NDArray[np.uint8]], None]:
        part = self._whole.__enter__()
        source = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "nv12",
            "-s",
            f"{self.width}x{self.height}",
            "-r",
            str(self.rate),
        ]
        # The frames are BT.709 in video range already (engine.video.colour); this only says so.
        colour = ["-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"]
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(self._quality), "-pix_fmt", "yuv420p"]
        codec += ["-bf", "0", "-g", str(round(self.rate.fraction) or 1)]
        mux = [
            "-fps_mode",
            "cfr",
            "-video_track_timescale",
            str(time_base(self.rate)),
            "-movflags",
            "+faststart",
        ]
        # Metadata would make two renderings of the same pair differ.
        mux += ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
        command = [
            ffmpeg(),
            "-hide_banner",
            "-loglevel",
            "error",
            "-nostdin",
            "-y",
            *source,
            "-i",
            "-",
            "-an",
        ]
        try:
            self._process = subprocess.Popen(
                [*command, *colour, *codec, *mux, str(part)], stdin=subprocess.PIPE, stderr=self._log
            )
        except OSError as error:
            failure = StageError(f"ffmpeg could not be started ({error.strerror}): check IMAGEIO_FFMPEG_EXE.")
            self._leave(failure)
            raise failure from error
        return self._write

    def _write(self, frame: NDArray[np.uint8]) -> None:
        process = self._running()
        if frame.shape != (self.height * 3 // 2, self.width) or frame.dtype != np.uint8:
            raise ValueError(f"NV12 of {self.width}x{self.height} pixels, not {frame.shape} {frame.dtype}")
        assert process.stdin is not None
        try:
            process.stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError as error:  # ffmpeg ended early: its last words say why
            process.wait()
            raise self._said() from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        assert process.stdin is not None
        failure: StageError | None = None
        if error is None:
            try:
                process.stdin.close()
            except BrokenPipeError:
                failure = self._said()
            if process.wait() and failure is None:
                failure = self._said()
        else:
            process.kill()
            process.wait()
        self._leave(error or failure)
        if failure is not None:
            raise failure

    def _leave(self, error: BaseException | None) -> None:
        """Name the file, or take it away when there was trouble."""
        self._log.close()
        if error is None:
            self._whole.__exit__(None, None, None)
            return
        try:
            self._whole.__exit__(type(error), error, error.__traceback__)
        except BaseException as same:
            if same is not error:
                raise

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "use ClipWriter in a with statement"
        return self._process

    def _said(self) -> StageError:
        self._log.seek(0)
        return _failure(self.out, self._log.read())
