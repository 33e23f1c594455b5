"""What the service gives to those who show it: frozen, typed, ready to be sent; no torch, no database rows.

Every `url` is a signed path ("/media/<sha256>.png?k=…") for `<img>`, `<video>` or a download link; it never
changes for the same picture, so it may be cached for ever. Texts in these views are the user's own words:
show them as text, never as markup.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from engine.story import CinematicAttributes, FrameSide, Interior
from studio.project.lineage import Freshness
from studio.store.states import JobKind, JobState


class View(BaseModel):
    """Base of all views: immutable and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ShotStatus(str, Enum):
    """What the card of a shot says about its work. Staleness, clip and lock are told beside it."""

    DRAFT = "draft"
    QUEUED = "queued"
    DRAWING = "drawing"
    DRAWN = "drawn"
    FAILED = "failed"


class Staleness(View):
    """Computed, never stored. `reasons` are clauses for people: "shot 2 was redrawn", "the scale changed"."""

    freshness: Freshness = Freshness.FRESH
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All reasons as one line; empty when fresh."""
        return "; ".join(self.reasons)


class PackedView(View):
    """One frame of a memory pack, as the model got it."""

    key: str
    """What people read: "2E" is the end of (today's) shot 2; "ref:Fisherman" an uploaded picture."""
    url: str
    sha256: str
    rank: int
    share: float
    """Part of the pack's area, 0..1."""
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int]
    """y, x, h, w in packed tokens."""
    shot_id: str | None
    """The shot that this frame came from; None when that shot is unknown here."""
    side: FrameSide | None
    current: bool
    """Whether that shot still shows this very frame."""


class MemoryMarkView(View):
    """A frame that the user pinned into, or banned from, the memory of the other shots."""

    shot_id: str
    side: FrameSide
    key: str
    pinned: bool
    """True: pinned; False: banned."""
    url: str | None
    """The frame that it stands for now; None while that shot has no picture."""


class MemoryView(View):
    """The pack recorded with the picked take of a shot. `grid` is its size in tokens (height, width)."""

    shot_id: str
    take_id: str | None
    grid: tuple[int, int]
    packed: tuple[PackedView, ...]
    previous_end: str | None
    """Url of the end frame that this take continued from."""


class LineageView(View):
    """How a take was drawn: enough to explain it and to draw it again."""

    prompt: str
    seed: int
    steps: int
    guidance: float
    profile: str
    weights: str
    width: int
    height: int
    batch: int
    dtype: str
    device: str
    versions: dict[str, str]
    previous_end: str | None
    """Key of the end frame it continued from, e.g. "2E"."""
    kept: FrameSide | None
    """The frame that was kept while the other was redrawn."""
    memory: tuple[PackedView, ...]
    imported: bool
    """Came with an example or a bundle instead of being drawn here."""


class TakeView(View):
    """One start-end pair of a shot. Immutable; drawing again adds another."""

    id: str
    shot_id: str
    number: int
    """Counts from 1 within the shot: "take 3"."""
    label: str
    """Slate and take, e.g. "1B take 3"."""
    picked: bool
    start_url: str
    end_url: str
    start_sha256: str
    end_sha256: str
    created: datetime
    seconds: float
    """Time to draw it on this machine; 0 when imported."""
    lineage: LineageView


class JobView(View):
    """One piece of work in the queue."""

    id: str
    project_id: str
    shot_id: str | None
    kind: JobKind
    state: JobState
    title: str
    """For people: "Draw shot 3 (2 takes)", "Export the film"."""
    step: int
    total: int
    progress: float
    """0..1."""
    message: str
    """What it is doing now, e.g. "loading the painter", "shot 2 of 5"; empty when there is nothing to say."""
    error: str
    """One sentence that says what to do; empty unless failed."""
    eta_seconds: float | None
    """Time still needed once it runs (waiting in the queue not counted); None while unknown."""
    attempts: int
    created: datetime
    finished: datetime | None

    @property
    def active(self) -> bool:
        return self.state.active


class ShotView(View):
    """A card of the timeline and all of its inspector's fields."""

    id: str
    number: int
    """Place in the film, from 1."""
    scene: int
    slate: str
    label: str
    """Scene and slate, e.g. "1B"."""
    title: str
    description: str
    attributes: CinematicAttributes
    seconds: float
    """Length in seconds at the project's rate; `attributes.length` is in frames."""
    status: ShotStatus
    staleness: Staleness
    locked: bool
    take_id: str | None
    """The picked take."""
    takes: int
    """How many takes there are."""
    start_url: str | None
    end_url: str | None
    start_alt: str
    end_alt: str
    job: JobView | None
    """The newest draw job: active, or failed and not yet followed by another."""
    clip_url: str | None
    """The newest clip of the picked take, if it was rendered."""
    refined: str
    """R_i, what moves between the frames; empty until rendered."""
    clip_stale: bool
    """There is a clip, but the pair, the words or the length changed since."""
    unknown_words: tuple[str, ...]
    """Words of the description that the profile cannot draw."""
    frames_marked: dict[FrameSide, bool]
    """Marked frames of this shot: True pinned, False banned; absent when unmarked."""


class CastView(View):
    id: str
    name: str
    look: str
    unknown_words: tuple[str, ...]
    """Words of the look that the profile cannot draw."""


class PlaceView(View):
    id: str
    name: str
    look: str
    interior: Interior


class HistoryItem(View):
    """A command that can be undone or redone. `label` reads after "Undo": "change of the description of
    shot 2".
    """

    id: int
    label: str


class HistoryEntry(View):
    """One line of the log of edits, newest first in lists."""

    id: int
    label: str
    kind: str
    """"edit", "undo" or "redo"."""
    undone: bool
    created: datetime


class ProjectCard(View):
    """A project in a list."""

    id: str
    title: str
    shots: int
    drawn: int
    seconds: float
    cover_url: str | None
    updated: datetime


class FilmView(View):
    """The newest exported film."""

    url: str
    bundle_url: str
    """A zip with the MP4, film.json and the frames."""
    created: datetime
    seconds: float
    stale: bool
    """The film changed since this export."""


class WorkerView(View):
    """The drawing process."""

    alive: bool
    message: str
    """"ready", "loading the painter", "starting"…"""


class ProjectHead(View):
    """Everything about a project but its shots and jobs."""

    id: str
    title: str
    theme: str
    logline: str
    look: str
    profile: str
    profile_title: str
    profile_note: str
    """The honest label of the profile, e.g. "preview quality, 256x128"."""
    fps: str
    """Frame rate as text: "24" or "24000/1001"."""
    rate: float
    width: int
    height: int
    length: int
    """Frames of the whole film."""
    seconds: float
    cast: tuple[CastView, ...]
    places: tuple[PlaceView, ...]
    marks: tuple[MemoryMarkView, ...]
    warnings: tuple[str, ...]
    """What the director said about words that the profile cannot draw."""
    undo: HistoryItem | None
    redo: HistoryItem | None
    film: FilmView | None
    stale_shots: tuple[str, ...]
    """Ids of the shots that `draw_all_stale` would draw: stale ones and those never drawn, in film order."""
    saved: datetime


class ProjectView(View):
    """Everything the page needs to show a project from nothing."""

    revision: int
    head: ProjectHead
    shots: tuple[ShotView, ...]
    """In film order."""
    trash: tuple[ShotView, ...]
    """Deleted shots, newest first; `restore_shot` brings one back."""
    jobs: tuple[JobView, ...]
    """Active jobs in the order they will run, then the last finished ones, newest first."""
    worker: WorkerView


class Patch(View):
    """What changed since a revision. Nothing changed: `revision` is the one asked for, and all else is empty.

    `full` says that the sender cannot know what you have (it was restarted): then everything is in here.
    """

    revision: int
    full: bool = False
    head: ProjectHead | None = None
    """The whole head when anything in it changed."""
    shots: tuple[ShotView, ...] = ()
    """Changed or new shots only."""
    order: tuple[str, ...] | None = None
    """All shot ids in film order, when the order or the set changed. Ids not in it are gone (to the
    trash).
    """
    jobs: tuple[JobView, ...] = ()
    """Changed or new jobs only."""
    worker: WorkerView | None = None
    """The drawing process, beside any other news; it is no news by itself."""

    @property
    def empty(self) -> bool:
        return not (self.full or self.head or self.shots or self.jobs) and self.order is None


class Estimate(View):
    """A quote before drawing: how many shots, and about how long on this machine (None: never drawn here
    yet).
    """

    shots: int
    seconds: float | None


class Outcome(View):
    """What undo or redo did. `kept` counts changes left alone because somebody changed those fields since."""

    label: str
    applied: int
    kept: int


class MediaFile(View):
    """A stored file that a signed url leads to."""

    path: Path
    content_type: str
    filename: str
