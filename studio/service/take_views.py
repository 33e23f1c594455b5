"""What the service gives of takes: the pictures, what is said about them, and how they were drawn."""

from __future__ import annotations

from datetime import datetime

from pydantic import computed_field

from engine.profile import Mode
from engine.profiles import mode_of
from engine.story import FrameSide
from studio.service.memory_views import PackedView
from studio.service.parts import View


class FactView(View):
    """One line of how a take was drawn, for people."""

    name: str
    value: str


class LineageView(View):
    """How a take was drawn: enough to explain it and to draw it again."""

    prompt: str
    seed: int
    steps: int
    guidance: float
    memory_guidance: float = 1.0
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

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mode(self) -> Mode | None:
        """How its profile makes a pair: "pairs"; by a model that was never trained on pairs, "zero-shot" or
        "hosted"; None for a profile that there is no more.
        """
        return mode_of(self.profile)


class TakeView(View):
    """One start-end pair of a shot. Immutable; drawing again adds another."""

    id: str
    shot_id: str
    number: int
    """Counts from 1 within the shot: "take 3"."""
    label: str
    """Slate and take, e.g. "1B take 3"."""
    picked: bool
    locked: bool
    """A locked take cannot be purged."""
    rejected: bool
    note: str
    again: str
    """For a take that repeats another: whether it came out the same, in words; else empty."""
    start_url: str
    end_url: str
    start_sha256: str
    end_sha256: str
    created: datetime
    seconds: float
    """Time to draw it on this machine; 0 when imported."""
    lineage: LineageView
    facts: tuple[FactView, ...]
    """All of its conditions and its recipe in words, in the order to be read."""


class PreferencesView(View):
    """The preferences of a film, to be downloaded: a zip with films.jsonl and the frames."""

    url: str
    rejected: int
    """How many pairs were turned down for a picked one."""


class PurgeView(View):
    """What purging a take would delete for good; `refusal` says why it cannot be ("" when it can)."""

    take_id: str
    label: str
    goes: tuple[str, ...]
    """What goes, in words: "2 pictures", "1 clip"."""
    frees: int
    """Bytes on the disk that nothing else uses."""
    refusal: str
