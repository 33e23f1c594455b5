"""CLIP alone, for profiles whose drawing happens elsewhere: small, on the processor, loaded when needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.pictures import read_picture
from engine.profiles import MODELS_VARIABLE
from engine.step2.conditions import StoredFrame

if TYPE_CHECKING:
    from torch import Tensor

    from engine.step2.ranking import FrameRanker

SMALL_CLIP = "ViT-B-32-quickgelu"


class ClipEyes:
    """Similarities of frames by OpenAI's CLIP ViT-B/32, or by the ranker in STAGE_MODELS/ranker."""

    def __init__(self, folder: Path | None = None) -> None:
        from engine.step2.cache import FrameCache

        self.cache = FrameCache(folder)
        self._loaded: tuple[FrameRanker, str] | None = None

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """CLIP cosine of each stored frame with a text."""
        from engine.step2.ranking import similarities

        ranker, _ = self._ranker()
        return similarities(self._features(frames), ranker.text_features([description]))

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """CLIP cosine of the two frames of each pair."""
        from engine.step2.ranking import similarities

        features = self._features([frame for pair in pairs for frame in pair])
        return similarities(features[0::2], features[1::2])

    def _features(self, frames: Sequence[StoredFrame]) -> Tensor:
        import torch

        ranker, name = self._ranker()

        def compute(frame: StoredFrame) -> Tensor:
            return ranker.frame_features(np.asarray(read_picture(frame.path))[None])[0]

        return torch.stack([self.cache.get(f.sha256, f"clip {name}", partial(compute, f)) for f in frames])

    def _ranker(self) -> tuple[FrameRanker, str]:
        if self._loaded is None:
            from engine.step2.checkpoint import weights_hash
            from engine.step2.large import openai_ranker
            from engine.step2.ranking import FrameRanker

            own = Path(os.environ.get(MODELS_VARIABLE, "")) / "ranker"
            if os.environ.get(MODELS_VARIABLE) and (own / "config.json").is_file():
                self._loaded = FrameRanker.from_pretrained(own).eval(), weights_hash(own)
            else:
                self._loaded = openai_ranker(SMALL_CLIP), SMALL_CLIP
        return self._loaded
