"""What a director says while it thinks (STAGE, eq. 7): its stages, and the protocol of all directors.

A director yields `Logline`, `CastList`, `PlaceList`, `Beats`, `Warnings` and, last, `ShotList` with the whole
storyboard; one that takes its time also the shots that are settled, as `Filmed`. Every stage is complete when
it comes, so that a page can show it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.errors import BadInput
from engine.profiles import Profile
from engine.story import CastMember, Place, Shot, Storyboard, TimeOfDay


@dataclass(frozen=True)
class Logline:
    """The film in a title and a sentence or two."""

    title: str
    text: str


@dataclass(frozen=True)
class CastList:
    """Who is in the film, each with a look that stays the same from shot to shot."""

    cast: tuple[CastMember, ...]


@dataclass(frozen=True)
class PlaceList:
    """Where and when the film plays: the places in order of appearance, first time of day and weather."""

    places: tuple[Place, ...]
    time: TimeOfDay
    weather: str


@dataclass(frozen=True)
class Beats:
    """The beat sheet: one line a shot, before it is known how each is filmed."""

    beats: tuple[str, ...]


@dataclass(frozen=True)
class Warnings:
    """What the profile will not draw as written: `undrawable` words, and sentences about the rest."""

    undrawable: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Working:
    """No stage yet, but what the director does now ("writing shots, 3 of 8"): for a director that takes time.
    It may come at any time before the last stage, and is of no interest once something else was said.
    """

    doing: str


@dataclass(frozen=True)
class Filmed:
    """Some shots as they are written, the `first` of them numbered from 1; their continuity is not checked
    yet, so that the storyboard may say some of them otherwise.
    """

    first: int
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class ShotList:
    """The last stage: the storyboard S = {(D_i, C_i)}."""

    storyboard: Storyboard


Stage = Logline | CastList | PlaceList | Beats | Filmed | Warnings | Working | ShotList


class Director(Protocol):
    """G_dire of eq. 7: a theme or a screenplay becomes a storyboard with exactly `shots` shots."""

    def direct(
        self, theme: str, *, shots: int, profile: Profile, seed: int = 0, seconds: float | None = None
    ) -> Iterator[Stage]:
        """Yields the stages of thought, the full `ShotList` last.

        `seconds` fixes the film's total length. Raises BadInput, before the first stage, for a theme that
        cannot be read or numbers that cannot be met.
        """
        ...


def direct_all(
    director: Director,
    theme: str,
    *,
    shots: int,
    profile: Profile,
    seed: int = 0,
    seconds: float | None = None,
) -> Storyboard:
    """The storyboard alone, for callers that show no stages."""
    for stage in director.direct(theme, shots=shots, profile=profile, seed=seed, seconds=seconds):
        if isinstance(stage, ShotList):
            return stage.storyboard
    raise BadInput("The director gave no shot list: try another theme.")
