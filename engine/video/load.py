"""From a renderer of the registry to one that renders. Imports what it needs when it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.errors import UnsupportedError
from engine.video.renderer import ClipRenderer
from engine.video.renderers import Renderer, RendererKind, setup_hindrance

if TYPE_CHECKING:
    from engine.video.remote.ledger import Ledger
    from engine.video.remote.service import VideoService
    from engine.video.upscale import Upscaler


def load_renderer(renderer: Renderer, upscaler: Upscaler, ledger: Ledger) -> ClipRenderer:
    """The renderer, ready to be used.

    `upscaler` enlarges small frames where that is needed; `ledger` is where a service's operations are
    written down before anything waits for them.

    Raises:
        UnsupportedError: it can never be used, or needs a package or a key that is not there.
        CheckpointError: its weights are missing or damaged.
    """
    if renderer.kind.remote:
        return load_remote(renderer, upscaler, ledger)
    return load_here(renderer, upscaler)


def check_renderer(renderer: Renderer) -> None:
    """What loading would find missing, without loading any weights: cheap, for before hours of drawing.
    Weights that are not on this machine yet are downloaded.

    Raises:
        UnsupportedError: it can never be used, or needs a package or a key that is not there.
        CheckpointError: its weights are missing or incomplete.
        StageError: a service has no credentials here.
    """
    trouble = renderer.refusal or setup_hindrance(renderer)
    if trouble:
        raise UnsupportedError(trouble)
    if renderer.kind.remote:
        service_of(renderer)
    elif renderer.kind is not RendererKind.BUILT_IN:
        from engine.video.wan_checkpoint import find_checkpoint, lora_files

        find_checkpoint(renderer)
        if renderer.lora is not None:
            lora_files(renderer.lora)


def load_here(renderer: Renderer, upscaler: Upscaler) -> ClipRenderer:
    """A renderer of this machine. Raises UnsupportedError or CheckpointError."""
    if renderer.refusal:
        raise UnsupportedError(renderer.refusal)
    if renderer.kind is RendererKind.BUILT_IN:
        from engine.video.animatic import AnimaticRenderer
        from engine.video.dissolve import DissolveRenderer

        built_in = AnimaticRenderer if renderer.name == AnimaticRenderer.name else DissolveRenderer
        return built_in(upscaler)
    from engine.video.wan import load_wan

    return load_wan(renderer, upscaler=upscaler)


def load_remote(renderer: Renderer, upscaler: Upscaler, ledger: Ledger) -> ClipRenderer:
    """A renderer at a service. Raises UnsupportedError without its package or key."""
    trouble = setup_hindrance(renderer)
    if trouble:
        raise UnsupportedError(trouble)
    from engine.video.remote.renderer import RemoteRenderer

    return RemoteRenderer(renderer, service_of(renderer), ledger, upscaler)


def service_of(renderer: Renderer) -> VideoService:
    """The client of a service, with its key from the environment (or a Space's secrets)."""
    key = next((value for name in renderer.keys if (value := os.environ.get(name, "").strip())), "")
    if not (key.isascii() and key.isprintable()):  # a library would quote it in its complaint
        wanted = " or ".join(renderer.keys)
        raise UnsupportedError(f"{wanted} holds characters that no key has: copy the key again.")
    match renderer.kind:
        case RendererKind.VERTEX:
            from engine.video.remote.vertex import VertexVeo

            return VertexVeo(renderer.source)
        case RendererKind.FAL:
            from engine.video.remote.fal import FalQueue

            return FalQueue(renderer.source, key)
        case RendererKind.BUILT_IN | RendererKind.WAN | RendererKind.VACE | RendererKind.GEMINI:
            raise ValueError(f"{renderer.name} works on this machine, or nowhere any more")
