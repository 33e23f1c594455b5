"""What a job is told when it is queued, and what it finds when it starts: plain data in the job's row."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from engine.story import Shot, Storyboard
from studio.project.conditions import FrameRef, Words


class DrawOrder(BaseModel):
    """A draw job's snapshot: words and settings of the moment when it was queued.

    `seeds` has one entry a take. `picked` is the take that was picked then: only if it still is does the
    new take become the picked one, so that a choice made meanwhile stands.
    """

    model_config = ConfigDict(frozen=True)

    prompt: str
    words: Words
    seeds: tuple[int, ...]
    steps: int | None = None
    guidance: float | None = None
    kept: FrameRef | None = None


class ResolvedFrame(BaseModel):
    """A frame of the memory bank as it was when the job started."""

    model_config = ConfigDict(frozen=True)

    ref: FrameRef
    pinned: bool


class DrawInputs(BaseModel):
    """A draw job's history, resolved when it started: the previous end and the whole memory bank.

    `picked` is the take that was picked then: only if it still is does the new one take its place, so that
    a choice made while it was drawn stands.
    """

    model_config = ConfigDict(frozen=True)

    previous: FrameRef | None
    memory: tuple[ResolvedFrame, ...]
    bans: tuple[FrameRef, ...]
    bank: tuple[str, ...]
    picked: str | None

    @property
    def pins(self) -> tuple[FrameRef, ...]:
        return tuple(frame.ref for frame in self.memory if frame.pinned)


class ClipConditions(BaseModel):
    """What a clip is rendered from: the pair, the words that the refiner reads, and the exact length."""

    model_config = ConfigDict(frozen=True)

    take_id: str
    words: Words
    frames: int
    rate: str


class ExportShot(BaseModel):
    """One shot of a film to be exported, in film order."""

    model_config = ConfigDict(frozen=True)

    shot_id: str
    shot: Shot
    clip: ClipConditions


class ExportOrder(BaseModel):
    """An export job's snapshot: the storyboard without its shots, and each shot with its picked take."""

    model_config = ConfigDict(frozen=True)

    storyboard: Storyboard
    shots: tuple[ExportShot, ...]
