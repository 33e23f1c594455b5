"""What the service gives to those who show it: frozen, typed, ready to be sent; no torch, no database rows.

Every `url` is a signed path ("/media/<sha256>.png?k=…") for `<img>`, `<video>` or a download link; it never
changes for the same picture, so it may be cached for ever. Texts in these views are the user's own words:
show them as text, never as markup.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path

from pydantic import Field, computed_field

from engine.story import CinematicAttributes, FrameSide, Interior
from studio.project.lineage import Freshness
from studio.service.agent_views import AgentsView, CutVerdictView, JudgingView
from studio.service.parts import Contradiction, CutView, ReferenceView, Staleness, View
from studio.store.states import JobKind, JobState, MemoryScope
from studio.store.states import Subject as Subject  # for the page


class ShotStatus(str, Enum):
    """What the card of a shot says about its work. Staleness, clip and lock are told beside it."""

    DRAFT = "draft"
    QUEUED = "queued"
    DRAWING = "drawing"
    DRAWN = "drawn"
    FAILED = "failed"


class MemoryMarkView(View):
    """A frame that the user pinned into, or banned from, the memory of the other shots."""

    shot_id: str
    side: FrameSide
    key: str
    pinned: bool
    """True: pinned; False: banned."""
    url: str | None
    """The frame that it stands for now; None while that shot has no picture."""


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
    sequence: int
    """Place in the queue: waiting jobs run in ascending order."""
    ahead: int = 0
    """Jobs of the owner's other films that run, or wait at an earlier place."""
    ahead_waiting: int = 0
    """Those of them that wait: `run_next` goes before them."""
    stopping: bool
    """It runs, and was asked to be cancelled or paused: it stops within a step, or, where a service draws,
    when the picture that is ordered has come.
    """
    attempts: int
    created: datetime
    finished: datetime | None

    @property
    def active(self) -> bool:
        return self.state.active


class WordHint(View):
    """A word that the profile cannot draw, and where it stands."""

    field: str
    word: str
    instead: str | None  # a near one that it can draw, where it knows one


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
    too_long: str
    """A sentence when the dialogue needs longer than the shot lasts; else empty."""
    status: ShotStatus
    staleness: Staleness
    locked: bool
    take_id: str | None
    """The picked take."""
    takes: int
    """How many takes there are."""
    takes_mark: str
    """Differs whenever anything was said about a take (locked, rejected, a note): then its list is old."""
    start_url: str | None
    end_url: str | None
    start_alt: str
    end_alt: str
    job: JobView | None
    """The newest draw job: active, or failed and not yet followed by another."""
    clip_url: str | None
    """The picked clip, else the newest one of the picked take."""
    clip_id: str | None
    clips: int
    """How many clips there are."""
    clip_stale: bool
    """There is a clip, but what it was rendered from changed since, and it was not kept as it is."""
    clip_staleness: Staleness
    clip_job: JobView | None
    """The newest render job: active, or failed and not yet followed by another."""
    refined: str
    """R_i, what moves between the frames, as the renderer gets it; empty until it was written."""
    refined_by_hand: bool
    pictures: tuple[ReferenceView, ...]
    """Uploaded pictures that this shot alone remembers."""
    cut: CutView | None
    """The cut to the next shot; None at the end of the film, without pictures, or not measured yet."""
    verdict: CutVerdictView | None
    """What a judge said of the cut to the next shot, if one looked at these pictures."""
    unknown_words: tuple[str, ...]
    """Words of the description that the profile cannot draw."""
    hints: tuple[WordHint, ...]
    """Words of all fields that go into the picture which the profile cannot draw, and what to use instead."""
    contradictions: tuple[Contradiction, ...]
    frames_marked: dict[FrameSide, bool]
    """Marked frames of this shot: True pinned, False banned; absent when unmarked."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def wanted(self) -> bool:
        """Whether "draw everything stale" takes this shot."""
        waiting = self.job is not None and self.job.active
        due = self.take_id is None or self.staleness.freshness is Freshness.STALE
        return due and not waiting and not self.locked


class CastView(View):
    id: str
    name: str
    look: str
    unknown_words: tuple[str, ...]
    """Words of the look that the profile cannot draw."""
    pictures: tuple[ReferenceView, ...] = ()
    hints: tuple[WordHint, ...] = ()


class LookChoice(View):
    """Words of which a checkpoint draws one in the look of a place."""

    kind: str
    """What they tell of it: "palette", "side", "variant"."""
    words: tuple[str, ...]
    said: str | None
    """What the look has of them, as it stands there, with its article."""
    at: int | None
    """Which of the words that is."""


class PlaceView(View):
    id: str
    name: str
    look: str
    interior: Interior
    unknown_words: tuple[str, ...] = ()
    """Words of the name and the look that the profile cannot draw."""
    pictures: tuple[ReferenceView, ...] = ()
    hints: tuple[WordHint, ...] = ()
    choices: tuple[LookChoice, ...] = ()


class HistoryItem(View):
    """A command that can be undone or redone. `label` reads after "Undo": "change of the description of
    shot 2".
    """

    id: int
    label: str


class ProjectCard(View):
    """A project in a list."""

    id: str
    title: str
    shots: int
    drawn: int
    seconds: float
    cover_url: str | None
    updated: datetime
    archived: bool
    trashed: bool


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
    elsewhere: bool = False
    """What it does is for another film, before which jobs of this one wait."""


class SoundView(View):
    """The scratch sound: it begins at frame `offset` of the film, and `in_film` says if the MP4 has it."""

    url: str
    name: str
    seconds: float
    offset: int
    volume: int
    """Per cent."""
    in_film: bool


class ProjectHead(View):
    """Everything about a project but its shots and jobs."""

    id: str
    title: str
    theme: str
    logline: str
    look: str
    profile: str
    profile_title: str
    memory_scope: MemoryScope
    """Whether shots remember earlier shots only, or all."""
    all_profiles: bool
    """Whether memory takes frames that another profile drew."""
    renderer: str
    """The renderer of clips, by name."""
    agents: AgentsView
    """Who directs, refines and judges."""
    judging: JudgingView | None
    """The newest judging of the film; None: nobody judged it yet."""
    seconds_a_frame: float | None
    """What a frame of a clip takes to render on this machine; None: not known yet."""
    measured: int
    """How many figures of the ranker are known; when it grows, a preview may have become known."""
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
    look_pictures: tuple[ReferenceView, ...]
    look_unknown: tuple[str, ...]
    """Words of the look that the profile cannot draw."""
    trashed: bool
    aspect: str
    """The shape that was chosen for the film; "" for the profile's own."""
    steps: int
    """How many steps the profile draws in, unless it is told otherwise."""
    guidance: float
    memory_guidance: float
    """How much the memory pack is followed unless a drawing says otherwise; 1: as trained."""
    aspects: tuple[str, ...]
    """The shapes that the profile offers; none for one that has a single shape."""
    marks: tuple[MemoryMarkView, ...]
    sound: SoundView | None
    version: str | None
    """Id of the version of the shot list in use; None before the first directing."""
    hints: tuple[WordHint, ...]
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
    edited: int = 0
    """The id of the newest edit, undo or redo of the film; 0 before the first."""


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
    differs: dict[str, frozenset[str]] = Field(default_factory=dict)
    """Which fields differ from those at the revision asked for, of shots and of the head by id; an id that
    is not in here was not there. A field of the attributes is "attributes.scale"."""

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
    """What undo or redo did. `kept` counts changes left alone because somebody changed those fields since,
    `purged` those whose former picture or clip was purged.
    """

    label: str
    applied: int
    kept: int
    purged: int


class MediaFile(View):
    """A stored file that a signed url leads to."""

    path: Path
    content_type: str
    filename: str | None
    """What a download is called; None: as the link says."""
