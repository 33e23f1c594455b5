"""The only door through which the studio, the command line and the workflow draw start-end pairs.

Importing this module is cheap; `load_painter` imports torch and loads the checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import BadInput, Cancelled, CheckpointError, UnsupportedError
from engine.profiles import Profile
from engine.step2.conditions import PackedFrame, PairConditions, PairRecipe, PairTake

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.step2.pipeline import Step2Pipeline

_PACKAGES = ("torch", "diffusers", "transformers", "open_clip_torch", "safetensors", "pillow")
_STOPPED = "The drawing was stopped; nothing that was finished is lost."


class PairPainter(Protocol):
    """Draws start-end pairs with one loaded checkpoint. `weights` is the content hash of its weight files."""

    profile: Profile
    weights: str

    def draw(
        self,
        conditions: PairConditions,
        seeds: Sequence[int],
        *,
        steps: int | None = None,
        guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[PairTake]:
        """One batch, one take a seed, in the order of the seeds.

        `on_step(done, total)` runs after each step; `cancelled()` is asked before each, and ends the drawing
        with Cancelled. Steps and guidance default to the profile's.
        """
        ...

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        """The memory pack that this shot would get, without drawing it."""
        ...


class Step2Painter:
    """The painter on a loaded `Step2Pipeline`."""

    def __init__(self, pipe: Step2Pipeline, profile: Profile, weights: str) -> None:
        self.pipe = pipe
        self.profile = profile
        self.weights = weights
        self._versions = _versions()

    def draw(
        self,
        conditions: PairConditions,
        seeds: Sequence[int],
        *,
        steps: int | None = None,
        guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[PairTake]:
        """See PairPainter. A frame that is kept comes back byte for byte if it has the profile's size."""
        import torch

        from engine.step2.frames import png

        if cancelled is not None and cancelled():
            raise Cancelled(_STOPPED)
        if bad := [s for s in seeds if not 0 <= s < 2**63]:
            raise BadInput(f"A seed must be a whole number from 0 to 2^63 - 1, not {bad[0]}.")
        total = self.profile.steps if steps is None else steps
        strength = self.profile.guidance if guidance is None else guidance

        def step_end(pipe: Step2Pipeline, step: int, _: Tensor, given: dict[str, Any]) -> dict[str, Any]:
            if on_step is not None:
                on_step(step + 1, total)
            if cancelled is not None and cancelled():
                pipe._interrupt = True
            return given

        try:
            out = self.pipe(
                conditions,
                [torch.Generator().manual_seed(s) for s in seeds],
                width=self.profile.width,
                height=self.profile.height,
                num_inference_steps=total,
                guidance_scale=strength,
                callback_on_step_end=step_end,
            )
        except torch.OutOfMemoryError as e:
            raise UnsupportedError("The graphics card ran out of memory: draw fewer takes at once.") from e

        kept = self._kept_bytes(conditions)
        takes = []
        for seed, (start, end) in zip(seeds, out.frames, strict=True):
            files = {"start": png(start), "end": png(end), **kept}
            recipe = self._recipe(seed, total, strength, len(seeds))
            takes.append(PairTake(files["start"], files["end"], recipe, out.memory))
        return takes

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        """See PairPainter."""
        chosen = self.pipe.memory_layout(conditions, self.profile.width, self.profile.height)
        return tuple(packed for _, packed in chosen)

    def _kept_bytes(self, conditions: PairConditions) -> dict[str, bytes]:
        """The kept frame as the file that it was: each way through the VAE would change it a little."""
        from engine.pictures import read_picture
        from engine.step2.frames import fit, png

        kept = conditions.kept
        if kept is None:
            return {}
        image = read_picture(kept.frame.path)
        size = (self.profile.width, self.profile.height)
        if image.size == size:
            return {kept.side.value: kept.frame.path.read_bytes()}
        import numpy as np

        return {kept.side.value: png(np.asarray(fit(image, *size)))}

    def _recipe(self, seed: int, steps: int, guidance: float, batch: int) -> PairRecipe:
        return PairRecipe(
            profile=self.profile.name,
            weights=self.weights,
            seed=seed,
            steps=steps,
            guidance=guidance,
            width=self.profile.width,
            height=self.profile.height,
            batch=batch,
            dtype=str(self.pipe.transformer.dtype).removeprefix("torch."),
            device=str(self.pipe._execution_device),
            versions=self._versions,
        )


def load_painter(profile: Profile, cache: Path | None = None) -> PairPainter:
    """Loads the profile's checkpoint; `cache` is a folder for what is computed once per memory frame.

    Raises CheckpointError (missing, damaged, of another class or shape) or UnsupportedError, one sentence
    each.
    """
    from engine.step2.checkpoint import inspect, locate, weights_hash

    if profile.refusal:
        raise UnsupportedError(profile.refusal)
    folder = locate(profile.checkpoint)
    inspect(folder)
    pipe = _load(folder)
    weights = weights_hash(folder)
    pipe.weights = weights
    if cache is not None:
        from engine.step2.cache import FrameCache

        pipe.cache = FrameCache(cache)
    return Step2Painter(pipe, profile, weights)


def _load(folder: Path) -> Step2Pipeline:
    """The pipeline in eval mode on the best device, with the single-frame VAE."""
    import torch

    from engine.step2.card import read_card
    from engine.step2.pipeline import Step2Pipeline
    from engine.step2.ranking import FrameRanker
    from engine.step2.single_frame import enable_single_frame
    from engine.step2.velocity import check_transformer

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(_cores())
    card = read_card(folder)
    if not card.pairs:
        raise UnsupportedError(
            f"{card.title} was not trained on start-end pairs with a memory pack: choose another profile."
        )
    try:
        pipe = Step2Pipeline.from_pretrained(folder, dtype=getattr(torch, card.dtype))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as e:
        raise CheckpointError(
            f"The checkpoint at {folder} cannot be loaded, because its weights do not fit its configuration: "
            "fetch it again."
        ) from e
    _check_whole(folder, pipe)
    check_transformer(pipe.transformer)
    if pipe.ranker is None:
        pipe.register_modules(ranker=FrameRanker.openai())
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    if torch.cuda.is_available():
        torch.backends.cudnn.deterministic = True
        pipe.to("cuda")
    enable_single_frame(pipe.vae)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _check_whole(folder: Path, pipe: Step2Pipeline) -> None:
    """A tensor that is missing from a file would be random, with a warning that nobody reads: refuse it."""
    from engine.step2.checkpoint import WITH_WEIGHTS, weight_count

    for name in WITH_WEIGHTS:
        part = getattr(pipe, name)
        if part is None:
            continue
        stored, wanted = weight_count(folder / name), _size(part)
        if stored != wanted:
            raise CheckpointError(
                f"The checkpoint's {name} holds {stored:,} weights where its configuration asks for "
                f"{wanted:,}: fetch it again."
            )


def _size(part: nn.Module) -> int:
    """Weights of a module as they are stored: tied ones once, buffers that are not stored left out."""
    seen = {t.data_ptr(): t.numel() for t in part.state_dict().values()}
    return sum(seen.values())


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _versions() -> dict[str, str]:
    """Versions of what the pixels depend on, and the number of threads (sums round in another order)."""
    import torch

    found = {"threads": str(torch.get_num_threads())}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an editable or vendored build has no metadata
            found[package] = "unknown"
    return found
