"""The protocol of everything that turns a pair into a clip (eq. 10): V_i = G_video(R_i, F^S_i, F^E_i)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from engine.story import FrameRate, Movement
from engine.watched import IsCancelled, Report


class ClipRenderer(Protocol):
    """Turns a refined description and a start-end pair into a clip without sound."""

    name: str

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
        """Write a clip of exactly `frames` frames at `rate` that begins with `start` and ends with `end`.

        The clip has `engine.video.film_size.film_size` of the pair, whatever size the renderer works at, so
        that clips of several renderers can be joined. `seed` is for those that begin with noise: another
        seed gives another clip. `on_frame(done, total)` counts frames of the clip.

        Raises:
            BadInput: a picture is not a picture, or the two differ in size.
            Cancelled: `cancelled` returned True; nothing is left behind.
            StageError: the clip cannot be made or written (no encoder, no room, no key, a card too small, a
                service that refuses).
        """
        ...
