"""Pairs by a model that was never trained on them: two calls of an image editor (zero-shot mode).

The start frame is drawn from one to three whole memory frames, in the memory pack's order, or from words
alone where there are none; the end frame is an edit of the start. A frame that is kept is what the other is
an edit of, and memory has no part. The end frame of the shot before counts as a frame of the memory like any
other: where it is banned or of another look, the start must not be painted from it. The editor is local
(`engine.step2.edit`) or a service on the network (`engine.step2.hosted`); loads no torch by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from engine.errors import BadInput, Cancelled
from engine.pictures import read_picture
from engine.profile import Profile
from engine.step2.conditions import (
    PackedFrame,
    PairConditions,
    PairRecipe,
    PairTake,
    check_seeds,
    pictures_of,
)
from engine.step2.frames import kept_file, png, read_frame
from engine.step2.measurer import RankerMeasurer, Scorer
from engine.step2.packing import whole
from engine.story import FrameSide

FIRST = "The first frame of this shot: {} Keep the people, the places and the look of the pictures."
ALONE = "The first frame of this shot: {}"
LAST = (
    "The last frame of the same shot, a few seconds later, after its movement and action: {} Keep the "
    "people, the place and the look."
)
BEFORE = (
    "The first frame of the same shot, a few seconds earlier, before its movement and action: {} Keep the "
    "people, the place and the look."
)


class Editor(Protocol):
    """Draws one picture from words and none to three pictures, at its profile's size."""

    profile: Profile

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
        """uint8 (height, width, 3) at the profile's size. Raises Cancelled when it is told to stop."""
        ...

    def recipe(self, seed: int, steps: int, guidance: float) -> PairRecipe:
        """How a pair of that seed was drawn."""
        ...

    def settle(self, stored: bool) -> None:
        """A drawing is over, and its pictures are `stored`; or it was given up, and the next may have what it
        had.
        """
        ...


@dataclass(frozen=True)
class _Call:
    """One call of the editor for one side of the pair; `of` is the other side that it is an edit of."""

    side: FrameSide
    prompt: str
    of: FrameSide | None = None


class ZeroShotPainter(RankerMeasurer):
    """A PairPainter (see engine.step2.painter) on an editor."""

    def __init__(self, editor: Editor, scorer: Scorer, profile: Profile, weights: str) -> None:
        self.editor = editor
        super().__init__(profile, scorer)
        self.weights = weights

    @property
    def profile(self) -> Profile:
        """What it draws with; a film of another shape gives it another size (see `catalogue.resized`)."""
        return self.editor.profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self.editor.profile = profile

    def draw(
        self,
        conditions: PairConditions,
        seeds: Sequence[int],
        *,
        steps: int | None = None,
        guidance: float | None = None,
        memory_guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[PairTake]:
        """One take after another; `on_step` counts the steps of both calls of all takes."""
        stop = cancelled or (lambda: False)
        if stop():
            raise Cancelled()
        check_seeds(seeds)
        self.editor.settle(stored=False)  # whatever was drawn before and not kept
        if memory_guidance not in (None, 1.0):
            raise BadInput(
                f"{self.profile.title} reads memory as whole pictures, not more and not less: leave the "
                "memory guidance out."
            )
        count = self.profile.steps if steps is None else steps
        strength = self.profile.guidance if guidance is None else guidance
        packed = self.pack(conditions)
        references = [read_picture(frame.path) for frame in pictures_of(conditions, packed)]
        calls = _calls(conditions, bool(references))
        total = count * len(calls) * len(seeds)
        kept, size = conditions.kept, (self.profile.width, self.profile.height)
        done = 0

        def step(_: int) -> None:
            nonlocal done
            done += 1
            if on_step is not None:
                on_step(done, total)

        takes = []
        for seed in seeds:
            frames = {kept.side: read_frame(kept.frame, *size)} if kept is not None else {}
            for call in calls:
                pictures = references if call.of is None else [_image(frames[call.of])]
                frames[call.side] = self.editor.edit(
                    call.prompt, pictures, seed, steps=count, guidance=strength, on_step=step, cancelled=stop
                )
            files = {side: png(frame) for side, frame in frames.items()}
            if kept is not None:
                files[kept.side] = kept_file(kept, *size)
            recipe = self.editor.recipe(seed, count, strength)
            takes.append(PairTake(files[FrameSide.START], files[FrameSide.END], recipe, packed))
        return takes

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        """The one to three references, whole: in the memory pack's order, with an equal share each. None
        beside a frame that is kept: that is all that the editor sees then.
        """
        bank = conditions.memory
        if not bank or conditions.kept is not None:
            return ()
        alike = self.description_similarities(conditions.description, [m.frame for m in bank])
        return tuple(packed for _, packed in whole(bank, alike, *self.grid()))


def _calls(conditions: PairConditions, remembered: bool) -> tuple[_Call, ...]:
    """What is asked of the editor: two frames, or the one that is not kept."""
    prompt = conditions.prompt
    last = _Call(FrameSide.END, LAST.format(prompt), of=FrameSide.START)
    if conditions.kept is None:
        return _Call(FrameSide.START, (FIRST if remembered else ALONE).format(prompt)), last
    if conditions.kept.side is FrameSide.START:
        return (last,)
    return (_Call(FrameSide.START, BEFORE.format(prompt), of=FrameSide.END),)


def _image(frame: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(frame), "RGB")
