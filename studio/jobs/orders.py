"""What a job is told when it is queued, and what it finds when it starts: plain data in the job's row."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from engine.agents.choice import Agents
from engine.story import Shot, Storyboard
from studio.project.conditions import ClipConditions, FrameRef, Kept, ReferenceRef, Words
from studio.store.states import MemoryScope
from studio.store.tables import Project


class DrawOrder(BaseModel):
    """What a draw job is told: settings of the moment when it was queued.

    `seeds` has one entry a take. `kept` is a frame that is given; `continues` asks for the end frame of the
    shot before, as it is when the job starts, as the start frame. `again` names a take that is to be drawn
    from its own record: all seeds of its batch are drawn, since the size of a batch changes the last bits,
    and the one at `again_index` is kept.
    """

    model_config = ConfigDict(frozen=True)

    seeds: tuple[int, ...]
    steps: int | None = None
    guidance: float | None = None
    memory_guidance: float | None = None
    kept: Kept | None = None
    continues: bool = False
    aspect: str = ""
    again: str | None = None
    again_index: int = 0


class ResolvedFrame(BaseModel):
    """A frame of the memory bank as it was when the job started."""

    model_config = ConfigDict(frozen=True)

    ref: FrameRef
    pinned: bool
    later: bool = False


class DrawInputs(BaseModel):
    """What a draw job draws from, resolved when it started: the shot's words and their `prompt`, the previous
    end, the whole memory bank, the reference pictures, and the kept frame; or, where a take is drawn again,
    what its record holds of these.

    `picked` is the take that was picked then: only if it still is does the new one take its place, so that
    a choice made while it was drawn stands.
    """

    model_config = ConfigDict(frozen=True)

    prompt: str
    words: Words
    previous: FrameRef | None
    memory: tuple[ResolvedFrame, ...]
    bans: tuple[FrameRef, ...]
    bank: tuple[str, ...]
    picked: str | None
    scope: MemoryScope = MemoryScope.EARLIER
    references: tuple[ReferenceRef, ...] = ()
    kept: Kept | None = None

    @property
    def pins(self) -> tuple[FrameRef, ...]:
        return tuple(frame.ref for frame in self.memory if frame.pinned)


class MeasureOrder(BaseModel):
    """What to work out with the ranker: all cuts of the film, and what `shots` would remember now."""

    model_config = ConfigDict(frozen=True)

    shots: tuple[str, ...] = ()


class ExportShot(BaseModel):
    """One shot of a film, as it is to be rendered.

    `ready` is the picked clip, where it is what these conditions ask for or is kept as it is. `picked` is the
    clip that was picked when this was written: only if it still is does a new clip take its place. `seed` is
    for renderers that begin with noise.
    """

    model_config = ConfigDict(frozen=True)

    shot_id: str
    shot: Shot
    clip: ClipConditions
    ready: str | None = None
    picked: str | None = None
    seed: int = 0


class RenderOrder(BaseModel):
    """A render job's snapshot: one shot, its text R_i (None: to be written from the pair), and nothing of
    the rest of the film but the storyboard's head. `text_only` writes R_i and renders nothing.
    """

    model_config = ConfigDict(frozen=True)

    storyboard: Storyboard
    shot: ExportShot
    text_only: bool = False
    agents: Agents = Agents()


class RenderInputs(BaseModel):
    """What a render or export job works from beside its order: the rows of its texts R_i, by shot. A job that
    was stopped takes them again, for what it ordered at a service is named by its text.
    """

    model_config = ConfigDict(frozen=True)

    texts: dict[str, str] = {}


class ExportSound(BaseModel):
    """The sound that goes under a film: the stored file, where it begins (frames), how loud (per cent)."""

    model_config = ConfigDict(frozen=True)

    file: str
    offset: int
    volume: int


class ExportOrder(BaseModel):
    """An export job's snapshot: the storyboard without its shots, each shot with its take, the sound."""

    model_config = ConfigDict(frozen=True)

    storyboard: Storyboard
    shots: tuple[ExportShot, ...]
    agents: Agents = Agents()
    sound: ExportSound | None = None


def export_sound(project: Project) -> ExportSound | None:
    """The sound that the film would be exported with now."""
    if not (project.sound and project.sound_in_film):
        return None
    return ExportSound(file=project.sound, offset=project.sound_offset, volume=project.sound_volume)
