"""A zero-shot painter without a network: its editor notes what it is asked for. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine.catalogue import profile_of
from engine.errors import Cancelled
from engine.profile import Profile
from engine.step2.conditions import PairRecipe, StoredFrame
from engine.step2.frames import png
from engine.step2.zero_shot import ZeroShotPainter


class Asked(NamedTuple):
    """One call of the editor; the pictures are PNG files."""

    prompt: str
    pictures: list[bytes]
    seed: int


class Notes:
    """An editor that notes what it is asked for, and paints the request's number."""

    def __init__(self) -> None:
        self.profile = profile_of("qwen-image-edit")
        self.asked: list[Asked] = []

    def edit(
        self,
        prompt: str,
        pictures: Sequence[Image.Image],
        seed: int,
        *,
        steps: int,
        guidance: float,
        on_step: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> np.ndarray:
        for step in range(steps):
            if cancelled():
                raise Cancelled("stopped")
            on_step(step + 1)
        self.asked.append(Asked(prompt, [png(np.asarray(p)) for p in pictures], seed))
        return np.full((self.profile.height, self.profile.width, 3), len(self.asked), np.uint8)

    def settle(self, stored: bool) -> None: ...

    def recipe(self, seed: int, steps: int, guidance: float) -> PairRecipe:
        width, height = self.profile.width, self.profile.height
        return PairRecipe(self.profile.name, "notes", seed, steps, guidance, width, height, 1, "uint8", "cpu")


class ByName:
    """Ranks by the order of the hashes, which is as good as any."""

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        return [int(f.sha256[:4], 16) / 65536 for f in frames]

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        return [1.0 for _ in pairs]


def noting_painter(profile: Profile) -> ZeroShotPainter:
    """A painter whose editor is `Notes`."""
    return ZeroShotPainter(Notes(), ByName(), profile, "notes")


def asked(painter: ZeroShotPainter) -> list[Asked]:
    """What its editor was asked for, in order."""
    assert isinstance(painter.editor, Notes)
    return painter.editor.asked
