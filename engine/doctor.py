"""What this machine can run, found without importing torch: package metadata and the machine itself."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from engine.errors import StageError
from engine.fitting import APPLE_SHARE, Choice, Machine, checkpoint_missing, choose, lacking
from engine.profile import Mode
from engine.profiles import (
    MINI_VARIABLE,
    MODELS_VARIABLE,
    PROFILES,
    Profile,
    get_profile,
    image_key_found,
)
from engine.step2.card import CARD_NAME, read_card
from engine.video.renderers import RENDERERS, Renderer, choices, hindrance, key_found

GIB = 1024**3


class Level(str, Enum):
    """How a finding stands: fine, worth knowing, or in the way."""

    OK = "ok"
    NOTE = "note"
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Finding:
    """One line of `stage doctor`: what was looked at, how it stands, and one sentence."""

    subject: str
    verdict: Level
    sentence: str


def examine() -> list[Finding]:
    """Everything that decides what runs here, in reading order. Never raises; starts no model."""
    machine = look_at_machine()
    findings = [_python(), _package("torch"), _package("diffusers"), _package("transformers"), _ffmpeg()]
    findings += _machine(machine)
    findings.append(_mini(machine))
    findings += [_profile(name, machine) for name in PROFILES]
    findings += [_renderer(RENDERERS[name], machine) for name in choices()]
    return findings


def look_at_machine(folder: Path | None = None) -> Machine:
    """RAM, GPU memory and free disk (of `folder`, or of the user's home)."""
    gpu, ram = next(_cuda_devices(), None), machine_ram()
    free = shutil.disk_usage(folder or Path.home()).free / GIB
    if gpu is not None:
        return Machine(ram, round(gpu[1]), free, gpu[0])  # cards report a little less than they are sold with
    if _is_apple_silicon():
        return Machine(ram, (ram or 0.0) * APPLE_SHARE, free, "Apple GPU (MPS)", apple=True)
    return Machine(ram, 0.0, free, "CPU")


def _python() -> Finding:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] < (3, 14):
        return Finding("python", Level.OK, f"Python {version} is fine.")
    return Finding("python", Level.TROUBLE, f"Python {version} is not supported: use 3.10 to 3.13.")


def _package(name: str) -> Finding:
    try:
        return Finding(name, Level.OK, f"{name} {metadata.version(name)} is installed.")
    except metadata.PackageNotFoundError:
        return Finding(name, Level.TROUBLE, f"{name} is not installed: run `make install`.")


def _ffmpeg() -> Finding:
    try:
        import imageio_ffmpeg

        path = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return Finding(
            "ffmpeg", Level.TROUBLE, "No ffmpeg was found, so no film can be written: run `make install`."
        )
    return Finding("ffmpeg", Level.OK, f"ffmpeg is there ({Path(path).name}).")


def _machine(machine: Machine) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("cpu", Level.OK, f"{cores} CPU core{'s' if cores != 1 else ''} may be used.")
    if machine.apple:
        yield Finding("gpu", Level.OK, f"{machine.device} may use {machine.vram:.0f} GiB of the memory.")
    elif machine.vram:
        yield Finding("gpu", Level.OK, f"{machine.device} with {machine.vram:.0f} GiB.")
    else:
        yield Finding("gpu", Level.NOTE, f"No CUDA device was found; drawing runs on: {machine.device}.")
    if machine.ram is None:
        yield Finding("memory", Level.NOTE, "The amount of memory could not be read on this system.")
    else:
        level = Level.OK if machine.ram >= 4 else Level.NOTE
        yield Finding("memory", level, f"{machine.ram:.1f} GiB of memory.")
    level = Level.OK if machine.disk >= 1 else Level.TROUBLE
    advice = "" if machine.disk >= 1 else ": free some space, frames and films need it"
    yield Finding("disk", level, f"{machine.disk:.1f} GiB of disk are free{advice}.")


def _mini(machine: Machine) -> Finding:
    try:
        profile = get_profile("mini")
        trouble = refusal(profile, machine, hardware=False)
        if trouble:
            return Finding("mini checkpoint", Level.TROUBLE, trouble)
        card = read_card(Path(profile.checkpoint))
    except StageError as error:
        return Finding("mini checkpoint", Level.TROUBLE, str(error))
    seen = f", {card.samples_seen:,} samples seen in training" if card.samples_seen else ""
    return Finding(
        "mini checkpoint", Level.OK, f"{card.title}, {card.width}x{card.height}{seen}. {card.note}".strip()
    )


def _profile(name: str, machine: Machine) -> Finding:
    choice = choice_here(name, machine)
    if not choice.name:
        return Finding(f"profile {name}", Level.NOTE, f"Does not run here. {choice.sentence}")
    known_as = f" Choose {choice.name}." if choice.name != name else ""
    key = image_key_found() if PROFILES[name].mode is Mode.HOSTED else ""
    told = f"{choice.sentence}{known_as}{f' {key} is set.' if key else ''}"
    return Finding(f"profile {name}", Level.OK, told)


def _renderer(renderer: Renderer, machine: Machine) -> Finding:
    """What fits, and whether a service's key is set; never the key itself."""
    subject = f"renderer {renderer.name}"
    trouble = hindrance(renderer, machine)
    if trouble:
        return Finding(subject, Level.NOTE, f"Not usable here. {trouble}")
    key = key_found(renderer)
    cost = renderer.cost
    price = f" ${cost.dollars:.2f} a second ({cost.basis})." if cost.dollars else ""
    return Finding(subject, Level.OK, f"{renderer.note}{price}{f' {key} is set.' if key else ''}")


def choice_here(family: str, machine: Machine) -> Choice:
    """The variant of a family to draw with on this installation, or why it cannot; see `fitting.choose`."""
    try:
        profile = get_profile(family)
    except StageError as error:
        return Choice(family, "", str(error))
    if why_not := refusal(profile, machine, hardware=False):
        return Choice(family, "", why_not)
    return choose(family, machine, lambda name: get_profile(name).refusal, fetched(profile), get_profile)


def refusal(profile: Profile, machine: Machine, hardware: bool = True) -> str:
    """Why a profile cannot draw on a machine, in one sentence; "" where it can."""
    if profile.refusal:
        return profile.refusal
    needed = ("model_index.json", CARD_NAME) if profile.family == "mini" else ("model_index.json",)
    variable = MINI_VARIABLE if profile.family == "mini" else MODELS_VARIABLE
    missing = checkpoint_missing(profile, needed, variable)
    return missing or (lacking(profile, machine, fetched(profile)) if hardware else "")


def fetched(profile: Profile) -> bool:
    """Whether a checkpoint lies here: a folder, or the hub's cache. What a download that was broken off still
    needs, `checkpoint.locate` asks the disk for. The mini checkpoint is always here: its table asks for room
    to work in.
    """
    if profile.family == "mini":
        return False
    place = profile.checkpoint
    if isinstance(place, Path):
        return place.is_dir()
    return bool(place) and isinstance(try_to_load_from_cache(place, "model_index.json"), str)


def _cuda_devices() -> Iterator[tuple[str, float]]:
    """(name, GiB) of each NVIDIA device that this program may use, as the driver's own tool lists them."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return
    query = [tool, "--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return  # a driver that does not answer is a machine without a usable GPU
    found: list[tuple[str, str, float]] = []
    for line in listing.splitlines():
        uuid, _, rest = line.partition(",")
        name, _, mebibytes = rest.rpartition(",")
        if name and mebibytes.strip().isdigit():
            found.append((uuid.strip(), name.strip(), int(mebibytes) / 1024))
    yield from _visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _visible(devices: list[tuple[str, str, float]], chosen: str | None) -> Iterator[tuple[str, float]]:
    """(name, GiB) of those devices (UUID, name, GiB) that CUDA_VISIBLE_DEVICES leaves, in its order: numbers
    or beginnings of UUIDs, and nothing that stands behind one that there is not. A part of a card (MIG) is
    taken for its card: the tool does not say how large it is.
    """
    if chosen is None or "MIG-" in chosen:
        yield from ((name, size) for _, name, size in devices)
        return
    for one in (part.strip() for part in chosen.split(",")):
        index = int(one) if one.isdigit() else -1
        by_name = [d for d in devices if not one.isdigit() and one and d[0].startswith(one)]
        fitting = devices[index : index + 1] if index >= 0 else by_name[:1]
        if not fitting:
            return
        yield fitting[0][1:]


def _is_apple_silicon() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def machine_ram() -> float | None:
    """Memory of the machine (or its container) in GiB; None where the system does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, ValueError, OSError):
        return None
    limit = Path("/sys/fs/cgroup/memory.max")
    try:
        text = limit.read_text().strip()
    except OSError:
        return total
    return min(total, int(text) / GIB) if text.isdigit() else total
