"""The ranker of profiles whose drawing happens elsewhere: a small CLIP on the processor."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.profiles import MODELS_VARIABLE

if TYPE_CHECKING:
    from engine.step2.ranking import FrameRanker, FrameScorer

SMALL_CLIP = "ViT-B-32-quickgelu"


def small_scorer(folder: Path | None = None) -> FrameScorer:
    """Similarities by the ranker in STAGE_MODELS/ranker, else by OpenAI's CLIP ViT-B/32, loaded when they are
    first asked for; `folder` keeps what was computed.
    """
    from engine.step2.cache import FrameCache
    from engine.step2.checkpoint import weights_hash
    from engine.step2.large import openai_ranker
    from engine.step2.ranking import FrameRanker, FrameScorer

    root = os.environ.get(MODELS_VARIABLE, "")
    own = Path(root) / "ranker"
    there = bool(root) and (own / "config.json").is_file()

    @cache
    def load() -> FrameRanker:
        return FrameRanker.from_pretrained(own).eval() if there else openai_ranker(SMALL_CLIP)

    return FrameScorer(load, FrameCache(folder), weights_hash(own) if there else SMALL_CLIP)
