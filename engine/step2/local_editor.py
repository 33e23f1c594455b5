"""The zero-shot editor on a loaded pipeline (see engine.step2.zero_shot)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image

from engine.profile import Profile
from engine.step2.conditions import PairRecipe
from engine.step2.edit import REFERENCE_AREA, edit
from engine.step2.pipeline import Step2Pipeline
from engine.step2.recipe import recipe_of
from engine.step2.stopping import stopping
from engine.step2.trouble import telling_memory


class LocalEditor:
    """Qwen-Image-Edit on this machine. `reference_area` is in pixels."""

    def __init__(self, pipe: Step2Pipeline, profile: Profile, weights: str) -> None:
        self.pipe = pipe
        self.profile = profile
        self.weights = weights
        self.reference_area = REFERENCE_AREA

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
        """See Editor. Raises UnsupportedError when memory ran out, with a smaller profile to choose."""

        def step(done: int) -> None:
            on_step(done)
            if cancelled():
                self.pipe._interrupt = True

        with telling_memory(self.profile, takes=1), stopping(self.pipe, self.profile, cancelled):
            return edit(
                self.pipe,
                prompt,
                pictures,
                torch.Generator().manual_seed(seed),
                width=self.profile.width,
                height=self.profile.height,
                steps=steps,
                guidance=guidance,
                negative=self.profile.negative or " ",
                on_step=step,
                reference_area=self.reference_area,
            )

    def recipe(self, seed: int, steps: int, guidance: float) -> PairRecipe:
        """See Editor."""
        return recipe_of(self.pipe, self.profile, self.weights, seed, steps, guidance, batch=1)

    def settle(self, stored: bool) -> None:
        """See Editor. What is drawn here can be drawn again: nothing is kept."""
