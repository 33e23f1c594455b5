"""How a machine drew a pair, as it is recorded with every take."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import torch

from engine.profile import Precision, Profile
from engine.step2.conditions import PairRecipe
from engine.step2.pipeline import Step2Pipeline

_PACKAGES = ("torch", "diffusers", "transformers", "open_clip_torch", "safetensors", "pillow")


def recipe_of(
    pipe: Step2Pipeline,
    profile: Profile,
    weights: str,
    seed: int,
    steps: int,
    guidance: float,
    batch: int,
    memory_guidance: float = 1.0,
) -> PairRecipe:
    """The recipe of one take of the batch that `pipe` drew last. `memory_guidance` is what was asked for, and
    what the drawing had of it is recorded.
    """
    dtype = str(pipe.transformer.dtype).removeprefix("torch.")
    return PairRecipe(
        profile=profile.name,
        weights=weights,
        seed=seed,
        steps=steps,
        guidance=guidance,
        width=profile.width,
        height=profile.height,
        batch=batch,
        dtype=dtype if profile.precision is Precision.FULL else f"{profile.precision.value}, {dtype}",
        device=str(pipe._execution_device),
        versions=versions(),
        memory_guidance=min(memory_guidance, pipe.memory_guidance_scale),
    )


def versions() -> dict[str, str]:
    """Versions of what the pixels depend on, and the number of threads (sums round in another order)."""
    found = {"threads": str(torch.get_num_threads())}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an editable or vendored build has no metadata
            found[package] = "unknown"
    return found
