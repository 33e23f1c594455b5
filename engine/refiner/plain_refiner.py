"""The built-in refiner: what the pair shows, said in words, without a language model (STAGE, eq. 9)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from engine.refiner.measure import PairMotion, measure_pair
from engine.story import CastMember, Movement, Shot

SHIFT = 0.025  # frame widths or heights: less is no camera move
SCALE = 0.04  # relative change of size: less is no move in or out
STILL = 0.004  # share of the frame: less is nothing
LIGHT = 0.04

_CAMERA = {
    Movement.STATIC: "the camera holds still",
    Movement.PAN_LEFT: "the camera pans left",
    Movement.PAN_RIGHT: "the camera pans right",
    Movement.TILT_UP: "the camera tilts up",
    Movement.TILT_DOWN: "the camera tilts down",
    Movement.TRUCK_LEFT: "the camera trucks left",
    Movement.TRUCK_RIGHT: "the camera trucks right",
    Movement.PEDESTAL_UP: "the camera rises on its pedestal",
    Movement.PEDESTAL_DOWN: "the camera sinks on its pedestal",
    Movement.DOLLY_IN: "the camera dollies in",
    Movement.DOLLY_OUT: "the camera dollies out",
    Movement.ZOOM_IN: "the lens zooms in",
    Movement.ZOOM_OUT: "the lens zooms out",
    Movement.CRANE_UP: "the camera cranes up",
    Movement.CRANE_DOWN: "the camera cranes down",
    Movement.ARC_LEFT: "the camera arcs to the left",
    Movement.ARC_RIGHT: "the camera arcs to the right",
}
_CLOSER = frozenset((Movement.DOLLY_IN, Movement.ZOOM_IN))
_AWAY = frozenset((Movement.DOLLY_OUT, Movement.ZOOM_OUT))
_TO_LEFT = frozenset((Movement.PAN_LEFT, Movement.TRUCK_LEFT))
_TO_RIGHT = frozenset((Movement.PAN_RIGHT, Movement.TRUCK_RIGHT))
_UP = frozenset((Movement.TILT_UP, Movement.PEDESTAL_UP, Movement.CRANE_UP))
_DOWN = frozenset((Movement.TILT_DOWN, Movement.PEDESTAL_DOWN, Movement.CRANE_DOWN))
_ARCS = frozenset((Movement.ARC_LEFT, Movement.ARC_RIGHT))
_COLUMNS = ("on the left", "in the centre", "on the right")
_ROWS = ("near the top", "", "near the bottom")


class Refiner(Protocol):
    """G_refiner of eq. 9. `name` says in a recipe who wrote a text."""

    @property
    def name(self) -> str: ...

    def refine(self, shot: Shot, cast: Sequence[CastMember], start: Path, end: Path) -> str:
        """R_i: one paragraph for a first-last-frame video model. Raises BadInput for unreadable frames."""
        ...


class PlainRefiner:
    """Says D and C with what was measured between the two frames, and where the frames contradict C."""

    name = "PlainRefiner"

    def refine(self, shot: Shot, cast: Sequence[CastMember], start: Path, end: Path) -> str:
        """See `Refiner`. Deterministic; takes well under a second a pair."""
        motion = measure_pair(start, end)
        parts = [
            _description(shot),
            _people(shot, cast),
            _camera(shot, motion),
            _action(shot, motion),
            _light(motion),
        ]
        parts.append(_setting(shot))
        return " ".join(p for p in parts if p)


def _description(shot: Shot) -> str:
    text = " ".join(shot.description.split())
    return text if not text or text.endswith((".", "!", "?", "…", '"', "”")) else f"{text}."


def _people(shot: Shot, cast: Sequence[CastMember]) -> str:
    looks = {c.name.casefold(): c.look for c in cast if c.look}
    known = [(n, looks[n.casefold()]) for n in shot.attributes.cast if n.casefold() in looks]
    return " ".join(f"{name} is {look.rstrip('. ')}." for name, look in known)


def _camera(shot: Shot, motion: PairMotion) -> str:
    """The camera of C, and what the frames say of it."""
    c = shot.attributes
    article = "An" if c.scale.value[0] in "aeiou" else "A"
    asked = _CAMERA[c.movement]
    level = (
        c.angle.value if c.angle.value.endswith(("level", "angle", "overhead")) else f"{c.angle.value} view"
    )
    sentence = f"{article} {c.scale.value}, {level}: {asked}."
    if not motion.related:
        return f"{sentence} The frames differ so much that no single camera move joins them; blend gently."
    seen = _seen(motion)
    if c.movement in _ARCS or _agrees(c.movement, motion):
        return sentence
    if not seen:
        return f"{sentence} Between the two frames this move hardly shows, so keep it very slight."
    return f"{sentence} The frames themselves show {' and '.join(seen)}; follow the frames."


def _seen(motion: PairMotion) -> list[str]:
    """The camera move that the frames show, in words."""
    seen = []
    if abs(motion.scale - 1) >= SCALE:
        seen.append("the picture coming closer" if motion.scale > 1 else "the picture moving away")
    if abs(motion.dx) >= SHIFT:
        seen.append("the view moving to the left" if motion.dx > 0 else "the view moving to the right")
    if abs(motion.dy) >= SHIFT:
        seen.append("the view moving up" if motion.dy > 0 else "the view moving down")
    return seen


def _agrees(movement: Movement, motion: PairMotion) -> bool:
    """Whether the frames show the move that was asked for. Content moves against the camera."""
    if movement in _CLOSER:
        return motion.scale >= 1 + SCALE
    if movement in _AWAY:
        return motion.scale <= 1 - SCALE
    if movement in _TO_LEFT:
        return motion.dx >= SHIFT
    if movement in _TO_RIGHT:
        return motion.dx <= -SHIFT
    if movement in _UP:
        return motion.dy >= SHIFT
    if movement in _DOWN:
        return motion.dy <= -SHIFT
    return not _seen(motion)


def _action(shot: Shot, motion: PairMotion) -> str:
    """Where, and how much, something moves that is not the camera."""
    if not motion.related:
        return ""
    if motion.where is None or motion.moved < STILL:
        if _seen(motion):
            return "Apart from the camera almost nothing moves."
        return "Almost nothing moves between the first and the last frame: only breath, cloth and light."
    column, row = motion.where
    place = " ".join(p for p in (_COLUMNS[column], _ROWS[row]) if p)
    amount = (
        "a small movement"
        if motion.moved < 0.04
        else ("a clear movement" if motion.moved < 0.2 else "a large change")
    )
    way = ""
    if abs(motion.travel) >= 0.03:
        way = f", going to the {'right' if motion.travel > 0 else 'left'}"
    names = shot.attributes.cast
    who = f" It is mostly {names[0]} who moves." if len(names) == 1 and motion.moved < 0.2 else ""
    return f"From the first frame to the last there is {amount} {place}{way}.{who}"


def _light(motion: PairMotion) -> str:
    if abs(motion.light) < LIGHT:
        return ""
    return "The light grows brighter." if motion.light > 0 else "The light grows darker."


def _setting(shot: Shot) -> str:
    c = shot.attributes
    weather = "" if c.weather.strip() in ("", "clear") else f", {c.weather.strip()}"
    where = f"{c.place}, " if c.place else ""
    return (
        f"{where}{c.time.value}{weather}; people, clothes and place stay as in the two frames."[:1].upper()
        + (f"{where}{c.time.value}{weather}; people, clothes and place stay as in the two frames."[1:])
    )
