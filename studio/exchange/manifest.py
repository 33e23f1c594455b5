"""film.json as the studio writes and reads it: the engine's manifest and what the studio knows beside it.

A film.json of `stage film` is read as well; what it does not say (looks, boxes of the memory pack) is left
empty or worked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.story import CastMember, CinematicAttributes, FrameRate, Place, Shot, Storyboard
from studio.project.conditions import Packed
from studio.store.tables import Take


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class MemoryEntry(_Frozen):
    """A frame of the memory pack. `box` is y, x, h, w in packed tokens."""

    frame: str
    rank: int
    share: float
    similarity: float | None
    pinned: bool
    box: tuple[int, int, int, int] | None = None


class LineageEntry(_Frozen):
    """How a pair was drawn."""

    seed: int
    steps: int
    guidance: float
    profile: str
    weights: str
    memory: tuple[MemoryEntry, ...]
    batch: int = 1
    dtype: str = ""
    device: str = ""
    versions: dict[str, str] = {}


class ShotEntry(_Frozen):
    """A shot; `start` and `end` are PNG files beside the manifest."""

    description: str
    attributes: dict[str, Any]
    scene: int = 1
    slate: str = ""
    refined: str
    start: str
    end: str
    lineage: LineageEntry

    def shot(self) -> Shot:
        """S_i = (D_i, C_i). Raises pydantic's ValidationError for words that are none of ours."""
        length = self.attributes.get("length", {})
        fields = {**self.attributes, "length": length["frames"] if isinstance(length, dict) else length}
        return Shot(
            description=self.description,
            attributes=CinematicAttributes.model_validate(fields),
            scene=self.scene,
            slate=self.slate,
        )


class FilmJson(_Frozen):
    """A whole film. `fps` is for people and programs, `rate` is the same exactly, e.g. "24000/1001"."""

    title: str
    theme: str
    logline: str = ""
    look: str = ""
    fps: float
    rate: str
    cast: tuple[CastMember, ...] = ()
    places: tuple[Place, ...] = ()
    shots: tuple[ShotEntry, ...]

    @classmethod
    def of(cls, storyboard: Storyboard, shots: tuple[ShotEntry, ...]) -> FilmJson:
        rate = storyboard.rate
        return cls(
            title=storyboard.title,
            theme=storyboard.theme,
            logline=storyboard.logline,
            look=storyboard.look,
            fps=float(rate.fraction),
            rate=str(rate),
            cast=tuple(storyboard.cast),
            places=tuple(storyboard.places),
            shots=shots,
        )

    def frame_rate(self) -> FrameRate:
        numerator, _, denominator = self.rate.partition("/")
        return FrameRate(numerator=int(numerator), denominator=int(denominator or 1))


def shot_entry(number: int, shot: Shot, rate: FrameRate, take: Take, refined: str) -> ShotEntry:
    """The record of a shot; its frames are named after its place in the film."""
    frames = shot.attributes.length
    attributes = shot.attributes.model_dump(mode="json")
    attributes["length"] = {"seconds": round(rate.seconds(frames), 6), "frames": frames}
    return ShotEntry(
        description=shot.description,
        attributes=attributes,
        scene=shot.scene,
        slate=shot.slate,
        refined=refined,
        start=f"frames/{number:03d}-start.png",
        end=f"frames/{number:03d}-end.png",
        lineage=lineage_entry(take.recipe, [Packed.model_validate(frame) for frame in take.memory]),
    )


def lineage_entry(recipe: Mapping[str, Any], pack: list[Packed]) -> LineageEntry:
    """A take's recipe and memory pack as the manifest tells them."""
    fields = {name: recipe[name] for name in LineageEntry.model_fields if name != "memory"}
    memory = tuple(
        MemoryEntry(
            frame=p.key, rank=p.rank, share=p.share, similarity=p.similarity, pinned=p.pinned, box=p.box
        )
        for p in pack
    )
    return LineageEntry(**fields, memory=memory)
