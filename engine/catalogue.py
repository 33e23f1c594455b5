"""The models that can draw pairs, as data: five families, and variants that are put behind a family's name.

    qwen-image-edit+8step+nf4+offload

is the family qwen-image-edit, drawing in 8 steps with a distillation LoRA, its weights held in 4 bits, one
model on the card at a time. Variants of one kind exclude each other; a name has them in the order below.
Needs no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.aspect import NATIVE_AREA, Aspect, bucket
from engine.errors import BadInput
from engine.profile import Distillation, Mode, Needs, Placement, Precision, Profile, Reuse
from engine.sizes import Forward, needs

ROOT = Path(__file__).resolve().parent.parent
MINI_FOLDER = ROOT / "assets" / "step2-mini"
EVERY_ASPECT = tuple(aspect.value for aspect in Aspect)
LIGHTNING = "lightx2v/Qwen-Image-Lightning"
LIGHTNING_2512 = "lightx2v/Qwen-Image-2512-Lightning"
LORA_BYTES = 1.7e9  # a distillation LoRA of the Qwen-Image transformer, kept beside quantised weights
# The distilled models take one fixed shift, whatever the size of the picture, and no terminal: the stock
# schedule, stretched to end at 0.02, has levels that they were not trained on.
_SHIFT = (("base_shift", math.log(3)), ("max_shift", math.log(3)), ("shift_terminal", None))

MINI = Profile(
    name="mini",
    family="mini",
    title="Mini (CPU)",
    checkpoint=MINI_FOLDER,
    width=256,
    height=128,
    steps=16,
    guidance=1.5,
    preview=True,
    note="Preview quality, 256x128: a tiny network that knows a small paper-theatre world and nothing else.",
    needs=Needs(ram=2.0, disk=0.1),
    max_people=2,
)


def _qwen(name: str, title: str, checkpoint: str, mode: Mode, note: str) -> Profile:
    return Profile(
        name=name,
        family=name,
        title=title,
        checkpoint=checkpoint,
        width=1664,
        height=928,
        steps=50 if mode is Mode.PAIRS else 40,
        guidance=4.0,
        preview=False,
        note=note,
        mode=mode,
        aspects=EVERY_ASPECT,
        negative=" ",
        refusal=_NO_LORA.format(title) if mode is Mode.PAIRS else "",
    )


_NO_LORA = (
    "{} was never trained on start-end pairs, and no STEP² LoRA for it is published: train one with `stage "
    "lora` and name it in STAGE_STEP2_LORA, or choose another profile."
)


_PAIRS = "Full quality, start and end in one drawing; needs a STEP² LoRA trained on it."
_EDITS = (
    "Zero-shot: an editing model that was never trained on pairs draws the start from one to three whole "
    "memory frames, and the end as an edit of the start."
)
FAMILIES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        MINI,
        _qwen("qwen-image", "Qwen-Image", "Qwen/Qwen-Image", Mode.PAIRS, _PAIRS),
        _qwen("qwen-image-2512", "Qwen-Image 2512", "Qwen/Qwen-Image-2512", Mode.PAIRS, _PAIRS),
        _qwen(
            "qwen-image-edit",
            "Qwen-Image-Edit 2509",
            "Qwen/Qwen-Image-Edit-2509",
            Mode.ZERO_SHOT,
            _EDITS,
        ),
        Profile(
            name="hosted-edit",
            family="hosted-edit",
            title="Hosted image editing",
            checkpoint="",
            width=1536,
            height=864,
            steps=2,
            guidance=1.0,
            preview=False,
            note=(
                "Zero-shot by a service on the network: prompts and frames are sent to it, each picture is "
                "paid for, and the same seed does not give the same picture."
            ),
            needs=Needs(ram=4.0, disk=1.0),
            mode=Mode.HOSTED,
            aspects=EVERY_ASPECT,
        ),
    )
}
LARGE = tuple(name for name, p in FAMILIES.items() if p.mode is not Mode.HOSTED and p is not MINI)
_DISTILLED = {
    "qwen-image": (
        Distillation(LIGHTNING, "Qwen-Image-Lightning-8steps-V2.0.safetensors", 8, _SHIFT),
        Distillation(LIGHTNING, "Qwen-Image-Lightning-4steps-V2.0.safetensors", 4, _SHIFT),
    ),
    "qwen-image-2512": (
        Distillation(LIGHTNING_2512, "Qwen-Image-2512-Lightning-8steps-V1.0-fp32.safetensors", 8, _SHIFT),
        Distillation(LIGHTNING_2512, "Qwen-Image-2512-Lightning-4steps-V1.0-fp32.safetensors", 4, _SHIFT),
    ),
    "qwen-image-edit": tuple(
        Distillation(
            LIGHTNING,
            f"Qwen-Image-Edit-2509/Qwen-Image-Edit-2509-Lightning-{steps}steps-V1.0-bf16.safetensors",
            steps,
            _SHIFT,
        )
        for steps in (8, 4)
    ),
}


@dataclass(frozen=True)
class Variant:
    """What may stand behind a family's name; `kind` is what only one of them can decide."""

    name: str
    kind: str
    words: str
    how: str = ""

    @property
    def phrase(self) -> str:
        """How it is said in a sentence, after "with"."""
        return self.how or self.words


VARIANTS: dict[str, Variant] = {
    v.name: v
    for v in (
        Variant("8step", "speed", "8 steps"),
        Variant("4step", "speed", "4 steps"),
        Variant("draft", "reuse", "draft", "steps that hardly differ skipped"),
        Variant("taylor", "reuse", "draft by extrapolation", "steps foretold from the ones before"),
        Variant("compiled", "compilation", "compiled"),
        Variant("int8", "precision", "8-bit weights"),
        Variant("nf4", "precision", "4-bit weights"),
        Variant("offload", "placement", "offloaded", "one model at a time on the card"),
        Variant("stream", "placement", "streamed", "a few layers at a time on the card"),
        Variant("half", "size", "half the pixels"),
    )
}
_UNSEEN = ("placement", "compilation")  # the kinds that change no picture
# Best pictures first, then less time, until it fits: (precision, placement).
LADDER: tuple[tuple[str, ...], ...] = (
    (),
    ("offload",),
    ("int8",),
    ("int8", "offload"),
    ("nf4",),
    ("nf4", "offload"),
    ("stream",),
    ("half", "stream"),
)


def named(family: str, *variants: str) -> str:
    """The name of a family's variant, its parts in their order."""
    return "+".join((family, *sorted(variants, key=list(VARIANTS).index)))


def look(name: str) -> str:
    """What of a profile's name its pictures depend on: where the weights wait and whether the blocks are
    compiled is left out. Any name will do: takes are kept longer than profiles.
    """
    parts = name.split("+")
    return "+".join(p for p in parts if p not in VARIANTS or VARIANTS[p].kind not in _UNSEEN)


@lru_cache(maxsize=256)
def profile_of(name: str) -> Profile:
    """The profile that a name says, as the table declares it.

    Raises BadInput for an unknown family or variant, two of one kind, or one that the family cannot have.
    """
    family, *variants = name.split("+")
    if family not in FAMILIES:
        raise BadInput(f'There is no profile "{name}": choose one of {", ".join(FAMILIES)}.')
    profile = FAMILIES[family]
    if variants and family not in LARGE:
        raise BadInput(f'The profile "{family}" has no variants: choose "{family}" itself.')
    unknown = [v for v in variants if v not in VARIANTS]
    if unknown:
        raise BadInput(f'There is no variant "{unknown[0]}": choose of {", ".join(VARIANTS)}.')
    kinds = [VARIANTS[v].kind for v in variants]
    double = next((kind for kind in kinds if kinds.count(kind) > 1), None)
    if double is not None:
        raise BadInput(f'"{name}" decides its {double} twice: leave one of them out.')
    if "stream" in variants and {"int8", "nf4"} & set(variants):
        raise BadInput("Quantised weights cannot be streamed: choose offload instead of stream.")
    if {"draft", "taylor"} & set(variants) and {"8step", "4step"} & set(variants):
        raise BadInput("A few steps have nothing to reuse: choose a draft, or 8step or 4step, not both.")
    if {"taylor", "compiled"} <= set(variants):  # its hooks are kept out of what is compiled
        raise BadInput("Extrapolated steps cannot be compiled: choose draft instead of taylor.")
    return sized(_with(profile, named(family, *variants), tuple(variants))) if family in LARGE else profile


def _with(profile: Profile, name: str, variants: tuple[str, ...]) -> Profile:
    """The family with what its variants say."""
    ordered = tuple(v for v in VARIANTS if v in variants)
    words = [VARIANTS[v].words for v in ordered]
    steps, guidance, distillation = profile.steps, profile.guidance, None
    for eight_or_four, choice in zip(("8step", "4step"), _DISTILLED[profile.family], strict=True):
        if eight_or_four in ordered:
            steps, guidance, distillation = choice.steps, choice.guidance, choice
    width, height = (profile.width, profile.height)
    if "half" in ordered:
        width, height = bucket(Aspect.WIDE, NATIVE_AREA / 2)
    return replace(
        profile,
        name=name,
        title=" · ".join((profile.title, *words)),
        variants=ordered,
        steps=steps,
        guidance=guidance,
        distillation=distillation,
        width=width,
        height=height,
        precision=next((p for p in Precision if p.value in ordered), Precision.FULL),
        placement=next((p for p in Placement if p.value in ordered), Placement.RESIDENT),
        reuse=next((r for r in Reuse if r.value in ordered), None),
        compiled="compiled" in ordered,
    )


def sized(profile: Profile, own: float = 0.0) -> Profile:
    """With what it needs of a machine, from the table of sizes; `own` are bytes of the user's LoRAs."""
    drawing = Forward(profile.width, profile.height, profile.sequence_frames)
    beside, fetched = loras_beside(profile, own), _distillation_bytes(profile)
    return replace(profile, needs=needs(profile.precision, profile.placement, drawing, beside, fetched))


def loras_beside(profile: Profile, own: float) -> float:
    """Bytes of the LoRAs that stay beside the weights: whole weights have them merged into themselves."""
    return 0.0 if profile.precision is Precision.FULL else own + _distillation_bytes(profile)


def _distillation_bytes(profile: Profile) -> float:
    return LORA_BYTES if profile.distillation is not None else 0.0


def variants_of(family: str) -> tuple[str, ...]:
    """The names of a family that a menu offers: itself, what fits smaller machines, and each as a draft or in
    few steps. The other draft and compiled blocks are named by hand: they would more than double it.
    """
    if family not in LARGE:
        return (family,)
    speeds: tuple[tuple[str, ...], ...] = ((), ("draft",), ("8step",), ("4step",))
    return tuple(named(family, *speed, *rung) for speed in speeds for rung in LADDER)


def resized(profile: Profile, aspect: str) -> Profile:
    """The profile drawing in a film's shape: one bucket of its area for all frames, sides multiples of 16.

    A profile that has one shape only (mini) keeps it.
    """
    if aspect not in profile.aspects:
        return profile
    width, height = bucket(Aspect(aspect), profile.width * profile.height)
    return replace(profile, width=width, height=height)


def check_aspect(profile: Profile, aspect: str) -> None:
    """Raises BadInput for an aspect that somebody asks for and the profile does not offer; "" is its own."""
    if aspect and aspect not in profile.aspects:
        offered = ", ".join(profile.aspects) or f"{profile.width}x{profile.height} pixels only"
        raise BadInput(f"{profile.title} does not draw in {aspect}: it offers {offered}.")
