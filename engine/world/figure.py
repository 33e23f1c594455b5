"""The people: one world unit tall, big head, solid coat. A pose is where and how one stands at a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import skia

from engine.world.camera import FRAMING, HEIGHT, WIDTH
from engine.world.draw import Painter, fill, polygon, rect, stroke
from engine.world.palette import COATS, HAIRS, RGB, SKINS, WHITE, mix, multiply
from engine.world.story import Person, WorldShot

Lit = Callable[[Sequence[float]], RGB]
CHILD = 0.88  # size of a child against a grown figure
HEAD_X, HEAD_Y, HEAD_R = 0.03, 0.73, 0.235


@dataclass(frozen=True)
class Pose:
    """`person` indexes the story's people; x in world units; facing -1, 0 (viewer), 1; arm, sit 0 to 1."""

    person: int
    x: float
    facing: int = 0
    step: float = 0.0
    arm: float = 0.0
    sit: float = 0.0


def staging(shot: WorldShot, t: float) -> list[Pose]:
    """Where the figures of a shot stand at moment `t`."""
    unit = WIDTH / HEIGHT / FRAMING[shot.scale][0]  # frame width in world units on the figures' plane
    gaps = {"extreme long shot": 0.10, "long shot": 0.12, "medium shot": 0.18, "close-up": 0.235}
    two, gap, m = len(shot.who) == 2, gaps[shot.scale], t - 0.5
    poses = []
    for j, person in enumerate(shot.who):
        x = unit * ((gap if j else -gap) if two else {"left": -0.25, "centre": 0.0, "right": 0.25}[shot.slot])
        facing = (-1 if j else 1) if two else 0
        step = arm = sit = 0.0
        if j == 0:
            if shot.action.startswith("walks"):
                facing = -1 if shot.action == "walks left" else 1
                x += facing * m * unit * 0.36
                step = 0.10 if t < 0.5 else -0.10
            elif shot.action == "waves":
                arm, facing = t, 0
            elif shot.action == "turns":
                facing = shot.look * (-1 if t > 0.5 else 1)
            elif shot.action == "sits":
                sit = min(1.0, max(0.0, (t - 0.25) * 2)) if 0 < t < 1 else float(t > 0.5)
        poses.append(Pose(person, x, facing, step, arm, sit))
    return poses


class _Body:
    """Draws in body units: x to the right of the feet, y upward, one unit a grown figure's height."""

    def __init__(self, p: Painter, who: Person, pose: Pose) -> None:
        px, py, k = p.camera.project(pose.x, 0, 0)
        self.canvas, self.k = p.canvas, k * (CHILD if who.body in ("girl", "boy") else 1.0)
        self.px, self.py, self.drop = px, py, 0.16 * pose.sit

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.px + x * self.k, self.py - (y - self.drop) * self.k

    def line(self, points: Sequence[tuple[float, float]], width: float, c: RGB) -> None:
        path = skia.Path()
        path.moveTo(*self.at(*points[0]))
        for q in points[1:]:
            path.lineTo(*self.at(*q))
        self.canvas.drawPath(path, stroke(c, width * self.k))

    def box(self, x0: float, y0: float, x1: float, y1: float) -> skia.Rect:
        a, b = self.at(x0, y1), self.at(x1, y0)
        return rect(a[0], a[1], b[0], b[1])

    def oval(
        self, x0: float, y0: float, x1: float, y1: float, c: Sequence[float], alpha: float = 255
    ) -> None:
        self.canvas.drawOval(self.box(x0, y0, x1, y1), fill(c, alpha))

    def shape(self, points: Sequence[tuple[float, float]], c: RGB) -> None:
        self.canvas.drawPath(polygon([self.at(*q) for q in points]), fill(c))


def draw_figure(p: Painter, who: Person, pose: Pose) -> None:
    """One person in one pose."""
    glow = mix(p.tint, (1, 1, 1), 0.45)  # figures stay legible at night

    def lit(c: Sequence[float]) -> RGB:
        return multiply(c, glow)

    b = _Body(p, who, pose)
    coat, hair, skin = lit(COATS[who.coat]), lit(HAIRS[who.hair]), lit(SKINS[who.skin])
    wide = {"girl": 0.95, "boy": 0.95, "woman": 1.0, "man": 1.15}[who.body]
    hx = HEAD_X * pose.facing
    p.shadow(pose.x, 0, 0.27)
    _legs(b, pose, lit((70, 66, 96)), lit((58, 44, 52)))
    _hair_behind(b, who, hx, hair)
    _coat(b, who, pose, wide, coat, skin)
    _face(b, who, pose, hx, hair, skin, lit)
    _hair_front(b, hx, hair)
    _HATS[who.hat](b, hx, lit)


def _legs(b: _Body, pose: Pose, trousers: RGB, shoes: RGB) -> None:
    facing = pose.facing or 1
    for dx, m in ((-0.08, -1), (0.08, 1)):
        if pose.sit > 0.5:
            b.line(
                [(dx, 0.26), (dx + 0.20 * facing, 0.25), (dx + 0.22 * facing, b.drop + 0.04)], 0.10, trousers
            )
        else:
            foot = dx + pose.step * m
            b.line([(dx, 0.28), (foot, 0.05)], 0.11, trousers)
            b.line([(foot, 0.04), (foot + 0.04 * (pose.facing or m), 0.04)], 0.08, shoes)


def _hair_behind(b: _Body, who: Person, hx: float, hair: RGB) -> None:
    if who.body == "woman":
        long = b.box(hx - 0.25, 0.44, hx + 0.25, 0.86)
        b.canvas.drawRoundRect(long, 0.16 * b.k, 0.16 * b.k, fill(mix(hair, (0, 0, 0), 0.14)))
    elif who.body == "girl":
        for e in (-1, 1):
            b.oval(hx + e * 0.28 - 0.10, 0.60, hx + e * 0.28 + 0.10, 0.82, mix(hair, (0, 0, 0), 0.1))


def _coat(b: _Body, who: Person, pose: Pose, wide: float, coat: RGB, skin: RGB) -> None:
    dark = mix(coat, (30, 10, 60), 0.2)
    elbow = -0.20 * wide - pose.step * 0.5
    b.line([(-0.13 * wide, 0.50), (elbow, 0.32)], 0.095, dark)
    b.oval(elbow - 0.05, 0.25, elbow + 0.05, 0.35, skin)
    hem = (0.27 if who.body in ("girl", "woman") else 0.20) * wide
    b.shape([(-0.13 * wide, 0.56), (0.13 * wide, 0.56), (hem, 0.20), (-hem, 0.20)], coat)
    b.shape([(0.05, 0.56), (0.13 * wide, 0.56), (hem, 0.20), (0.09, 0.20)], dark)
    rest_x = 0.20 * wide + pose.step * 0.5
    hand_x, hand_y = rest_x + (0.34 - rest_x) * pose.arm, 0.32 + (0.80 - 0.32) * pose.arm
    b.line([(0.14 * wide, 0.50), (hand_x, hand_y)], 0.095, mix(coat, WHITE, 0.10))
    b.oval(hand_x - 0.055, hand_y - 0.03, hand_x + 0.055, hand_y + 0.08, skin)


def _face(b: _Body, who: Person, pose: Pose, hx: float, hair: RGB, skin: RGB, lit: Lit) -> None:
    r, hy = HEAD_R, HEAD_Y
    b.oval(hx - r, hy - r * 0.95, hx + r, hy + r, skin)
    if who.body == "man":  # a beard
        x, y = b.at(hx - r, hy - 0.03)
        b.canvas.save()
        b.canvas.clipRect(rect(x - b.k, y, x + 2 * b.k, y + b.k))
        b.oval(hx - r, hy - r * 1.05, hx + r, hy + r, hair)
        b.canvas.restore()
        lip = hx + 0.07 * pose.facing
        b.oval(lip - 0.09, hy - 0.13, lip + 0.09, hy - 0.02, skin)
    fx = hx + 0.075 * pose.facing
    for e in (-1, 1):
        ex, cheek = fx + e * 0.088, fx + e * 0.15
        b.oval(ex - 0.042, hy - 0.035, ex + 0.042, hy + 0.085, lit((40, 30, 48)))
        b.oval(ex - 0.004, hy + 0.03, ex + 0.03, hy + 0.065, WHITE)
        b.oval(cheek - 0.035, hy - 0.09, cheek + 0.035, hy - 0.04, lit((240, 110, 100)), 110)
    mouth = skia.Path()
    mouth.moveTo(*b.at(fx - 0.045, hy - 0.085))
    mouth.quadTo(*b.at(fx, hy - 0.125), *b.at(fx + 0.045, hy - 0.085))
    b.canvas.drawPath(mouth, stroke(mix(skin, (130, 20, 40), 0.75), 0.024 * b.k))


def _hair_front(b: _Body, hx: float, hair: RGB) -> None:
    r, hy = HEAD_R, HEAD_Y
    path = skia.Path()
    path.moveTo(*b.at(hx - r * 1.07, hy))
    path.cubicTo(
        *b.at(hx - r * 1.12, hy + r * 1.5), *b.at(hx + r * 1.12, hy + r * 1.5), *b.at(hx + r * 1.07, hy)
    )
    path.cubicTo(*b.at(hx + r * 0.9, hy + 0.13), *b.at(hx - r * 0.2, hy + 0.14), *b.at(hx - r * 1.07, hy))
    path.close()
    b.canvas.drawPath(path, fill(hair))


def _bare(b: _Body, hx: float, lit: Lit) -> None:
    """No hat."""


def _beanie(b: _Body, hx: float, lit: Lit) -> None:
    r, hy, c = HEAD_R, HEAD_Y, lit((60, 176, 176))
    pale = mix(c, WHITE, 0.45)
    path = skia.Path()
    path.moveTo(*b.at(hx - r * 1.1, hy + 0.09))
    path.cubicTo(*b.at(hx - r, hy + 0.36), *b.at(hx + r, hy + 0.36), *b.at(hx + r * 1.1, hy + 0.09))
    path.close()
    b.canvas.drawPath(path, fill(c))
    b.line([(hx - r * 0.98, hy + 0.12), (hx + r * 0.98, hy + 0.12)], 0.075, pale)
    b.oval(hx - 0.055, hy + 0.26, hx + 0.055, hy + 0.37, pale)


def _top_hat(b: _Body, hx: float, lit: Lit) -> None:
    hy, c = HEAD_Y, lit((52, 46, 62))
    b.canvas.drawRect(b.box(hx - 0.16, hy + 0.13, hx + 0.16, hy + 0.42), fill(c))
    b.line([(hx - 0.14, hy + 0.19), (hx + 0.14, hy + 0.19)], 0.06, lit((206, 60, 60)))
    b.line([(hx - 0.27, hy + 0.13), (hx + 0.27, hy + 0.13)], 0.05, c)


def _straw_hat(b: _Body, hx: float, lit: Lit) -> None:
    hy, c = HEAD_Y, lit((240, 206, 120))
    b.oval(hx - 0.38, hy + 0.07, hx + 0.38, hy + 0.20, c)
    crown = b.box(hx - 0.18, hy + 0.14, hx + 0.18, hy + 0.32)
    b.canvas.drawRoundRect(crown, 0.08 * b.k, 0.08 * b.k, fill(mix(c, WHITE, 0.25)))
    b.line([(hx - 0.16, hy + 0.165), (hx + 0.16, hy + 0.165)], 0.05, lit((206, 90, 60)))


_HATS = {"bare": _bare, "beanie": _beanie, "top hat": _top_hat, "straw hat": _straw_hat}
