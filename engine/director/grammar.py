"""Film grammar: how each line of a beat sheet is filmed.

Establish wide, cover, come close on feeling, go wide at the end. No two neighbouring shots share scale and
angle. The camera moves for a reason: it comes closer when somebody understands, and leaves at the end. Walks
keep their screen direction. Only scales, angles and movements are used that every profile here draws, and
none that the profile never saw with what somebody does.
"""

from __future__ import annotations

import random
from collections.abc import Sequence, Set

from engine.director.beats import Line, Role
from engine.director.phrasebook import EventKind
from engine.errors import BadInput
from engine.profile import Profile
from engine.story import (
    Angle,
    CinematicAttributes,
    FrameRate,
    Framing,
    Movement,
    Purpose,
    Scale,
    Shot,
    Support,
    slate_letters,
)
from engine.video.subtitles import spoken_seconds
from engine.vocabulary import Vocabulary

SHORTEST = 0.5  # seconds: below this a shot reads as a flash
LONGEST = 600.0  # seconds
_MOST_FRAMES: int = next(
    rule.le for rule in CinematicAttributes.model_fields["length"].metadata if hasattr(rule, "le")
)
_SIZES = (Scale.ELS, Scale.LS, Scale.MS, Scale.CU)  # by `Line.close`
_SECONDS = {Scale.ELS: 4.5, Scale.LS: 4.0, Scale.MS: 3.0, Scale.CU: 2.5}
_PURPOSES = {
    Role.ESTABLISH: Purpose.ESTABLISHING,
    Role.APPROACH: Purpose.COVERAGE,
    Role.EVENT: Purpose.MASTER,
    Role.REACTION: Purpose.REACTION,
    Role.ENDING: Purpose.MASTER,
    Role.CUTAWAY: Purpose.CUTAWAY,
    Role.VIEW: Purpose.COVERAGE,
}
_SOUNDS = {
    "forest": "birds, leaves",
    "city": "traffic, footsteps",
    "beach": "surf, gulls",
    "desert": "wind over sand",
    "mountains": "wind",
    "room": "a clock ticking",
    "castle": "wind, distant bells",
    "harbour": "water, gulls, ropes",
}
_WEATHER_SOUNDS = {"rain": "rain", "snow": "the hush of snow", "fog": "a distant horn"}


def film(
    lines: Sequence[Line],
    names: Sequence[str],
    *,
    vocabulary: Vocabulary,
    profile: Profile,
    rate: FrameRate,
    seconds: float | None,
    rng: random.Random,
) -> list[Shot]:
    """One shot a line. `names` are the cast's; `seconds` is the film's total length where it is fixed.

    `vocabulary` reads the lines; the profile has its own, or none. What it never saw together is not asked.
    """
    shots: list[Shot] = []
    letters: dict[int, int] = {}
    for i, line in enumerate(lines):
        never = never_asked(line.text, vocabulary, profile)
        attributes = _frame(line, i, lines, [s.attributes for s in shots], vocabulary, never, rng)
        who = line.who[: profile.max_people] if profile.max_people else line.who
        attributes = attributes.model_copy(
            update={
                "cast": [names[m] for m in who],
                "framing": framing_for(len(who)),
                "length": rate.frames(_duration(line, attributes.scale)),
            }
        )
        scene = min(9999, max(1, line.scene))
        letters[scene] = letters.get(scene, -1) + 1
        shots.append(
            Shot(
                description=line.text, attributes=attributes, scene=scene, slate=slate_letters(letters[scene])
            )
        )
    return shots if seconds is None else fit(shots, seconds, rate)


def never_asked(text: str, vocabulary: Vocabulary, profile: Profile) -> frozenset[str]:
    """Sizes and movements that the profile never saw with what a line tells, in canonical words."""
    actions = {match.canonical for match in vocabulary.find(text, "action")}
    return frozenset(value for unseen in profile.never_with(actions) for value in unseen.values)


def most_frames(rate: FrameRate) -> int:
    """Frames of the longest shot at a rate: ten minutes, or as many as a shot can have."""
    return min(rate.frames(LONGEST), _MOST_FRAMES)


def check_length(shots: int, seconds: float, rate: FrameRate) -> None:
    """Raises BadInput where so many shots cannot last so long: one would be under half a second, or have more
    than `most_frames`.
    """
    most = rate.seconds(most_frames(rate) * shots)
    if not SHORTEST * shots <= seconds <= most:
        many = "1 shot" if shots == 1 else f"{shots} shots"
        raise BadInput(
            f"A film of {many} at {rate} frames a second can last between {SHORTEST * shots:g} and "
            f"{most:.6g} seconds: change the length or the number of shots."
        )


def shared(total: int, weights: Sequence[int], least: int, most: int) -> list[int]:
    """`total` in whole parts by weight, each between `least` and `most`, which must leave room for it."""
    assert least * len(weights) <= total <= most * len(weights)
    parts = [most] * len(weights)
    free = list(range(len(weights)))
    while free:
        rest = total - most * (len(weights) - len(free))
        spare, scale = rest - least * len(free), sum(weights[i] for i in free)
        edges = [round(spare * sum(weights[i] for i in free[:n]) / scale) for n in range(len(free) + 1)]
        found = {i: least + edges[n + 1] - edges[n] for n, i in enumerate(free)}
        over = [i for i in free if found[i] > most]
        if not over:
            for i in free:
                parts[i] = found[i]
            break
        free = [i for i in free if i not in over]
    assert sum(parts) == total
    return parts


def fit(shots: Sequence[Shot], seconds: float, rate: FrameRate) -> list[Shot]:
    """The same shots with their lengths scaled so that the film lasts exactly `seconds` (in whole frames).

    Raises BadInput as `check_length`.
    """
    check_length(len(shots), seconds, rate)
    total = rate.frames(seconds)
    floor = max(1, min(rate.frames(SHORTEST), total // len(shots)))
    lengths = shared(total, [s.attributes.length for s in shots], floor, most_frames(rate))
    return [
        s.model_copy(update={"attributes": s.attributes.model_copy(update={"length": n})})
        for s, n in zip(shots, lengths, strict=True)
    ]


def _frame(
    line: Line,
    index: int,
    lines: Sequence[Line],
    before: Sequence[CinematicAttributes],
    vocabulary: Vocabulary,
    never: Set[str],
    rng: random.Random,
) -> CinematicAttributes:
    previous = before[-1] if before else None
    new_place = index == 0 or lines[index - 1].spot != line.spot
    scale, angle = _size_and_angle(line, index, len(lines), new_place, previous, never, rng)
    movement = _movement(line, scale, index, len(lines), previous, vocabulary, rng)
    if movement.value in never:
        movement = Movement.STATIC
    inside = line.spot.setting == "room"
    sounds = [_SOUNDS.get(line.spot.setting, ""), "" if inside else _WEATHER_SOUNDS.get(line.weather, "")]
    return CinematicAttributes(
        scale=scale,
        angle=angle,
        movement=movement,
        support=_support(movement, line),
        purpose=_purpose(line, new_place),
        place=line.spot.place.name,
        time=line.time,
        weather="clear" if inside or not line.weather else line.weather,
        dialogue=line.dialogue,
        sound=", ".join(s for s in sounds if s),
    )


def _size_and_angle(
    line: Line,
    index: int,
    count: int,
    new_place: bool,
    previous: CinematicAttributes | None,
    never: Set[str],
    rng: random.Random,
) -> tuple[Scale, Angle]:
    """What the line wants, and the nearest choice that is not a jump cut from the shot before."""
    wanted = line.close
    if new_place:
        wanted = min(wanted, 1)
    if index == 0:
        wanted = 0 if count >= 8 and not line.who else 1  # faces are met before they shrink
    elif line.role is Role.ENDING:
        wanted = 0 if count >= 4 and len(line.who) < 2 else 1
    closest = 1 if not line.who else (2 if len(line.who) > 1 else 3)  # two faces need room
    seen = max(size for size in range(closest + 1) if _SIZES[size].value not in never)
    held, closest = seen < closest, seen
    wanted = min(wanted, closest)
    angle = _angle(line, rng)
    around = sorted(range(len(_SIZES)), key=lambda s: (abs(s - wanted), -s))
    allowed = [s for s in around if s <= closest]
    if previous is None:
        return _SIZES[wanted], angle
    different = next(s for s in allowed if _SIZES[s] is not previous.scale)
    if _SIZES[wanted] is not previous.scale:
        return _SIZES[wanted], angle
    farther = held and different < wanted  # what would be closer is left for another angle, not made smaller
    if abs(different - wanted) == 1 and not farther and rng.random() < 0.7:
        return _SIZES[different], angle
    return _SIZES[wanted], angle if angle is not previous.angle else _other_angle(previous.angle)


def _purpose(line: Line, new_place: bool) -> Purpose:
    if new_place and line.close < 2 and line.role is not Role.ENDING:
        return Purpose.ESTABLISHING
    return _PURPOSES[line.role]


def _angle(line: Line, rng: random.Random) -> Angle:
    text = line.text.casefold()
    if line.role is Role.ESTABLISH:
        return rng.choice((Angle.EYE_LEVEL, Angle.HIGH))
    if any(w in text for w in ("alone", "lost", "helpless", "close to tears", "sits", "collapse", "child")):
        return rng.choice((Angle.HIGH, Angle.EYE_LEVEL))
    if line.kind is EventKind.FIGHT and line.role is Role.EVENT:
        return rng.choice((Angle.LOW, Angle.LOW, Angle.DUTCH))
    if any(w in text for w in ("king", "queen", "knight", "proud", "climb", "stands up")):
        return rng.choice((Angle.LOW, Angle.EYE_LEVEL))
    return rng.choice((Angle.EYE_LEVEL,) * 4 + (Angle.LOW, Angle.HIGH))


def _other_angle(angle: Angle) -> Angle:
    return Angle.EYE_LEVEL if angle is not Angle.EYE_LEVEL else Angle.LOW


def _movement(
    line: Line,
    scale: Scale,
    index: int,
    count: int,
    previous: CinematicAttributes | None,
    vocabulary: Vocabulary,
    rng: random.Random,
) -> Movement:
    """A move with a motive, or none. The same move never comes twice running."""
    action = vocabulary.first(line.text, "action") or ""
    wish = Movement.STATIC  # also for somebody who walks: with a pan, the mini checkpoint draws them twice
    if line.role is Role.ENDING and index == count - 1:
        wish = Movement.DOLLY_OUT
    elif line.role is Role.REACTION and scale is Scale.CU:
        wish = Movement.DOLLY_IN
    elif line.role is Role.EVENT and action == "turns":
        wish = Movement.DOLLY_IN  # somebody finds, notices, understands
    elif line.role is Role.ESTABLISH:
        wide = (Movement.TILT_DOWN, Movement.STATIC, Movement.PAN_RIGHT)
        wish = rng.choice(wide if not line.who else (Movement.DOLLY_IN, Movement.STATIC, Movement.TILT_DOWN))
    elif line.role in (Role.CUTAWAY, Role.VIEW):
        wish = Movement.TILT_UP if index % 2 else Movement.PAN_RIGHT
    if previous is not None and wish is previous.movement:
        return Movement.STATIC
    return wish


def _support(movement: Movement, line: Line) -> Support:
    support = support_for(movement)
    if support is Support.TRIPOD and line.kind is EventKind.FIGHT and line.role is Role.EVENT:
        return Support.HANDHELD
    return support


def support_for(movement: Movement) -> Support:
    """What carries a camera that moves like this."""
    way = movement.value.split()[0]
    if way in ("dolly", "truck", "arc"):
        return Support.DOLLY
    return Support.CRANE if way in ("crane", "pedestal") else Support.TRIPOD


def framing_for(people: int) -> Framing:
    """How a frame with so many people is called."""
    return (Framing.EMPTY, Framing.SINGLE, Framing.TWO_SHOT)[people] if people < 3 else Framing.GROUP


def _duration(line: Line, scale: Scale) -> float:
    """Seconds, in halves: wide shots are read longer, and a line must be sayable (then up to ten)."""
    spoken = spoken_seconds(line.dialogue) + 1 if line.dialogue else 0.0
    return max(_SECONDS[scale], min(10.0, round(spoken * 2) / 2))
