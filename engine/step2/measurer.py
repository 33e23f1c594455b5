"""How alike stored frames are, for what the page shows of memory and cuts: no large model need be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from engine.catalogue import LARGE
from engine.profile import Mode, Profile
from engine.sizes import TOKEN_SIDE
from engine.step2.conditions import StoredFrame


class FrameMeasurer(Protocol):
    """Says how alike stored frames are, by the ranker of a profile."""

    profile: Profile

    def grid(self) -> tuple[int, int]:
        """Height and width of the memory pack in packed tokens."""
        ...

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """CLIP cosine of each frame with a description D_i: what the memory is ranked by."""
        ...

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """CLIP image cosine of the two frames of each pair."""
        ...


class Scorer(Protocol):
    """CLIP similarities of stored frames, see `engine.step2.ranking.FrameScorer`."""

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]: ...

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]: ...


class RankerMeasurer:
    """Compares frames by a ranker, on the canvas of a large profile. Nothing that draws is needed for it.

    Raises UnsupportedError when memory runs out at it.
    """

    def __init__(self, profile: Profile, scorer: Scorer) -> None:
        self.profile = profile
        self.scorer = scorer

    def grid(self) -> tuple[int, int]:
        """See FrameMeasurer."""
        return self.profile.height // TOKEN_SIDE, self.profile.width // TOKEN_SIDE

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """See FrameMeasurer."""
        from engine.step2.trouble import telling_memory

        if not frames:
            return []
        with telling_memory(self.profile, takes=1, doing="comparing frames"):
            return self.scorer.description_similarities(description, frames)

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """See FrameMeasurer."""
        from engine.step2.trouble import telling_memory

        if not pairs:
            return []
        with telling_memory(self.profile, takes=1, doing="comparing frames"):
            return self.scorer.frame_similarities(pairs)


def load_measurer(profile: Profile, cache: Path | None = None) -> FrameMeasurer:
    """What compares the frames of a profile's films: of a large one, its ranker alone; its figures are those
    of the painter. Raises as `load_painter` does.
    """
    if profile.mode is Mode.HOSTED or profile.family not in LARGE:
        from engine.step2.painter import load_painter

        return load_painter(profile, cache)
    from engine.step2.cache import FrameCache
    from engine.step2.large import load_ranker
    from engine.step2.ranking import FrameScorer

    ranker, weights = load_ranker(profile)
    return RankerMeasurer(profile, FrameScorer(lambda: ranker, FrameCache(cache), weights))
