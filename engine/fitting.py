"""Which variant of a profile fits a machine, and why: from the table of sizes alone. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.catalogue import FAMILIES, LADDER, LARGE, VARIANTS, named, profile_of
from engine.profile import Mode, Placement, Precision, Profile


class Backend(str, Enum):
    """What computes: an NVIDIA card, Apple's shared memory, or the processor alone."""

    CUDA = "cuda"
    MPS = "mps"
    CPU = "cpu"


@dataclass(frozen=True)
class Machine:
    """What profiles ask of a machine, in GiB; `vram` 0 where no GPU was found (on a Mac: what it may use)."""

    ram: float | None
    vram: float
    disk: float
    device: str
    apple: bool = False

    @property
    def backend(self) -> Backend:
        if self.apple:
            return Backend.MPS
        return Backend.CUDA if self.vram else Backend.CPU


@dataclass(frozen=True)
class Choice:
    """What a machine would draw with in a family: the variant's name, or "" and why there is none."""

    family: str
    name: str
    sentence: str


# What Apple's system lets a program use of the memory that it shares with the processor.
APPLE_SHARE = 0.75
# The classes of machines that the README's table and the tests speak of: (words, machine).
CLASSES: tuple[tuple[str, Machine], ...] = (
    ("no GPU", Machine(16, 0, 200, "CPU")),
    ("8 GB card", Machine(64, 8, 200, "an 8 GB card")),
    ("12 GB card", Machine(64, 12, 200, "a 12 GB card")),
    ("16 GB card", Machine(64, 16, 200, "a 16 GB card")),
    ("24 GB card", Machine(64, 24, 200, "a 24 GB card")),
    ("48 GB card", Machine(128, 48, 200, "a 48 GB card")),
    ("80 GB card", Machine(128, 80, 200, "an 80 GB card")),
    ("Apple, 32 GB", Machine(32, 32 * APPLE_SHARE, 200, "Apple GPU (MPS)", apple=True)),
    ("Apple, 128 GB", Machine(128, 128 * APPLE_SHARE, 200, "Apple GPU (MPS)", apple=True)),
)


def lacking(profile: Profile, machine: Machine, fetched: bool = False) -> str:
    """What a machine lacks for a profile, in one sentence; "" where it has all that the table asks for.

    A checkpoint that was `fetched` needs no more disk.
    """
    needs = profile.needs
    if machine.backend is Backend.MPS and profile.family in LARGE and _needs_cuda(profile):
        return "Quantised and offloaded weights need an NVIDIA card."
    if machine.vram < needs.vram:
        return f"It needs a GPU with {needs.vram:.0f} GiB of memory, and this machine has {machine.vram:.0f}."
    if machine.ram is not None and machine.ram < needs.ram:
        return f"It needs {needs.ram:.0f} GiB of memory, and this machine has {machine.ram:.1f}."
    if machine.disk < needs.disk and not fetched:
        return f"It needs {needs.disk:.1f} GiB of free disk, and {machine.disk:.1f} are left."
    return ""


def _needs_cuda(profile: Profile) -> bool:
    return profile.precision is not Precision.FULL or profile.placement is not Placement.RESIDENT


def choose(
    family: str,
    machine: Machine,
    missing: Callable[[str], str] = lambda _: "",
    fetched: bool = False,
    known: Callable[[str], Profile] = profile_of,
) -> Choice:
    """The variant of a family with the best pictures that a machine can hold, and why this one.

    `missing` says what an installation lacks for a variant of that name ("" for nothing): it is passed over,
    and the sentence says so. `fetched`: the family's checkpoint is here already. `known` gives the profile of
    a name: an installation's own, with the user's LoRA, may take more than the table's.
    """
    whole = known(family)
    if family not in LARGE:
        why_not = lacking(whole, machine, fetched)
        return Choice(family, "" if why_not else family, why_not or _runs(whole))
    if machine.backend is Backend.CPU:
        least = f"{_least(family):.0f} GiB, with a few layers at a time on the card"
        return Choice(family, "", f"It needs a GPU: at least {least}.")
    reasons: list[str] = []
    hint = ""
    for rung in LADDER:
        profile = known(named(family, *rung))
        why_not = lacking(profile, machine, fetched)
        if why_not:
            reasons.append(why_not)
            continue
        blocked = missing(profile.name)
        if not blocked:
            return Choice(family, profile.name, _fits(whole, profile, machine) + hint)
        hint = hint or f" {profile.name} would fit too: {blocked[0].lower()}{blocked[1:]}"
    if hint:
        return Choice(family, "", hint.strip().replace(" too", "", 1))
    return Choice(family, "", reasons[0] if machine.backend is Backend.MPS else _nearest(reasons))


def _runs(profile: Profile) -> str:
    if profile.mode is Mode.HOSTED:
        return "Runs here: a service on the network does the drawing."
    return f"Runs here, on the processor, with {profile.needs.ram:.0f} GiB of memory."


def _fits(whole: Profile, chosen: Profile, machine: Machine) -> str:
    """Why this variant: what the whole one would take, and what this one does."""
    takes = f"{chosen.needs.vram:.1f} of {machine.vram:.0f} GiB"
    if chosen == whole:
        return f"Runs here as it is: it takes {takes} on the GPU."
    words = " and ".join(VARIANTS[v].phrase for v in chosen.variants)
    slow = ", slowly" if chosen.placement is Placement.STREAM else ""
    return (
        f"Runs here{slow} with {words}: it takes {takes} on the GPU, and {whole.needs.vram:.0f} GiB as it is."
    )


def _nearest(reasons: list[str]) -> str:
    """Of what all variants lack: memory where one would fit the card, else what the smallest one lacks."""
    return next((r for r in reversed(reasons) if "GPU" not in r), reasons[-1])


def _least(family: str) -> float:
    return min(profile_of(named(family, *rung)).needs.vram for rung in LADDER)


def smaller(
    profile: Profile, machine: Machine, missing: Callable[[str], str] = lambda _: "", ram: bool = False
) -> str:
    """A variant of the same family that a machine can run and that takes less of the card (with `ram`: of
    the machine's own memory), to offer when that ran out; "" for none. `missing` as for `choose`.

    One that draws at another size comes last: pictures of two sizes make no film. For the same reason, what
    has half the pixels already keeps them.
    """
    if profile.family not in LARGE:
        return ""

    def takes(p: Profile) -> float:
        return p.needs.ram if ram else p.needs.vram

    kept = {v for v in profile.variants if VARIANTS[v].kind not in ("precision", "placement")}
    below = [kept.union(rung) for rung in LADDER]
    fitting = [
        p
        for p in (profile_of(named(profile.family, *v)) for v in (*below, {*profile.variants, "half"}))
        if takes(p) < takes(profile) and not lacking(p, machine, fetched=True) and not missing(p.name)
    ]
    best = max(fitting, key=lambda p: ("half" not in p.variants, takes(p)), default=None)
    return best.name if best else ""


def checkpoint_missing(profile: Profile, needed: tuple[str, ...], variable: str) -> str:
    """Why a local checkpoint folder cannot be drawn with, in one sentence; "" where its files are there."""
    folder = profile.checkpoint
    if isinstance(folder, str):
        return ""
    gone = next((name for name in needed if not (Path(folder) / name).is_file()), None)
    if gone is None:
        return ""
    advice = f"restore it, or set {variable}"
    return f'No {profile.name} checkpoint is in "{Path(folder).name}" ({gone} is missing): {advice}.'


def table() -> str:
    """README's table "Which profile for my machine", as Markdown: written from the profiles' own data."""
    large = [name for name in FAMILIES if name in LARGE]
    lines = ["| machine | draw with | takes on the GPU | memory | disk |", "|---|---|---|---|---|"]
    for words, machine in CLASSES:
        choice = choose("qwen-image-edit", machine)
        if not choice.name:
            other = "`mini`, or `hosted-edit` with a key"
            lines.append(f"| {words} | {other} | - | {FAMILIES['mini'].needs.ram:.0f} GiB | - |")
            continue
        needs = profile_of(choice.name).needs
        memory = "shared" if machine.apple else f"{needs.ram:.0f} GiB"
        lines.append(
            f"| {words} | `{choice.name}` | {needs.vram:.1f} GiB | {memory} | {needs.disk:.0f} GiB |"
        )
    same = ", ".join(f"`{name}`" for name in large if name != "qwen-image-edit")
    lines += [
        "",
        f"{same} take the same and a STEP² LoRA. Every one of them may also be drawn with in few steps "
        "(`+8step`, `+4step`), as a draft (`+draft`, `+taylor`), at half the pixels "
        "(`+half`) or compiled (`+compiled`).",
    ]
    return "\n".join(lines)
