"""The renderer that the drawing process keeps for the next clip. Light to import: loads when it is asked."""

from __future__ import annotations

import gc
import sys
from functools import lru_cache

from engine.profiles import get_profile
from engine.video.renderer import ClipRenderer
from engine.video.renderers import get_renderer


@lru_cache(maxsize=1)
def renderer_here(name: str, profile: str) -> ClipRenderer:
    """A renderer of this machine, with the upscaler that the profile's checkpoint brings.

    Raises UnsupportedError or CheckpointError with one sentence.
    """
    from engine.video.load import load_here
    from engine.video.super_resolution import load_upscaler

    return load_here(get_renderer(name), load_upscaler(get_profile(profile).checkpoint))


def release_renderer() -> None:
    """Forgets it: a large painter wants the card."""
    if renderer_here.cache_info().currsize:
        renderer_here.cache_clear()
        free_memory()


def free_memory() -> None:
    """Gives back the memory of models that nobody holds any more, the card's too."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
