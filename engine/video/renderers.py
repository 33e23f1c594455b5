"""Which renderers can turn a pair into a clip: data, not code. Imports neither torch nor OpenCV.

A renderer says which frame counts and sizes it makes, what a clip costs, what it needs of the machine, and
whether it keeps the last frame; those that do not are listed only to be refused with the reason. How each one
works is in modules of its own, which are imported when a clip is made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from importlib.util import find_spec
from math import ceil, log, sqrt
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.profiles import Needs, local_model
from engine.story import FrameRate

if TYPE_CHECKING:
    from engine.doctor import Machine


class RendererKind(str, Enum):
    """Who makes the frames."""

    BUILT_IN = "built-in"
    WAN = "wan"
    VACE = "vace"
    GEMINI = "gemini"  # offers no video any more; films that were made with it still name it
    VERTEX = "vertex"
    FAL = "fal"

    @property
    def remote(self) -> bool:
        """A paid service on the network, not this machine."""
        return self in (RendererKind.GEMINI, RendererKind.VERTEX, RendererKind.FAL)


@dataclass(frozen=True)
class Lengths:
    """The frame counts that a model makes at its own rate: `shortest`, `shortest + step`, … `longest`."""

    shortest: int
    longest: int
    step: int
    rate: FrameRate

    def fitting(self, frames: int, rate: FrameRate) -> int:
        """The count for a shot of `frames` at `rate`: the first that lasts as long, or the longest.

        Half a frame of the model is no difference: four seconds are four seconds at 25 or 23.976 frames a
        second too, and the next step may cost half as much again. The clip is then retimed to the shot with
        both ends kept, so it runs faster than it was made, or slower where the shot is longer than the model
        can make.
        """
        wanted = ceil(frames / rate.fraction * self.rate.fraction - Fraction(1, 2))
        steps = max(0, ceil((wanted - self.shortest) / self.step))
        return min(self.shortest + steps * self.step, self.longest)

    @property
    def longest_seconds(self) -> float:
        return self.rate.seconds(self.longest)


@dataclass(frozen=True)
class Sizes:
    """The sizes of frame that a model makes: one of `fixed`, or any within `area` in whole `multiple`s."""

    fixed: tuple[tuple[int, int], ...] = ()
    area: int = 0
    multiple: int = 16

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """A size as close as there is to the aspect of `width` x `height`; the largest where several are."""
        aspect = width / height
        if self.fixed:
            return min(self.fixed, key=lambda s: (abs(log(s[0] / s[1] / aspect)), -s[0] * s[1]))
        most = max(1, int(sqrt(self.area / aspect) // self.multiple))
        cells = [
            (max(1, min(round(high * aspect), self.area // (high * self.multiple**2))), high)
            for high in range(max(1, most - 3), most + 1)
        ]
        wide, high = min(cells, key=lambda cell: (abs(cell[0] / cell[1] / aspect - 1), -cell[1]))
        return wide * self.multiple, high * self.multiple

    def __str__(self) -> str:
        if self.fixed:
            return ", ".join(f"{w}x{h}" for w, h in self.fixed)
        return f"any aspect, about {self.area / 1e6:.1f} megapixels"


@dataclass(frozen=True)
class Cost:
    """What a second that the model makes costs: US dollars of a service, or minutes of one GPU.

    `basis` says where the figure comes from. Both None: free, or nobody has measured it (`basis` says which).
    """

    dollars: float | None = None
    gpu_minutes: float | None = None
    basis: str = ""


@dataclass(frozen=True)
class Lora:
    """A LoRA that makes a model faster: a hub id or folder, and its file for each transformer."""

    source: str
    files: tuple[str, ...]


_NO_MODEL = Needs(ram=1.0, vram=0.0, disk=0.0)


@dataclass(frozen=True)
class Renderer:
    """One way to render clips. `lengths` and `sizes` are None for one that makes exactly what is asked.

    `model` is a hub id, a folder, or a service's model; the environment variable `variable` puts another one
    in its place. `keys` are environment variables (or secrets of a Space) of which one must be set; `package`
    is what `pip install 'stage-studio[extra]'` brings, with its import name. `steps` and `guidance` are for
    models on this machine; `flow_shift` is that of their noise levels (None: as the checkpoint has it).
    `refusal` says why it can never be used ("" where nothing is in the way).
    """

    name: str
    title: str
    kind: RendererKind
    note: str
    model: str = ""
    variable: str = ""
    lengths: Lengths | None = None
    sizes: Sizes | None = None
    cost: Cost = Cost()
    needs: Needs = _NO_MODEL
    keys: tuple[str, ...] = ()
    package: str = ""
    extra: str = ""
    keeps_last_frame: bool = True
    steps: int = 0
    guidance: float = 1.0
    flow_shift: float | None = None
    lora: Lora | None = None
    refusal: str = ""

    @property
    def source(self) -> str:
        """The model that is used here: the variable's, else the named one, in STAGE_MODELS if it is there."""
        named = os.environ.get(self.variable) if self.variable else None
        return named or (self.model if self.kind.remote else str(local_model(self.model)))


@dataclass(frozen=True)
class Quote:
    """What one shot would cost: `made` frames of the model for it (None: exactly the shot's own).

    `slowed` is how many times slower than made the shot plays (1.0 or less: not slowed).
    """

    made: int | None
    slowed: float
    dollars: float
    gpu_minutes: float | None


_WAN = Lengths(shortest=17, longest=81, step=4, rate=FrameRate(numerator=16))
_VEO = Lengths(shortest=96, longest=192, step=48, rate=FrameRate(numerator=24))
_P480, _P720 = Sizes(area=832 * 480), Sizes(area=1280 * 720)
_WIDE = Sizes(fixed=((1280, 720), (720, 1280)))
_UNMEASURED = Cost(basis="nobody has measured it with this studio")
_VERTEX_KEYS = ("VERTEX_API_KEY", "GOOGLE_CLOUD_PROJECT")
_NO_GEMINI = "Google no longer offers Veo in the Gemini API: choose Veo 3.1 (Vertex AI) or Veo 3.1 (fal)."
_LIST = "the service's list price of November 2026 at most; check what your account pays"

_ALL = (
    Renderer(
        name="animatic",
        title="In-between (built in)",
        kind=RendererKind.BUILT_IN,
        note="Camera motion and optical flow between the two frames; no model, any CPU.",
        cost=Cost(basis="free"),
    ),
    Renderer(
        name="dissolve",
        title="Dissolve (built in)",
        kind=RendererKind.BUILT_IN,
        note="The start frame stands and dissolves into the end frame; nothing moves.",
        cost=Cost(basis="free"),
    ),
    Renderer(
        name="wan2.2-i2v-a14b",
        title="Wan 2.2 I2V A14B",
        kind=RendererKind.WAN,
        note="First and last frame, 720p, two 14B experts.",
        model="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        variable="STAGE_WAN22_I2V",
        lengths=_WAN,
        sizes=_P720,
        cost=_UNMEASURED,
        needs=Needs(ram=80.0, vram=16.0, disk=126.0),
        steps=40,
        guidance=3.5,
        flow_shift=5.0,
    ),
    Renderer(
        name="wan2.2-i2v-a14b-lightning",
        title="Wan 2.2 I2V A14B, 4 steps",
        kind=RendererKind.WAN,
        note="The same with a Lightning LoRA: ten times fewer steps, no guidance, less motion.",
        model="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        variable="STAGE_WAN22_I2V",
        lengths=_WAN,
        sizes=_P720,
        cost=_UNMEASURED,
        needs=Needs(ram=80.0, vram=16.0, disk=128.0),
        steps=4,
        guidance=1.0,
        flow_shift=5.0,
        lora=Lora(
            "lightx2v/Wan2.2-Lightning",
            (
                "Wan2.2-I2V-A14B-4steps-lora-rank64-Seko-V1/high_noise_model.safetensors",
                "Wan2.2-I2V-A14B-4steps-lora-rank64-Seko-V1/low_noise_model.safetensors",
            ),
        ),
    ),
    Renderer(
        name="wan2.1-flf2v-14b",
        title="Wan 2.1 FLF2V 14B",
        kind=RendererKind.WAN,
        note="Trained for first and last frame, 720p.",
        model="Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers",
        variable="STAGE_WAN21_FLF2V",
        lengths=_WAN,
        sizes=_P720,
        cost=_UNMEASURED,
        needs=Needs(ram=56.0, vram=16.0, disk=90.0),
        steps=50,
        guidance=5.5,
    ),
    Renderer(
        name="wan2.1-vace-1.3b",
        title="Wan 2.1 VACE 1.3B",
        kind=RendererKind.VACE,
        note="For small cards: first and last frame as a control video, 480p.",
        model="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        variable="STAGE_WAN21_VACE",
        lengths=_WAN,
        sizes=_P480,
        cost=Cost(gpu_minutes=0.8, basis="published for the text-to-video model of this size on an RTX 4090"),
        needs=Needs(ram=24.0, vram=8.0, disk=20.0),
        steps=50,
        guidance=5.0,
    ),
    Renderer(
        name="wan2.2-ti2v-5b",
        title="Wan 2.2 TI2V 5B",
        kind=RendererKind.WAN,
        note="Takes a first frame only.",
        model="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        keeps_last_frame=False,
        refusal=(
            "Wan 2.2 TI2V 5B ignores the last frame, so its clips would not end where the shot ends: choose "
            "Wan 2.1 VACE 1.3B for a small card."
        ),
    ),
    Renderer(
        name="veo-3.1",
        title="Veo 3.1 (Gemini API)",
        kind=RendererKind.GEMINI,
        note="Was Google's service until October 2026.",
        lengths=_VEO,
        sizes=_WIDE,
        cost=Cost(basis="not offered any more"),
        refusal=_NO_GEMINI,
    ),
    Renderer(
        name="veo-3.1-fast",
        title="Veo 3.1 Fast (Gemini API)",
        kind=RendererKind.GEMINI,
        note="Was Google's service until October 2026.",
        lengths=_VEO,
        sizes=_WIDE,
        cost=Cost(basis="not offered any more"),
        refusal=_NO_GEMINI,
    ),
    Renderer(
        name="veo-3.1-vertex",
        title="Veo 3.1 (Vertex AI)",
        kind=RendererKind.VERTEX,
        note="Google Cloud, without sound, 720p, 4, 6 or 8 seconds.",
        model="veo-3.1-generate-001",
        lengths=_VEO,
        sizes=_WIDE,
        cost=Cost(dollars=0.20, basis=_LIST),
        keys=_VERTEX_KEYS,
        package="google.genai",
        extra="veo",
    ),
    Renderer(
        name="fal-veo-3.1",
        title="Veo 3.1 (fal)",
        kind=RendererKind.FAL,
        note="Through fal's queue, without sound, 720p, 4, 6 or 8 seconds.",
        model="fal-ai/veo3.1/first-last-frame-to-video",
        lengths=_VEO,
        sizes=_WIDE,
        cost=Cost(dollars=0.20, basis=_LIST),
        keys=("FAL_KEY",),
    ),
    Renderer(
        name="fal-veo-3.1-fast",
        title="Veo 3.1 Fast (fal)",
        kind=RendererKind.FAL,
        note="Through fal's queue, without sound, cheaper, 720p, 4, 6 or 8 seconds.",
        model="fal-ai/veo3.1/fast/first-last-frame-to-video",
        lengths=_VEO,
        sizes=_WIDE,
        cost=Cost(dollars=0.10, basis=_LIST),
        keys=("FAL_KEY",),
    ),
)

RENDERERS: Mapping[str, Renderer] = {renderer.name: renderer for renderer in _ALL}
DEFAULT_RENDERER = "animatic"


def get_renderer(name: str) -> Renderer:
    """The renderer of that name. Raises BadInput for a name that none has."""
    if name not in RENDERERS:
        raise BadInput(f'There is no renderer "{name}": choose one of {", ".join(choices())}.')
    return RENDERERS[name]


def choices() -> tuple[str, ...]:
    """The names of renderers that end a clip where its shot ends; whether they run here, `hindrance` says."""
    return tuple(name for name, renderer in RENDERERS.items() if renderer.keeps_last_frame)


def key_found(renderer: Renderer) -> str:
    """The variable of a renderer's keys that is set; "" for none. Never says what the key is."""
    return next((key for key in renderer.keys if os.environ.get(key, "").strip()), "")


def key_set(renderer: Renderer) -> bool:
    """Whether one of the renderer's keys is set, or it needs none."""
    return not renderer.keys or bool(key_found(renderer))


def setup_hindrance(renderer: Renderer) -> str:
    """Why a renderer cannot be used on any machine as things are set up; "" where it can."""
    if renderer.refusal:
        return renderer.refusal
    if renderer.package and not _installed(renderer.package):
        return f"{renderer.title} needs a package: pip install 'stage-studio[{renderer.extra}]'."
    if not key_set(renderer):
        wanted = " or ".join(renderer.keys)
        return f"{renderer.title} needs a key: set {wanted} in the environment or the Space's secrets."
    return ""


def hindrance(renderer: Renderer, machine: Machine) -> str:
    """Why a renderer cannot be used on a machine, in one sentence; "" where it can."""
    trouble = setup_hindrance(renderer)
    if trouble:
        return trouble
    needs = renderer.needs
    if needs.vram and machine.apple:
        return f"{renderer.title} needs an NVIDIA card, and this is a Mac."
    if machine.vram < needs.vram:
        has = f"this machine has {machine.vram:.0f}" if machine.vram else "this machine has none"
        return f"{renderer.title} needs a GPU with {needs.vram:.0f} GiB of memory, and {has}."
    if machine.ram is not None and machine.ram < needs.ram:
        return f"{renderer.title} needs {needs.ram:.0f} GiB of memory; this machine has {machine.ram:.1f}."
    return ""


def quote(renderer: Renderer, frames: int, rate: FrameRate) -> Quote:
    """What a shot of `frames` at `rate` costs with a renderer: for a plan, before anything is paid."""
    lengths, cost = renderer.lengths, renderer.cost
    if lengths is None:
        return Quote(None, 1.0, 0.0, cost.gpu_minutes)
    made = lengths.fitting(frames, rate)
    seconds = lengths.rate.seconds(made)
    slowed = rate.seconds(max(frames - 1, 1)) / lengths.rate.seconds(made - 1)
    minutes = None if cost.gpu_minutes is None else cost.gpu_minutes * seconds
    return Quote(made, slowed, (cost.dollars or 0.0) * seconds, minutes)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # its parent package is not there either
        return False
