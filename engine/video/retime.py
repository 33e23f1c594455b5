"""A model's clip at the length of its shot: never cut, for its end is what the pair exists for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.errors import Cancelled, StageError
from engine.story import FrameRate
from engine.video.colour import packed, to_planes
from engine.video.encode import clip_writer
from engine.video.flow import measure_neighbours
from engine.video.framing import Framing
from engine.video.inbetween import Inbetweener, Picture
from engine.video.upscale import Frame
from engine.watched import IsCancelled


def positions(made: int, frames: int) -> list[tuple[int, int]]:
    """Where each of a shot's `frames` lies among `made` frames: the frame before it, and a remainder of
    `frames - 1`. The first is exactly the first frame and the last exactly the last one.

    Raises:
        ValueError: fewer than two frames were made, or a shot without frames.
    """
    if made < 2 or frames < 1:
        raise ValueError(f"{made} frames cannot be retimed to {frames}")
    if frames == 1:
        return [(0, 0)]
    return [divmod(i * (made - 1), frames - 1) for i in range(frames)]


def retimed(clip: Sequence[Frame], frames: int) -> Iterator[Picture]:
    """The planes (luma, chroma) of each frame of a shot, from a clip of any length of two frames or more.

    Frames that fall on one of the clip's are that frame; between two, the picture is drawn from both along
    the motion that is seen between them.
    """
    between: tuple[int, Inbetweener] | None = None
    for k, rest in positions(len(clip), frames):
        if rest == 0:
            yield to_planes(clip[k])
            continue
        if between is None or between[0] != k:
            one, other = clip[k], clip[k + 1]
            between = k, Inbetweener(to_planes(one), to_planes(other), measure_neighbours(one, other))
        yield between[1].at(rest / (frames - 1))


def write_retimed(
    clip: Sequence[Frame],
    framing: Framing,
    size: tuple[int, int],
    frames: int,
    rate: FrameRate,
    out: Path,
    on_frame: Callable[[int], None] | None = None,
    cancelled: IsCancelled | None = None,
) -> None:
    """Write a model's clip as the shot's: out of its framing, at the film's `size` (width, height), retimed.

    Raises:
        Cancelled: `cancelled` returned True; nothing is left behind.
        StageError: the clip has fewer than two frames, or cannot be written.
    """
    if len(clip) < 2:
        raise StageError("The renderer made no moving picture of this shot: render it again.")
    taken = Taken(clip, framing, size)
    with clip_writer(out, *size, rate) as write:
        for i, planes in enumerate(retimed(taken, frames), 1):
            if cancelled is not None and cancelled():
                raise Cancelled("Rendering of the clip was stopped.")
            write(packed(*planes))
            if on_frame is not None:
                on_frame(i)


class Taken(Sequence[Frame]):
    """A clip seen through its framing; frames are taken out when they are asked for, the last two kept."""

    def __init__(self, clip: Sequence[Frame], framing: Framing, size: tuple[int, int]) -> None:
        self._clip, self._framing, self._size = clip, framing, size
        self._kept: dict[int, Frame] = {}

    def __len__(self) -> int:
        return len(self._clip)

    def __getitem__(self, i: int) -> Frame:  # type: ignore[override]  # only whole frames are ever asked for
        if i not in self._kept:
            self._kept = {k: frame for k, frame in self._kept.items() if k == i - 1}
            self._kept[i] = self._framing.take(self._clip[i], *self._size)
        return self._kept[i]
