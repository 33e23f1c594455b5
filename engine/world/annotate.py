"""Exact annotations: what a shot of the world shows, as sixteen slots and as a storyboard in plain words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.story import (
    Angle,
    CastMember,
    CinematicAttributes,
    Framing,
    Movement,
    Place,
    Scale,
    Shot,
    Storyboard,
    TimeOfDay,
    slate_letters,
)
from engine.world.layout import layout, skin
from engine.world.palette import COATS, HAIRS
from engine.world.story import (
    ACTIONS,
    ANGLES,
    BODIES,
    HATS,
    MOVEMENTS,
    SCALES,
    SETTINGS,
    SLOTS,
    TIMES,
    WEATHERS,
    Person,
    Story,
    WorldShot,
)

PAD, UNTOLD = "[pad]", "-"
SLOT_VALUES: dict[str, tuple[str, ...]] = {
    "scale": SCALES,
    "angle": ANGLES,
    "movement": MOVEMENTS,
    "setting": SETTINGS,
    "time": TIMES,
    "weather": WEATHERS,
    "person": BODIES,
    "action": ACTIONS,
    "slot": SLOTS,
    "coat": tuple(COATS),
    "hair": tuple(HAIRS),
    "hat": HATS,
}
SLOT_NAMES = (*SLOT_VALUES, "person 2", "coat 2", "hair 2", "hat 2")
LENGTH = len(SLOT_NAMES)
VOCABULARY = (PAD, UNTOLD, *(f"{kind}:{value}" for kind, values in SLOT_VALUES.items() for value in values))
_INDEX = {token: i for i, token in enumerate(VOCABULARY)}
NULL_IDS = (0,) * LENGTH  # no text at all: the unconditional branch


def slots(story: Story, shot: WorldShot, seen: Collection[int] = ()) -> tuple[str, ...]:
    """Sixteen values in the order of SLOT_NAMES; the looks of people in `seen` stay untold."""
    values = [
        shot.scale,
        shot.angle,
        shot.movement,
        story.locations[shot.location].setting,
        story.time,
        story.weather,
    ]
    for j, index in enumerate(shot.who):
        person = story.people[index]
        values.append(person.body)
        if j == 0:
            values += [shot.action, shot.slot]
        values += [UNTOLD] * 3 if index in seen else [person.coat, person.hair, person.hat]
    return tuple(values + [UNTOLD] * (LENGTH - len(values)))


def slot_ids(values: Sequence[str]) -> list[int]:
    """Sixteen values -> indices into VOCABULARY."""
    kinds = (name.split()[0] for name in SLOT_NAMES)
    return [1 if v == UNTOLD else _INDEX[f"{kind}:{v}"] for kind, v in zip(kinds, values, strict=True)]


def look(person: Person, with_skin: bool = True) -> str:
    """A person's look in words that the world knows."""
    hat = "" if person.hat == "bare" else f" and a {person.hat}"
    article = "an" if person.coat[0] in "aeiou" else "a"
    bits = f"{person.hair} hair{hat}"
    if with_skin:
        bits = f"{skin(person)}{',' if hat else ' and'} {bits}"
    return f"a {person.body} with {bits} in {article} {person.coat} coat"


def storyboard(story: Story, shots: Sequence[WorldShot]) -> Storyboard:
    """The film as the director would have written it: ground truth for D_i and C_i."""
    names = [f"the {p.body}" for p in story.people]
    board = Storyboard(
        title=f"World film {story.seed}",
        cast=[CastMember(name=n, look=look(p)) for n, p in zip(names, story.people, strict=True)],
        places=[Place(name=at.setting, look=layout(at)) for at in story.locations],
    )
    for i, shot in enumerate(shots):
        place = story.locations[shot.location].setting
        attributes = CinematicAttributes(
            scale=Scale(shot.scale),
            angle=Angle(shot.angle),
            movement=Movement(shot.movement),
            framing=(Framing.EMPTY, Framing.SINGLE, Framing.TWO_SHOT)[len(shot.who)],
            place=place,
            time=TimeOfDay(story.time),
            weather=story.weather,
            cast=[names[j] for j in shot.who],
        )
        board.shots.append(
            Shot(description=_describe(shot, names, place), attributes=attributes, slate=slate_letters(i))
        )
    return board


def _describe(shot: WorldShot, names: Sequence[str], place: str) -> str:
    if not shot.who:
        return f"The {place}, empty."
    first = names[shot.who[0]]
    where = "" if shot.slot == "centre" else f" on the {shot.slot}"
    other = f", beside {names[shot.who[1]]}" if len(shot.who) == 2 else ""
    return f"{first.capitalize()} {shot.action}{where} in the {place}{other}."
