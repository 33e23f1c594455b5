"""What a profile is: the terms in which `engine.catalogue` names the models that draw. Needs no torch."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from engine.vocabulary import Unseen, Vocabulary


class Mode(str, Enum):
    """How a pair comes about.

    PAIRS: both frames in one drawing (eq. 8), by a model that was trained on start-end pairs with a memory
    pack. ZERO_SHOT: two calls of an image-editing model that never was: the start from whole memory frames,
    the end as an edit of the start. HOSTED: the same two calls, by a service on the network.
    """

    PAIRS = "pairs"
    ZERO_SHOT = "zero-shot"
    HOSTED = "hosted"


class Precision(str, Enum):
    """How the weights of the two large models are held."""

    FULL = "full"
    INT8 = "int8"
    NF4 = "nf4"


class Placement(str, Enum):
    """Where the weights are while they are not computing.

    RESIDENT: all on the device. OFFLOAD: in main memory, one whole model on the device at a time. STREAM: in
    main memory, a few layers on the device at a time.
    """

    RESIDENT = "resident"
    OFFLOAD = "offload"
    STREAM = "stream"


class Reuse(str, Enum):
    """How a draft saves work: a step whose first layer hardly changed is skipped, or steps are foretold."""

    FIRST_BLOCK = "draft"
    TAYLOR = "taylor"


@dataclass(frozen=True)
class Distillation:
    """A LoRA that lets a model draw in few steps, with the scheduler settings that it was distilled with."""

    repository: str
    file: str
    steps: int
    scheduler: tuple[tuple[str, float | None], ...] = ()
    guidance: float = 1.0


@dataclass(frozen=True)
class Needs:
    """What a profile needs of the machine. Sizes in GiB; `vram` 0 means that a CPU is enough."""

    ram: float = 2.0
    vram: float = 0.0
    disk: float = 0.1


@dataclass(frozen=True)
class Profile:
    """One way to draw start-end pairs.

    `width` x `height` is the native size of a frame in pixels; `steps`, `guidance` and `memory_guidance`
    (1: as trained) are the sampler's defaults; `note` is the honest label that stands wherever its pictures
    do; `vocabulary` lists all that it can draw (None: it reads any English), `unseen` what of it was never
    shown together; `max_people` is the most figures in a shot (None: no limit known); `refusal` says why it
    cannot draw yet, and what to do ("" where nothing is in the way).

    `family` is the profile that this one is a variant of (itself for one that is none), `variants` what sets
    it apart; `adapter` is the user's own STEP² LoRA (a folder, a file or a hub id); `reuse` saves steps
    that hardly differ (a draft); `compiled` compiles the repeated blocks once.
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
    unseen: tuple[Unseen, ...] = ()
    needs: Needs = Needs()
    max_people: int | None = None
    refusal: str = ""
    family: str = ""
    variants: tuple[str, ...] = ()
    mode: Mode = Mode.PAIRS
    precision: Precision = Precision.FULL
    placement: Placement = Placement.RESIDENT
    distillation: Distillation | None = None
    adapter: str = ""
    reuse: Reuse | None = None
    compiled: bool = False
    memory_guidance: float = 1.0
    aspects: tuple[str, ...] = ()
    negative: str | None = field(default=None)

    def never_with(self, actions: Set[str]) -> tuple[Unseen, ...]:
        """What of `unseen` these actions, in canonical words, bring up."""
        return tuple(never for never in self.unseen if never.action in actions)

    @property
    def sequence_frames(self) -> int:
        """Frames in the transformer's sequence: start, end and memory; or, zero-shot, a new picture and at
        most three references.
        """
        return 3 if self.mode is Mode.PAIRS else 4
