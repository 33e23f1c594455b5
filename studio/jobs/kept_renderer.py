"""The renderer that the drawing process keeps for the next clip. Light to import: loads when it is asked."""

from __future__ import annotations

from engine.freeing import free_memory
from engine.profiles import get_profile
from engine.video.renderer import ClipRenderer
from engine.video.renderers import get_renderer

_kept: dict[tuple[str, str], ClipRenderer] = {}


def renderer_here(name: str, profile: str) -> ClipRenderer:
    """A renderer of this machine, with the upscaler that the profile's checkpoint brings. The one before is
    forgotten first: two large ones do not fit.

    Raises UnsupportedError or CheckpointError with one sentence.
    """
    if (name, profile) not in _kept:
        from engine.video.load import load_here
        from engine.video.super_resolution import load_upscaler

        release_renderer()
        _kept[name, profile] = load_here(get_renderer(name), load_upscaler(get_profile(profile).checkpoint))
    return _kept[name, profile]


def release_renderer() -> None:
    """Forgets it: a large painter wants the card."""
    if _kept:
        _kept.clear()
        free_memory()
