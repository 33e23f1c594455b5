"""A judge of drawn world frames that was never trained: analysis by synthesis.

The world can be rendered, so what a pair shows is read by rendering the shot with each possible value of a
fact and taking the nearest, over the pixels on which the values differ. A place's layout (palette,
side, variant) and where somebody stands, which words may leave to chance, are read first, and the rest is
judged in that light. There are no weights in it, so it is frozen whatever the checkpoint learns. A fact that
the shot does not show is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import TypeVar

import numpy as np

from engine.world.layout import VALUES
from engine.world.palette import COATS, HAIRS, SKINS
from engine.world.render import render
from engine.world.story import (
    ACTIONS,
    HATS,
    MOVEMENTS,
    SCALES,
    SETTINGS,
    SLOTS,
    TIMES,
    WEATHERS,
    Story,
    WorldShot,
    in_slot,
    with_location,
    with_look,
)

TELLING, AREA = 40, 30  # a pixel tells values apart from this difference (sum of RGB) on; so many must
Value = TypeVar("Value", bound=Hashable)
Seen = dict[str, Hashable]
LOOK = ("coat", "hat", "hair", "skin")
PLACE = tuple(VALUES)


@lru_cache(maxsize=4096)  # 0.2 MB each: the arms of an evaluation share most of a film's
def pair_of(story: Story, shot: WorldShot) -> np.ndarray:
    """The true pair, (2, 128, 256, 3) int16."""
    return np.stack([render(story, shot, t) for t in (0.0, 1.0)]).astype(np.int16)


def nearest(options: Mapping[Value, np.ndarray], drawn: np.ndarray) -> Value | None:
    """The option (2, H, W, 3) that is nearest to what is drawn where they differ; None if they do not."""
    pictures = np.stack(list(options.values()))
    spread = (pictures.max(0) - pictures.min(0)).sum(-1)  # 2 H W
    where = spread > TELLING
    if where.sum() < AREA:
        return None
    distance = np.abs(pictures[:, where] - drawn[where]).mean((1, 2))
    return list(options)[int(distance.argmin())]


def read(story: Story, shot: WorldShot, drawn: np.ndarray) -> Seen:
    """What a drawn pair (2, 128, 256, 3) shows of a shot: fact -> value, of people as "coat 0", "coat 1", …

    Facts that cannot be told apart in this shot are missing.
    """
    drawn = drawn.astype(np.int16)
    story, seen = _place(story, shot, drawn)
    shot = _slot(story, shot, drawn, seen)
    for index in shot.who:
        for fact, values in zip(LOOK, (list(COATS), HATS, list(HAIRS), range(len(SKINS))), strict=True):
            options = {v: with_look(story, index, **{fact: v}) for v in values}
            found = nearest({v: pair_of(s, shot) for v, s in options.items()}, drawn)
            if found is not None:
                seen[f"{fact} {index}"], story = found, options[found]
    stories = {
        "setting": {v: with_location(story, shot, setting=v) for v in SETTINGS},
        "time": {v: replace(story, time=v) for v in TIMES},
        "weather": {v: replace(story, weather=v) for v in WEATHERS},
    }
    shots: dict[str, dict[Hashable, WorldShot]] = {
        "scale": {v: replace(shot, scale=v) for v in SCALES},
        "movement": {v: replace(shot, movement=v) for v in MOVEMENTS},
        "who": {who: replace(shot, who=who) for who in _casts(len(story.people))},
    }
    if shot.who:
        shots["action"] = {v: replace(shot, action=v) for v in ACTIONS}
    for fact, others in stories.items():
        seen[fact] = nearest({v: pair_of(s, shot) for v, s in others.items()}, drawn)
    for fact, films in shots.items():
        seen[fact] = nearest({v: pair_of(story, s) for v, s in films.items()}, drawn)
    return {fact: value for fact, value in seen.items() if value is not None}


def as_read(story: Story, shot: WorldShot, drawn: np.ndarray, seen: Seen) -> tuple[Story, WorldShot]:
    """The film and its shot as a drawing (2, 128, 256, 3) was read: the picture of the world that it comes
    nearest to, in what is too faint to count, too.
    """
    story, _ = _place(story, shot, drawn.astype(np.int16))
    place = {"setting": seen["setting"]} if "setting" in seen else {}
    film = {fact: seen[fact] for fact in ("time", "weather") if fact in seen}
    story = replace(with_location(story, shot, **place), **film)  # type: ignore[arg-type]
    for index in range(len(story.people)):
        looks = {fact: seen[f"{fact} {index}"] for fact in LOOK if f"{fact} {index}" in seen}
        story = with_look(story, index, **looks)
    if "slot" in seen:
        shot = in_slot(shot, str(seen["slot"]))
    how = {fact: seen[fact] for fact in ("scale", "movement", "who", "action") if fact in seen}
    return story, replace(shot, **how)  # type: ignore[arg-type]


def _place(story: Story, shot: WorldShot, drawn: np.ndarray) -> tuple[Story, Seen]:
    """Palette, side and variant together, and the story with them."""
    seen = Seen()
    layouts = {
        (p, s, v): with_location(story, shot, palette=p, side=s, variant=v)
        for p, s, v in product(*VALUES.values())
    }
    found = nearest({key: pair_of(s, shot) for key, s in layouts.items()}, drawn)
    if found is None:
        return story, seen
    for k, fact in enumerate(PLACE):  # a fact counts only where this shot shows it
        others = {key[k]: key for key in layouts if all(key[j] == found[j] for j in range(3) if j != k)}
        value = nearest({v: pair_of(layouts[key], shot) for v, key in others.items()}, drawn)
        if value is not None:
            seen[fact] = value
    return layouts[found], seen


def _slot(story: Story, shot: WorldShot, drawn: np.ndarray, seen: Seen) -> WorldShot:
    """Where somebody alone stands, and the shot with it; two, and who walks, have but one place."""
    if len(shot.who) != 1 or shot.action.startswith("walks"):
        return shot
    found = nearest({slot: pair_of(story, in_slot(shot, slot)) for slot in SLOTS}, drawn)
    if found is None:
        return shot
    seen["slot"] = found
    return in_slot(shot, found)


def _casts(people: int) -> tuple[tuple[int, ...], ...]:
    return ((), (0,)) if people == 1 else ((), (0,), (1,), (0, 1))
