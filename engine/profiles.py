"""Which models play which part: data, not code.

A profile names a checkpoint, its native size and defaults, what it needs to run, and the words it knows. Nothing
here imports torch: `doctor` looks at installed packages' metadata and at the machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.vocabulary import Vocabulary

MINI_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "step2-mini"
MINI_VARIABLE = "STAGE_MINI_CHECKPOINT"


@dataclass(frozen=True)
class Needs:
    """What a profile needs of the machine. Sizes in GiB; `vram` 0 means that a CPU is enough."""

    ram: float = 2.0
    vram: float = 0.0
    disk: float = 0.1


@dataclass(frozen=True)
class Profile:
    """One way to draw start-end pairs. `width` x `height` is the native size of a frame in pixels."""

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
