"""The language that all rooms speak: shots, cinematic attributes, storyboards (STAGE, eq. 7).

A storyboard is S = {(D_i, C_i)}: every shot has a description of its story progress (D_i) and a set of
cinematic attributes (C_i). Terms are the field's: a dolly moves the camera, a zoom changes the focal length,
a pan or tilt rotates, a truck or pedestal translates. This module needs no torch.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_SHOTS = 500
MAX_TEXT = 4000


class Scale(str, Enum):
    """Shot size, by how much of a figure fills the frame."""

    ECU = "extreme close-up"
    CU = "close-up"
    MCU = "medium close-up"
    MS = "medium shot"
    MLS = "medium long shot"
    LS = "long shot"
    ELS = "extreme long shot"


class Angle(str, Enum):
    """Height and roll of the camera against the subject."""

    EYE_LEVEL = "eye level"
    LOW = "low angle"
    HIGH = "high angle"
    DUTCH = "dutch angle"
    OVERHEAD = "overhead"
    WORMS_EYE = "worm's eye"


class Movement(str, Enum):
    """What the camera does between the start and the end frame."""

    STATIC = "static"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    TRUCK_LEFT = "truck left"
    TRUCK_RIGHT = "truck right"
    PEDESTAL_UP = "pedestal up"
    PEDESTAL_DOWN = "pedestal down"
    DOLLY_IN = "dolly in"
    DOLLY_OUT = "dolly out"
    ZOOM_IN = "zoom in"
    ZOOM_OUT = "zoom out"
    CRANE_UP = "crane up"
    CRANE_DOWN = "crane down"
    ARC_LEFT = "arc left"
    ARC_RIGHT = "arc right"


class Framing(str, Enum):
    """How many figures the frame holds, and from where."""

    EMPTY = "no figure"
    SINGLE = "single"
    TWO_SHOT = "two-shot"
    GROUP = "group"
    OVER_THE_SHOULDER = "over-the-shoulder"
    POINT_OF_VIEW = "point of view"


class Support(str, Enum):
    """What carries the camera."""

    TRIPOD = "tripod"
    HANDHELD = "handheld"
    STEADICAM = "Steadicam"
    DOLLY = "dolly"
    CRANE = "crane"


class Purpose(str, Enum):
    """What the shot does in the scene."""

    ESTABLISHING = "establishing"
    MASTER = "master"
    COVERAGE = "coverage"
    INSERT = "insert"
    CUTAWAY = "cutaway"
    REACTION = "reaction"


class TimeOfDay(str, Enum):
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    DAWN = "dawn"


class Interior(str, Enum):
    INT = "INT"
    EXT = "EXT"


class FrameSide(str, Enum):
    """One half of a start-end pair."""

    START = "start"
    END = "end"


class FrameRate(BaseModel):
    """A rational number of frames per second, e.g. 24/1 or 24000/1001."""

    model_config = ConfigDict(frozen=True)

    numerator: int = Field(24, ge=1, le=240000)
    denominator: int = Field(1, ge=1, le=1001)

    @classmethod
    def parse(cls, text: str) -> FrameRate:
        """The rate that `str` wrote: "24", "24000/1001".

        Raises:
            ValueError: it is none.
        """
        numerator, _, denominator = text.partition("/")
        return cls(numerator=int(numerator), denominator=int(denominator or 1))

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def frames(self, seconds: float | Fraction) -> int:
        """Seconds to the nearest whole number of frames, at least one."""
        return max(1, round(Fraction(seconds) * self.fraction))

    def converted(self, frames: int, old: FrameRate) -> int:
        """What `frames` at another rate are here, for the same time; 0 and negative ones (offsets) too."""
        return round(Fraction(frames) / old.fraction * self.fraction)

    def seconds(self, frames: int) -> float:
        """Frames to seconds."""
        return float(Fraction(frames) / self.fraction)

    def __str__(self) -> str:
        return str(self.numerator) if self.denominator == 1 else f"{self.numerator}/{self.denominator}"


class CastMember(BaseModel):
    """A person of the film, with the look that must stay the same from shot to shot."""

    name: str = Field(min_length=1, max_length=80)
    look: str = Field("", max_length=400, description="how the person looks, in words that a model can draw")


class Place(BaseModel):
    """A location of the film."""

    name: str = Field(min_length=1, max_length=120)
    look: str = Field("", max_length=400)
    interior: Interior = Interior.EXT


class CinematicAttributes(BaseModel):
    """C_i: how the shot is filmed. `length` is in frames at the storyboard's frame rate."""

    model_config = ConfigDict(extra="forbid")

    scale: Scale = Scale.MS
    angle: Angle = Angle.EYE_LEVEL
    movement: Movement = Movement.STATIC
    length: int = Field(72, ge=1, le=24 * 600, description="frames at the storyboard's frame rate")
    framing: Framing = Framing.SINGLE
    support: Support = Support.TRIPOD
    purpose: Purpose = Purpose.COVERAGE
    place: str = Field("", max_length=120)
    time: TimeOfDay = TimeOfDay.DAY
    weather: str = Field("", max_length=60)
    cast: list[str] = Field(default_factory=list, max_length=20)
    dialogue: str = Field("", max_length=MAX_TEXT)
    sound: str = Field("", max_length=MAX_TEXT)
    notes: str = Field("", max_length=MAX_TEXT)

    @field_validator("cast")
    @classmethod
    def _names(cls, names: list[str]) -> list[str]:
        return [n.strip()[:80] for n in names if n.strip()]


class Shot(BaseModel):
    """S_i = (D_i, C_i): one shot of the storyboard."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field("", max_length=MAX_TEXT, description="D_i: the story progress of this shot")
    attributes: CinematicAttributes = Field(default_factory=CinematicAttributes)
    scene: int = Field(1, ge=1, le=9999)
    slate: str = Field(
        "", max_length=12, description="shot letter within the scene: A, B, …; I and O are skipped"
    )


class Storyboard(BaseModel):
    """S = {S_i}: an ordered list of shots with the cast, places and look that they share."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("Untitled", min_length=1, max_length=200)
    theme: str = Field("", max_length=200_000)
    logline: str = Field("", max_length=MAX_TEXT)
    look: str = Field("", max_length=MAX_TEXT)
    rate: FrameRate = Field(default_factory=FrameRate)
    cast: list[CastMember] = Field(default_factory=list)
    places: list[Place] = Field(default_factory=list)
    shots: list[Shot] = Field(default_factory=list, max_length=MAX_SHOTS)

    @property
    def length(self) -> int:
        """The film's length in frames."""
        return sum(s.attributes.length for s in self.shots)

    def member(self, name: str) -> CastMember | None:
        """The cast member of that name, case-insensitively."""
        return next((c for c in self.cast if c.name.casefold() == name.casefold()), None)


_SLATES = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are never used: they read as 1 and 0


def slate_letters(index: int) -> str:
    """The slate of the shot at `index` (from 0) in its scene: A … Z without I and O, then AA, AB, …"""
    if index < 0:
        raise ValueError("a slate index counts from 0")
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, len(_SLATES))
        letters = _SLATES[rest] + letters
    return letters
