"""Which models play which part: data, not code.

A profile names a checkpoint, its native size and defaults, what it needs to run, and the words it knows.
The checkpoint's own card (`step2.json`) has the last word on everything that it declares. Imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput, CheckpointError
from engine.step2.card import read_card
from engine.vocabulary import Vocabulary

if TYPE_CHECKING:
    from engine.doctor import Finding

ROOT = Path(__file__).resolve().parent.parent
MINI_FOLDER = ROOT / "assets" / "step2-mini"
MINI_VARIABLE = "STAGE_MINI_CHECKPOINT"
WORLD_LEXICON = Path(__file__).resolve().parent / "world" / "lexicon.json"


@dataclass(frozen=True)
class Needs:
    """What a profile needs of the machine. Sizes in GiB; `vram` 0 means that a CPU is enough."""

    ram: float = 2.0
    vram: float = 0.0
    disk: float = 0.1


@dataclass(frozen=True)
class Profile:
    """One way to draw start-end pairs.

    `width` x `height` is the native size of a frame in pixels; `steps` and `guidance` are the sampler's
    defaults; `note` is the honest label that stands wherever its pictures do; `vocabulary` lists all that it
    can draw (None: it reads any English); `max_people` is the most figures in a shot (None: no limit known);
    `refusal` says why it cannot draw yet, and what to do ("" where nothing is in the way).
    """

    name: str
    title: str
    checkpoint: Path | str
    width: int
    height: int
    steps: int
    guidance: float
    preview: bool
    note: str
    vocabulary: Vocabulary | None = None
    needs: Needs = Needs()
    max_people: int | None = None
    refusal: str = ""


_MINI = Profile(
    name="mini",
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

_QWEN_IMAGE = Profile(
    name="qwen-image",
    title="Qwen-Image",
    checkpoint="Qwen/Qwen-Image",
    width=1664,
    height=928,
    steps=50,
    guidance=4.0,
    preview=False,
    note="Full quality, 1664x928, on a large GPU; draws pairs only with a STEP² LoRA.",
    needs=Needs(ram=64.0, vram=60.0, disk=60.0),
    refusal=(
        "Qwen-Image was never trained on start-end pairs with a memory pack, and no STEP² LoRA for "
        "it has been "
        'published yet: draw with the profile "mini", or train such a LoRA first.'
    ),
)

PROFILES: dict[str, Profile] = {p.name: p for p in (_MINI, _QWEN_IMAGE)}


def get_profile(name: str) -> Profile:
    """The profile of that name, with what its checkpoint's card and vocabulary declare.

    The variable STAGE_MINI_CHECKPOINT puts another folder in the place of mini's. A folder without a
    checkpoint is no error here: the profile can still be shown and directed for; drawing with it says what
    is missing. So is a card or a vocabulary that cannot be read: it becomes the profile's refusal, so that
    films can be opened, edited and exported whatever happened to the checkpoint. Raises BadInput for a name
    that no profile has.
    """
    if name not in PROFILES:
        raise BadInput(f'There is no profile "{name}": choose one of {", ".join(PROFILES)}.')
    if name != _MINI.name:
        return PROFILES[name]
    folder = Path(os.environ.get(MINI_VARIABLE) or MINI_FOLDER)
    try:
        card = read_card(folder)
        own = card.vocabulary if card.pairs else None
        words = _read_vocabulary(folder / own) if own else world_vocabulary()
    except CheckpointError as error:
        return replace(_MINI, checkpoint=folder, vocabulary=world_vocabulary(), refusal=str(error))
    if not card.pairs:
        return replace(_MINI, checkpoint=folder, vocabulary=words)
    return replace(
        _MINI,
        checkpoint=folder,
        width=card.width,
        height=card.height,
        steps=card.steps,
        guidance=card.guidance,
        preview=card.preview,
        note=card.note or _MINI.note,
        vocabulary=words,
    )


def doctor() -> list[Finding]:
    """What this machine can run and why not: the findings of `engine.doctor.examine`."""
    from engine.doctor import examine  # it looks at profiles, so it cannot be imported before them

    return examine()


@lru_cache(maxsize=1)
def world_vocabulary() -> Vocabulary:
    """The words of the paper-theatre world, which every mini checkpoint is trained on.

    The built-in director also reads themes with it when a profile declares no vocabulary of its own.
    """
    return _read_vocabulary(WORLD_LEXICON)


def _read_vocabulary(path: Path) -> Vocabulary:
    try:
        stamp = path.stat().st_mtime_ns
        return _load_vocabulary(path, stamp)
    except (OSError, ValueError) as error:
        message = f"The checkpoint's list of words {path.name} cannot be read: fetch it again."
        raise CheckpointError(message) from error


@lru_cache(maxsize=8)
def _load_vocabulary(path: Path, stamp: int) -> Vocabulary:
    """One parsed vocabulary per file version: a page asks for its profile often."""
    return Vocabulary.load(path)
