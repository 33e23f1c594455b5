"""A service as a renderer: ordered once, written down, waited for, checked, and retimed to the shot."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from engine.errors import Cancelled, StageError
from engine.story import FrameRate, Movement
from engine.video.encode import check_ffmpeg
from engine.video.film_size import film_size
from engine.video.framing import Framing
from engine.video.pair import read_pair
from engine.video.remote.http import perhaps_taken
from engine.video.remote.ledger import Ledger
from engine.video.remote.patience import STOPPED, Busy, Patience, patiently, pause
from engine.video.remote.service import ClipOrder, Expired, Finished, Moderated, Refused, VideoService
from engine.video.renderers import Renderer
from engine.video.retime import write_retimed
from engine.video.upscale import Frame, Upscaler
from engine.watched import IsCancelled, Report

_ASPECT = 0.02  # by how much a service's frame may differ from the aspect that was asked for
MOST_BYTES = 1_500_000_000
"""Of a clip's frames, which are all held in memory: the longest clip that a service makes (eight seconds of
24 frames) takes 1.2 GB at 1920x1080, which is more than is ordered.
"""
# Without these, ffmpeg takes a fast way from YUV to RGB, whose colours are a level too dark on average.
_EXACT = ("-sws_flags", "accurate_rnd+full_chroma_int+bicubic")
_FETCHED = 0.9  # share of the progress bar for the service; the rest is for writing the clip


class RemoteRenderer:
    """A `ClipRenderer` on a paid service.

    The operation is in the ledger before anything waits for it. So whatever happens to this process, the same
    shot rendered again takes up the operation that is paid already; stopping leaves it to be picked up too.
    """

    def __init__(
        self,
        renderer: Renderer,
        service: VideoService,
        ledger: Ledger,
        upscaler: Upscaler | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = renderer.name
        self._renderer, self._service, self._ledger = renderer, service, ledger
        self._upscaler = upscaler
        self._patience = patience or Patience()

    def render(
        self,
        refined: str,
        start: Path,
        end: Path,
        *,
        movement: Movement,
        frames: int,
        rate: FrameRate,
        out: Path,
        seed: int = 0,
        on_frame: Report | None = None,
        cancelled: IsCancelled | None = None,
    ) -> None:
        """See `engine.video.renderer.ClipRenderer.render`."""
        pair = read_pair(start, end)
        size = (pair[0].shape[1], pair[0].shape[0])
        lengths, sizes = self._renderer.lengths, self._renderer.sizes
        assert lengths is not None, "the registry gives every service its lengths and sizes"
        assert sizes is not None
        framing = Framing.of(size, sizes.fitting(*size))
        first, last = (_png(framing.put(frame, self._upscaler)) for frame in pair)
        seconds = round(lengths.rate.seconds(lengths.fitting(frames, rate)))
        order = ClipOrder(refined, first, last, framing.width, framing.height, seconds, seed)

        def alive() -> None:
            if on_frame is not None:  # also how a job hears that it is not ours any more
                on_frame(0, frames)

        def written(i: int) -> None:
            if on_frame is not None:
                on_frame(int((_FETCHED + (1 - _FETCHED) * i / frames) * frames), frames)

        clip = self.made(order, alive, cancelled)
        check_aspect(clip, framing, self._renderer.title)
        write_retimed(clip, framing, film_size(*size), frames, rate, out, written, cancelled)

    def made(
        self, order: ClipOrder, alive: Callable[[], None], cancelled: IsCancelled | None = None
    ) -> list[Frame]:
        """The service's own clip: ordered, unless it is already. `alive` is called at every look.

        Raises:
            Cancelled: `cancelled` returned True.
            StageError: no clip, in one sentence.
        """
        check_ffmpeg()  # without it a clip would be paid that nobody here can read
        name = order.name(self._renderer.source)
        while (found := self._ledger.find(name, order.seed)) is not None:
            try:
                return self._collected(found, alive, cancelled)
            except Expired:
                # Ordered so long ago that the service threw it away; it is struck out now. Stopping here
                # would stop a film once for each of its shots.
                continue
        if cancelled is not None and cancelled():
            raise Cancelled(STOPPED)
        if not self._ledger.begin(name, order.seed):
            raise perhaps_taken(self._renderer.title, "the program ended before the answer came")
        try:
            operation = patiently(lambda: self._service.submit(order), self._patience, cancelled)
        except Exception:  # it was not taken, or says itself that it may have been
            self._ledger.drop(name, order.seed)
            raise
        self._ledger.record(name, order.seed, operation)
        return self._collected(operation, alive, cancelled)

    def _collected(
        self, operation: str, alive: Callable[[], None], cancelled: IsCancelled | None
    ) -> list[Frame]:
        """The clip of an operation; one that will never give any is struck out."""
        try:
            finished = self._finished(operation, alive, cancelled)
            return self._fetched(finished, cancelled)
        except (Moderated, Expired, Refused):
            self._ledger.close(operation)  # it will never give a clip: the next try is a new order
            raise

    def _finished(self, operation: str, alive: Callable[[], None], cancelled: IsCancelled | None) -> Finished:
        deadline = time.monotonic() + self._patience.whole
        while True:
            alive()
            found = patiently(lambda: self._service.look(operation), self._patience, cancelled)
            if isinstance(found, Finished):
                return found
            if time.monotonic() > deadline:
                raise StageError(
                    f"{self._renderer.title} has not finished this shot yet: render it again later; what was "
                    "ordered is picked up then, and not paid again."
                )
            pause(self._patience.poll, cancelled)

    def _fetched(self, finished: Finished, cancelled: IsCancelled | None) -> list[Frame]:
        """The frames of a clip; a file that cannot be read is fetched again, for it is paid."""
        with tempfile.TemporaryDirectory(prefix="stage-remote-") as folder:
            path = Path(folder) / "clip.mp4"

            def fetched() -> list[Frame]:
                self._service.fetch(finished, path, cancelled)
                try:
                    return read_clip(path)
                except ValueError as error:
                    sentence = (
                        f"{self._renderer.title} sent a clip that cannot be read here ({error}): render the "
                        "shot again later, which fetches it again and pays nothing, or with another text, "
                        "which is paid anew."
                    )
                    if isinstance(finished.video, bytes):  # it came with the answer, whole
                        raise StageError(sentence) from error
                    raise Busy(sentence) from error

            return patiently(fetched, self._patience, cancelled)


def read_clip(path: Path, most: int = MOST_BYTES) -> list[Frame]:
    """Every frame of a video file, height x width x 3, 8-bit RGB; `most` bytes of them.

    Raises:
        ValueError: it is no video, or has fewer than two frames or far too many.
    """
    import imageio_ffmpeg

    frames: list[Frame] = []
    try:
        reader = imageio_ffmpeg.read_frames(
            str(path), pix_fmt="rgb24", output_params=["-fps_mode", "passthrough", *_EXACT]
        )
        width, height = next(reader)["size"]
        for data in reader:
            if (len(frames) + 1) * width * height * 3 > most:
                raise ValueError(f"its frames of {width}x{height} take more than {most / 1e9:g} GB of memory")
            frames.append(np.frombuffer(data, np.uint8).reshape(height, width, 3))
    except (OSError, RuntimeError, KeyError, StopIteration) as error:
        raise ValueError("it is no video") from error
    if len(frames) < 2:
        raise ValueError("it has fewer than two frames")
    return frames


def check_aspect(clip: list[Frame], framing: Framing, title: str) -> None:
    """Raises StageError when a clip has not the aspect that was asked for: its ends would not be the pair."""
    height, width = clip[0].shape[:2]
    if abs((width / height) / (framing.width / framing.height) - 1) > _ASPECT:
        raise StageError(
            f"{title} made a clip of {width}x{height} where {framing.width}x{framing.height} was asked for: "
            "choose another renderer for this shot."
        )


def _png(frame: Frame) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
