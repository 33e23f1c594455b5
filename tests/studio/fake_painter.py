"""A painter without a network, for tests that are about the studio: flat pictures, real files, real waiting.

The worker process loads it by `--painter tests.studio.fake_painter:load`. How long a step takes is read from
STAGE_TEST_STEP_SECONDS.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from engine.errors import Cancelled
from engine.profiles import Profile
from engine.step2.conditions import PackedFrame, PairConditions, PairRecipe, PairTake, StoredFrame

STEP_SECONDS = "STAGE_TEST_STEP_SECONDS"


class FlatPainter:
    """Draws two flat colours that depend on all conditions and on the seed."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.weights = "flat"

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
        """One take a seed."""
        total = steps or self.profile.steps
        for step in range(1, total + 1):
            if cancelled is not None and cancelled():
                raise Cancelled("stopped")
            time.sleep(float(os.environ.get(STEP_SECONDS, "0")))
            if on_step is not None:
                on_step(step, total)
        if "crash the process" in conditions.prompt:
            os._exit(9)
        if "break" in conditions.prompt:
            raise RuntimeError("the paint is dry")
        strengths = guidance or 1.0, memory_guidance or 1.0
        return [self._take(conditions, seed, total, strengths, len(seeds)) for seed in seeds]

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        """Pinned frames, then the rest by key; halves of a 4 x 8 grid, upright."""
        ranked = sorted(conditions.memory, key=lambda frame: (not frame.pinned, frame.key))[:3]
        packed, x, width = [], 0, 8
        for rank, frame in enumerate(ranked, start=1):
            width //= 2
            box = (0, x, 4, width)
            packed.append(PackedFrame(frame.key, frame.frame.sha256, rank, width / 8, 0.5, frame.pinned, box))
            x += width
        return tuple(packed)

    def grid(self) -> tuple[int, int]:
        """As `pack` lays frames out."""
        return 4, 8

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """All the same, as in `pack`."""
        return [0.5 for _ in frames]

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """How near the two flat colours are, 0..1."""
        return [1 - _distance(one.path, other.path) for one, other in pairs]

    def _take(
        self, conditions: PairConditions, seed: int, steps: int, strengths: tuple[float, float], batch: int
    ) -> PairTake:
        memory = self.pack(conditions)  # as with the real one, frames that get no tile change nothing
        frames = [conditions.prompt, str(seed), *(m.sha256 for m in memory)]
        frames += [conditions.previous_end.sha256 if conditions.previous_end else ""]
        frames += [str(m.pinned) for m in memory]
        files = {side: _flat([*frames, side]) for side in ("start", "end")}
        if conditions.kept is not None:
            files[conditions.kept.side.value] = conditions.kept.frame.path.read_bytes()
        recipe = PairRecipe(
            profile=self.profile.name,
            weights=self.weights,
            seed=seed,
            steps=steps,
            guidance=strengths[0],
            memory_guidance=strengths[1],
            width=256,
            height=128,
            batch=batch,
            dtype="uint8",
            device="cpu",
            versions={"pillow": Image.__version__},
        )
        return PairTake(files["start"], files["end"], recipe, memory)


def _distance(one: Path, other: Path) -> float:
    colours = [Image.open(path).convert("RGB").getpixel((0, 0)) for path in (one, other)]
    return sum(abs(a - b) for a, b in zip(*colours, strict=True)) / 765


def _flat(parts: Sequence[str]) -> bytes:
    colour = hashlib.sha256("\n".join(parts).encode()).digest()[:3]
    out = io.BytesIO()
    Image.new("RGB", (256, 128), (colour[0], colour[1], colour[2])).save(out, "PNG")
    return out.getvalue()


def load(profile: Profile, cache: Path | None = None) -> FlatPainter:
    """The factory that the worker is given."""
    return FlatPainter(profile)
