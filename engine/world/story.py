"""What a small film of the world consists of, and how one is drawn by lot.

Everything is discrete, so that a model of ten million parameters can learn it on a laptop. A story fixes
time, weather, locations and the looks of one or two people; a shot fixes how it is filmed and what happens.
`side`, `variant`, `palette` and `skin` are none of the sixteen slots of `engine.world.annotate`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.world.palette import COATS, HAIRS, SKINS

SETTINGS = ("forest", "city", "beach", "desert", "mountains", "room", "castle", "harbour")
TIMES = ("day", "dusk", "night", "dawn")
WEATHERS = ("clear", "fog", "snow", "rain")
BODIES = ("girl", "boy", "woman", "man")
HATS = ("bare", "beanie", "top hat", "straw hat")
ACTIONS = ("stands", "walks left", "walks right", "waves", "turns", "sits")
SCALES = ("extreme long shot", "long shot", "medium shot", "close-up")
ANGLES = ("eye level", "low angle", "high angle", "dutch angle")
MOVEMENTS = (
    "static",
    "pan left",
    "pan right",
    "dolly in",
    "dolly out",
    "tilt up",
    "tilt down",
    "truck left",
    "truck right",
)
SLOTS = ("left", "centre", "right")
# what fits into a close frame; every action fits into the others
ACTIONS_AT = {
    "close-up": ("stands", "turns"),
    "medium shot": ("stands", "waves", "turns", "walks left", "walks right"),
}
SIDEWAYS = tuple(m for m in MOVEMENTS if m.startswith(("pan", "truck")))  # never with somebody who walks
SHOTS = 6  # shots of a story unless asked otherwise


@dataclass(frozen=True)
class Person:
    """The look of one person; the coat is the clearest sign."""

    body: str
    coat: str
    hair: str
    hat: str
    skin: int


@dataclass(frozen=True)
class Location:
    """A setting with its layout: mirrored or not, one of two variants, one of three palettes."""

    setting: str
    side: int
    variant: int
    palette: int


@dataclass(frozen=True)
class Story:
    """What stays the same through a film."""

    seed: int
    time: str
    weather: str
    people: tuple[Person, ...]
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class WorldShot:
    """How one shot is filmed; `who` indexes `Story.people`, `location` indexes `Story.locations`."""

    scale: str
    angle: str
    movement: str
    slot: str
    action: str
    who: tuple[int, ...]
    location: int
    look: int  # which way a turning head looks first: -1 left, 1 right


def new_story(seed: int) -> Story:
    """The story of that seed: always the same."""
    r = random.Random(seed)
    pair = 2 if r.random() < 0.35 else 1
    coats = r.sample(list(COATS), pair)
    bodies = r.sample(BODIES, pair)
    people = tuple(
        Person(body, coat, r.choice(list(HAIRS)), r.choice(HATS), r.randrange(len(SKINS)))
        for body, coat in zip(bodies, coats, strict=True)
    )
    settings = r.sample(SETTINGS, 2 if r.random() < 0.4 else 1)
    locations = tuple(Location(s, r.choice((-1, 1)), r.randrange(2), r.randrange(3)) for s in settings)
    weather = r.choices(WEATHERS, (5, 1.6, 1.4, 1.6))[0]
    if weather == "snow" and any(s in ("desert", "beach") for s in settings):
        weather = "clear"
    return Story(seed, r.choice(TIMES), weather, people, locations)


def _route(locations: int, count: int, r: random.Random) -> list[int]:
    """Which location each shot is in: A … B … A, so that the return must be remembered."""
    if locations == 1:
        return [0] * count
    leave = r.randint(1, max(1, count // 2))
    back = r.randint(leave + 1, max(leave + 1, count - 1))
    return [1 if leave <= i < back else 0 for i in range(count)]


def new_shots(story: Story, count: int = SHOTS, seed: int | None = None) -> tuple[WorldShot, ...]:
    """`count` shots of a story; another `seed` films the same story differently."""
    r = random.Random((story.seed if seed is None else seed) * 7919 + 13)
    route = _route(len(story.locations), count, r)
    return tuple(_new_shot(story, route[i], i == 0, r) for i in range(count))


def _new_shot(story: Story, location: int, first: bool, r: random.Random) -> WorldShot:
    scale = r.choices(SCALES, (2, 3, 2, 0.7) if first else (1, 2.4, 3, 2))[0]
    who: tuple[int, ...] = (0,) if len(story.people) == 1 else r.choice(((0,), (1,), (0, 1), (0, 1)))
    if scale in SCALES[:2] and r.random() < 0.06:
        who = ()  # an empty establishing shot or cutaway
    action = r.choice(ACTIONS_AT.get(scale, ACTIONS))
    if len(who) == 2 and action.startswith("walks"):
        action = "waves"
    if not who:
        action = "stands"
    walks = action.startswith("walks")
    movement = r.choices(MOVEMENTS, (4, 0.9, 0.9, 1.8, 1.3, 0.5, 0.5, 0.6, 0.6))[0]
    if walks and movement in SIDEWAYS:
        movement = "static"
    slot = "centre" if len(who) != 1 or walks else r.choice(SLOTS)
    angle = r.choices(ANGLES, (4, 1.6, 1.6, 0.4))[0]
    shot = WorldShot(scale, angle, movement, slot, action, who, location, look=-1)
    return in_slot(shot, slot)


def in_slot(shot: WorldShot, slot: str) -> WorldShot:
    """The shot with somebody who stands in that part of the frame, and looks into it first."""
    return replace(shot, slot=slot, look=1 if slot == "left" else -1)


def with_location(story: Story, shot: WorldShot, **facts: Any) -> Story:
    """The story with other facts of the location of that shot."""
    at = shot.location
    changed = replace(story.locations[at], **facts)
    return replace(story, locations=(*story.locations[:at], changed, *story.locations[at + 1 :]))


def with_look(story: Story, person: int, **looks: Any) -> Story:
    """The story with other looks of one of its people."""
    changed = replace(story.people[person], **looks)
    return replace(story, people=(*story.people[:person], changed, *story.people[person + 1 :]))


def place_returns(shots: Sequence[WorldShot], i: int) -> bool:
    """Whether shot i is in a place that was seen before, but not in the shot before (A-B-A)."""
    earlier = {shot.location for shot in shots[: max(0, i - 1)]}
    return i > 0 and shots[i].location in earlier - {shots[i - 1].location}


def people_back(shots: Sequence[WorldShot], i: int) -> frozenset[int]:
    """The people of shot i who were seen before, but not in the shot before."""
    earlier = {person for shot in shots[: max(0, i - 1)] for person in shot.who}
    return frozenset(shots[i].who) & (earlier - set(shots[i - 1].who)) if i > 0 else frozenset()
