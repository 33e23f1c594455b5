"""What is recorded with a take: the conditions it was drawn from, and the memory pack it was drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel, ConfigDict

from engine.step2.conditions import PackedFrame
from engine.story import FrameSide
from studio.store.states import MemoryScope, Subject


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FrameRef(_Frozen):
    """A frame of a shot, as it was: `key` is what people read ("2E"), the hash says which picture."""

    shot_id: str
    side: FrameSide
    key: str
    sha256: str = ""

    @property
    def slot(self) -> tuple[str, FrameSide]:
        return self.shot_id, self.side


class ReferenceRef(_Frozen):
    """A reference picture as it was: `key` is what people read ("ref:Anna"), `subject_id` whose it is."""

    subject: Subject
    subject_id: str = ""
    name: str = ""
    key: str
    sha256: str

    @property
    def slot(self) -> tuple[Subject, str, str]:
        return self.subject, self.subject_id, self.sha256


class KeptSource(str, Enum):
    """Where a kept frame comes from."""

    TAKE = "take"
    PREVIOUS = "previous"
    UPLOAD = "upload"


class Kept(_Frozen):
    """The half of the pair that was given: `key` names the frame that it is, "" for an uploaded one."""

    side: FrameSide
    sha256: str
    key: str = ""
    shot_id: str | None = None
    source: KeptSource = KeptSource.TAKE


class Card(_Frozen):
    """A person of the shot with the look that the prompt told."""

    name: str
    look: str = ""


class Words(_Frozen):
    """Everything of D_i and C_i that goes into the prompt. Length, dialogue, notes and the like do not."""

    description: str
    scale: str
    angle: str
    movement: str
    place: str
    place_look: str = ""
    time: str
    weather: str = ""
    cast: tuple[Card, ...] = ()
    look: str = ""


class Conditions(_Frozen):
    """Recorded with a take. `bank` names the earlier shots whose frames could be ranked into the memory;
    `aspect` is the project's choice ("" for the profile's own).
    """

    words: Words
    prompt: str = ""
    previous: FrameRef | None = None
    pins: tuple[FrameRef, ...] = ()
    bans: tuple[FrameRef, ...] = ()
    bank: tuple[str, ...] = ()
    kept: Kept | None = None
    scope: MemoryScope = MemoryScope.EARLIER
    references: tuple[ReferenceRef, ...] = ()
    aspect: str = ""


class ClipConditions(_Frozen):
    """What a clip is rendered from: the pair, the words that the refiner reads, the exact length, and who
    renders it. `refined` is the text R_i that somebody chose; empty: the one that the refiner writes.
    """

    take_id: str
    words: Words
    frames: int
    rate: str
    refined: str = ""
    renderer: str = "animatic"


class Packed(_Frozen):
    """A frame of the recorded pack M_i; `shot_id` and `side` are None for uploaded references.

    `later` says that the shot came later in the film: then the frame is a snapshot without an edge.
    """

    key: str
    sha256: str
    rank: int
    share: float
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int]
    shot_id: str | None = None
    side: FrameSide | None = None
    later: bool = False

    def frame(self) -> PackedFrame:
        """The same as the engine knows it: without the shot that it came from."""
        return PackedFrame(**self.model_dump(exclude={"shot_id", "side", "later"}))


@dataclass(frozen=True)
class Recorded:
    """What a take was drawn from, read from its row."""

    conditions: Conditions
    pack: tuple[Packed, ...]
