"""How a video model is fitted to this machine: offloading and size, from the environment. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from engine.errors import BadInput
from engine.video.renderers import RENDERERS, Renderer, RendererKind, Sizes

OFFLOAD_VARIABLE = "STAGE_OFFLOAD"
SIZE_VARIABLE = "STAGE_VIDEO_SIZE"
_GIB = 1024**3
_WORKING = 10 * _GIB  # activations of a 14B model at 720p, and the decoder's
_SMALL_CARD = RENDERERS["wan2.1-vace-1.3b"]


class Offload(str, Enum):
    """What stays on the graphics card between steps: everything, one model at a time, or a few layers."""

    NONE = "none"
    MODEL = "model"
    GROUP = "group"


class VideoSize(str, Enum):
    """How large a model's own frames are; the film's size does not change."""

    P480 = "480p"
    P720 = "720p"

    @property
    def area(self) -> int:
        return 832 * 480 if self is VideoSize.P480 else 1280 * 720


E = TypeVar("E", Offload, VideoSize)


@dataclass(frozen=True)
class VideoSettings:
    """None: the machine decides about offloading, and the renderer about the size."""

    offload: Offload | None = None
    size: VideoSize | None = None

    @classmethod
    def from_environment(cls) -> VideoSettings:
        """STAGE_OFFLOAD (none, model or group) and STAGE_VIDEO_SIZE (480p or 720p). Raises BadInput."""
        return cls(_chosen(Offload, OFFLOAD_VARIABLE), _chosen(VideoSize, SIZE_VARIABLE))

    def sizes(self, renderer: Renderer) -> Sizes | None:
        """The renderer's sizes, made smaller where that was asked for; never larger than it can."""
        sizes = renderer.sizes
        if sizes is None or not sizes.area or self.size is None:
            return sizes
        return Sizes(area=min(self.size.area, sizes.area), multiple=sizes.multiple)

    def smaller(self, renderer: Renderer, frames: int, ram: bool = False) -> str:
        """One sentence for a card that was too small, with the next smaller setting. `ram`: it was the
        machine's own memory, where offloaded weights wait.
        """
        whose = "The machine" if ram else "The graphics card"
        trouble = f"{whose} ran out of memory while rendering this shot: "
        sizes = self.sizes(renderer)
        if sizes is not None and sizes.area > VideoSize.P480.area:
            return f"{trouble}set {SIZE_VARIABLE}=480p and start again."
        if (ram or self.offload is Offload.GROUP) and renderer.kind is RendererKind.VACE:
            return f"{trouble}close other programs that use it, or split the shot ({frames} frames at once)."
        return f"{trouble}{self.less(renderer, ram)}"

    def less(self, renderer: Renderer, ram: bool = False) -> str:
        """What takes less memory than these settings, whatever the size of the frames."""
        if self.offload is not Offload.GROUP and not ram:
            return f"set {OFFLOAD_VARIABLE}=group and start again."
        if renderer.kind is not RendererKind.VACE:
            return f"choose the renderer {_SMALL_CARD.title}."
        return "close other programs."


def choose_offload(parts: Mapping[str, int], card: int | None) -> Offload:
    """What a card of so many bytes can hold of parts of so many bytes; without a card, all of it."""
    if card is None:
        return Offload.NONE
    room = card - _WORKING
    if sum(parts.values()) <= room:
        return Offload.NONE
    return Offload.MODEL if max(parts.values(), default=0) <= room else Offload.GROUP


def _chosen(kind: type[E], variable: str) -> E | None:
    text = os.environ.get(variable, "").strip().lower()
    if not text:
        return None
    try:
        return kind(text)
    except ValueError as error:
        wanted = ", ".join(value.value for value in kind)
        raise BadInput(f'{variable} is "{text}": set it to one of {wanted}, or leave it out.') from error
