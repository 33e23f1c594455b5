"""What is recorded with a take: the conditions it was drawn from, and the memory pack it was drawn with."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from engine.step2.conditions import PackedFrame
from engine.story import FrameSide


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
    """Recorded with a take. `bank` names the shots whose frames could be ranked into the memory."""

    words: Words
    prompt: str = ""
    previous: FrameRef | None = None
    pins: tuple[FrameRef, ...] = ()
    bans: tuple[FrameRef, ...] = ()
    bank: tuple[str, ...] = ()
    kept: FrameRef | None = None


class Packed(_Frozen):
    """A frame of the recorded pack M_i; `shot_id` and `side` are None for uploaded references."""

    key: str
    sha256: str
    rank: int
    share: float
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int]
    shot_id: str | None = None
    side: FrameSide | None = None

    def frame(self) -> PackedFrame:
        """The same as the engine knows it: without the shot that it came from."""
        return PackedFrame(**self.model_dump(exclude={"shot_id", "side"}))


@dataclass(frozen=True)
class Recorded:
    """What a take was drawn from, read from its row."""

    conditions: Conditions
    pack: tuple[Packed, ...]
