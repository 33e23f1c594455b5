"""The only door through which the studio, the command line and the workflow draw start-end pairs.

Importing this module is cheap; `load_painter` imports torch and loads the checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.catalogue import LARGE
from engine.errors import Cancelled, CheckpointError, UnsupportedError
from engine.profile import Mode, Profile
from engine.step2.conditions import PackedFrame, PairConditions, PairTake, StoredFrame, check_seeds
from engine.step2.measurer import FrameMeasurer, RankerMeasurer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.step2.pipeline import Step2Pipeline


class PairPainter(FrameMeasurer, Protocol):
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
        memory_guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[PairTake]:
        """One batch, one take a seed, in the order of the seeds.

        `on_step(done, total)` runs after each step; `cancelled()` is asked before each and within it, and
        ends the drawing with Cancelled. Steps and guidances default to the profile's.
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
        """See PairPainter. A frame that is kept comes back byte for byte if it has the profile's size."""
        import torch

        from engine.step2.frames import kept_file, png
        from engine.step2.recipe import recipe_of
        from engine.step2.stopping import stopping
        from engine.step2.trouble import telling_memory

        if cancelled is not None and cancelled():
            raise Cancelled()
        check_seeds(seeds)
        total = self.profile.steps if steps is None else steps
        strength = self.profile.guidance if guidance is None else guidance
        following = self.profile.memory_guidance if memory_guidance is None else memory_guidance

        def step_end(pipe: Step2Pipeline, step: int, _: Tensor, given: dict[str, Any]) -> dict[str, Any]:
            if on_step is not None:
                on_step(step + 1, total)
            if cancelled is not None and cancelled():
                pipe._interrupt = True
            return given

        with telling_memory(self.profile, len(seeds)), stopping(self.pipe, self.profile, cancelled):
            out = self.pipe(
                conditions,
                [torch.Generator().manual_seed(s) for s in seeds],
                width=self.profile.width,
                height=self.profile.height,
                num_inference_steps=total,
                guidance_scale=strength,
                memory_guidance_scale=following,
                negative_prompt=self.profile.negative,
                callback_on_step_end=step_end,
            )

        kept, size = conditions.kept, (self.profile.width, self.profile.height)
        files = {kept.side.value: kept_file(kept, *size)} if kept is not None else {}
        takes = []
        for seed, (start, end) in zip(seeds, out.frames, strict=True):
            pair = {"start": png(start), "end": png(end), **files}
            recipe = recipe_of(
                self.pipe, self.profile, self.weights, seed, total, strength, len(seeds), following
            )
            takes.append(PairTake(pair["start"], pair["end"], recipe, out.memory))
        return takes

    def pack(self, conditions: PairConditions) -> tuple[PackedFrame, ...]:
        """See PairPainter."""
        from engine.step2.trouble import telling_memory

        with telling_memory(self.profile, takes=1, doing="comparing frames"):
            chosen = self.pipe.memory_layout(conditions, self.profile.width, self.profile.height)
        return tuple(packed for _, packed in chosen)

    def grid(self) -> tuple[int, int]:
        """See PairPainter."""
        from engine.step2.latents import packed_size

        return packed_size(self.pipe.vae, self.profile.width, self.profile.height)

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """See PairPainter."""
        return RankerMeasurer(self.profile, self.pipe).description_similarities(description, frames)

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """See PairPainter."""
        return RankerMeasurer(self.profile, self.pipe).frame_similarities(pairs)


def settle(painter: PairPainter) -> None:
    """To be called when the takes of a drawing are stored: what a service was paid for them is not kept any
    more.
    """
    from engine.step2.zero_shot import ZeroShotPainter

    if isinstance(painter, ZeroShotPainter):
        painter.editor.settle(stored=True)


def load_painter(
    profile: Profile, cache: Path | None = None, adapters: bool = True, paid: Path | None = None
) -> PairPainter:
    """Loads the profile's checkpoint; `cache` is a folder for what is computed once per memory frame, and
    without `adapters` the card's LoRA adapters are left out (an ablation). `paid` is a folder for a service's
    pictures until `settle`, where they are not to be in the cache.

    Raises CheckpointError (missing, damaged, of another class or shape) or UnsupportedError (it cannot draw
    here, or memory ran out), one sentence each.
    """
    if profile.refusal:
        raise UnsupportedError(profile.refusal)
    if profile.mode is Mode.HOSTED:
        from engine.step2.hosted import load_hosted

        return load_hosted(profile, cache, paid)
    if profile.family in LARGE:
        return _load_large(profile, cache)
    from engine.step2.checkpoint import inspect, locate, weights_hash

    folder = locate(profile.checkpoint)
    inspect(folder)
    from engine.step2.trouble import telling_memory

    with telling_memory(profile, takes=1, doing="loading"):
        pipe = _load(folder, adapters)
    weights = weights_hash(folder)
    pipe.weights = weights
    if cache is not None:
        from engine.step2.cache import FrameCache

        pipe.cache = FrameCache(cache)
    return Step2Painter(pipe, profile, weights)


def _load_large(profile: Profile, cache: Path | None) -> PairPainter:
    """A painter on a large model: of pairs, or zero-shot."""
    from engine.profiles import by_card
    from engine.step2.adapter import check_adapters
    from engine.step2.large import load_large
    from engine.step2.trouble import telling_memory

    known = check_adapters(profile.adapter)
    with telling_memory(profile, takes=1, doing="loading"):
        pipe, weights = load_large(profile)
    if check_adapters(profile.adapter) != known:  # a LoRA of the hub came just now, and brought its card
        profile = by_card(profile, pipe.card)
    pipe.weights = weights
    if cache is not None:
        from engine.step2.cache import FrameCache

        pipe.cache = FrameCache(cache)
    if profile.mode is Mode.PAIRS:
        return Step2Painter(pipe, profile, weights)
    from engine.step2.local_editor import LocalEditor
    from engine.step2.zero_shot import ZeroShotPainter

    return ZeroShotPainter(LocalEditor(pipe, profile, weights), pipe, profile, weights)


def _load(folder: Path, adapters: bool = True) -> Step2Pipeline:
    """The pipeline in eval mode on the best device, with the single-frame VAE."""
    import torch

    from engine.step2.card import read_card
    from engine.step2.pipeline import Step2Pipeline
    from engine.step2.ranking import FrameRanker
    from engine.step2.single_frame import enable_single_frame
    from engine.step2.velocity import check_transformer
    from engine.streaming import is_out_of_memory

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(_cores())
    card = read_card(folder)
    if not card.pairs:
        raise UnsupportedError(
            f"{card.title} was not trained on start-end pairs with a memory pack: choose another profile."
        )
    try:
        pipe = Step2Pipeline.from_pretrained(folder, adapters, dtype=getattr(torch, card.dtype))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as e:
        if is_out_of_memory(e):
            raise
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
