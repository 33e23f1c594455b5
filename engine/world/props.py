"""The things that stand in the world: trees, houses, boats, lamps. Each is drawn at a world point."""

from __future__ import annotations

import skia

from engine.world.draw import Painter, fill, polygon, rect, stroke
from engine.world.palette import RGB, SNOW, WHITE, mix

LAMPLIGHT: RGB = (255, 220, 120)


def pine(p: Painter, x: float, z: float, h: float, c: RGB) -> None:
    px, py, k = p.camera.project(x, 0, z)
    hk, leaf = h * k, p.shade(c, z)
    lit = p.shade(SNOW, z) if p.snowy else mix(leaf, (255, 255, 235), 0.16)
    _trunk(p, px, py, hk, z)
    for i, w in enumerate((0.30, 0.22)):
        y0 = py - hk * (0.16 + 0.34 * i)
        y1 = y0 - hk * 0.50
        p.canvas.drawPath(polygon([(px - hk * w, y0), (px, y1), (px + hk * w, y0)]), fill(leaf))
        p.canvas.drawPath(polygon([(px - hk * w, y0), (px, y1), (px - hk * w * 0.2, y0)]), fill(lit))


def broadleaf(p: Painter, x: float, z: float, h: float, c: RGB) -> None:
    px, py, k = p.camera.project(x, 0, z)
    hk, leaf = h * k, p.shade(c, z)
    lit = p.shade(SNOW, z) if p.snowy else mix(leaf, (255, 255, 235), 0.16)
    _trunk(p, px, py, hk, z)
    for dx, dy, r in ((-0.17, 0.58, 0.19), (0.17, 0.58, 0.19), (0, 0.76, 0.24)):
        p.canvas.drawCircle(px + dx * hk, py - dy * hk, r * hk, fill(leaf))
    p.canvas.drawCircle(px - 0.06 * hk, py - 0.80 * hk, 0.14 * hk, fill(lit))


def _trunk(p: Painter, px: float, py: float, hk: float, z: float) -> None:
    p.canvas.drawRect(
        rect(px - hk * 0.05, py - hk * 0.5, px + hk * 0.05, py), fill(p.shade((104, 72, 54), z))
    )


def house(
    p: Painter,
    x: float,
    z: float,
    w: float,
    h: float,
    c: RGB,
    windows: tuple[int, int],
    roof: RGB | None = None,
) -> None:
    px, py, k = p.camera.project(x, 0, z)
    wall = p.shade(c, z)
    left, top, wk, hk = px - w * k / 2, py - h * k, w * k, h * k
    p.canvas.drawRect(rect(left, top, left + wk, py + 1), fill(wall))
    if roof:
        gable = [(left - wk * 0.08, top), (px, top - wk * 0.42), (left + wk * 1.08, top)]
        p.canvas.drawPath(polygon(gable), fill(p.shade(SNOW if p.snowy else roof, z)))
    pane = mix(LAMPLIGHT, p.bottom, 0.1) if p.lamps_lit else mix(wall, (40, 60, 110), 0.5)
    nx, ny = windows
    for i in range(nx):
        for j in range(ny):
            x0, y0 = left + wk * (i + 0.27) / nx, top + hk * (j + 0.3) / (ny + 0.4)
            p.canvas.drawRect(rect(x0, y0, x0 + wk * 0.46 / nx, y0 + hk * 0.5 / (ny + 0.4)), fill(pane))


def lamp(p: Painter, x: float, z: float, h: float = 1.9) -> None:
    px, py, k = p.camera.project(x, 0, z)
    p.canvas.drawRect(rect(px - 0.045 * k, py - h * k, px + 0.045 * k, py), fill(p.shade((52, 54, 70), z)))
    if p.lamps_lit:
        p.canvas.drawCircle(px, py - h * k, 0.42 * k, fill((255, 216, 120), 90))
    bulb = (255, 236, 170) if p.lamps_lit else p.shade((236, 238, 230), z)
    p.canvas.drawCircle(px, py - h * k, 0.19 * k, fill(bulb))


def boat(p: Painter, x: float, z: float, w: float, c: RGB) -> None:
    px, py, k = p.camera.project(x, 0, z)
    w *= k
    hull = [(-0.5, -0.2), (0.5, -0.2), (0.34, 0.04), (-0.34, 0.04)]
    main = [(0.02, -1.0), (0.02, -0.25), (0.44, -0.25)]
    jib = [(-0.04, -0.86), (-0.04, -0.25), (-0.34, -0.25)]
    for shape, colour in ((hull, c), (main, (250, 246, 236)), (jib, (226, 222, 214))):
        points = [(px + dx * w, py + dy * w) for dx, dy in shape]
        p.canvas.drawPath(polygon(points), fill(p.shade(colour, z)))


def palm(p: Painter, x: float, z: float, h: float, c: RGB) -> None:
    px, py, k = p.camera.project(x, 0, z)
    hk = h * k
    tx, ty = px - 0.14 * hk * p.location.side, py - hk * 0.85
    trunk = skia.Path()
    trunk.moveTo(px, py)
    trunk.quadTo(px, py - hk * 0.5, tx, ty)
    p.canvas.drawPath(trunk, stroke(p.shade((150, 106, 70), z), max(1.5, 0.08 * hk)))
    for ex, ey in ((-0.42, 0.10), (0.42, 0.10), (-0.30, -0.16), (0.30, -0.16), (0, -0.24)):
        frond = skia.Path()
        frond.moveTo(tx, ty)
        frond.quadTo(tx + ex * hk * 0.5, ty + ey * hk - 0.16 * hk, tx + ex * hk, ty + ey * hk)
        p.canvas.drawPath(frond, stroke(p.shade(c, z), max(1.5, 0.09 * hk)))


def umbrella(p: Painter, x: float, z: float, c: RGB) -> None:
    px, py, k = p.camera.project(x, 0, z)
    r = 0.75 * k
    p.canvas.drawRect(rect(px - 0.03 * k, py - 1.2 * k, px + 0.03 * k, py), fill(p.shade((236, 236, 230), z)))
    for part, colour in ((1.0, c), (0.42, (250, 246, 236))):
        oval = rect(px - r * part, py - 1.2 * k - r * 0.5, px + r * part, py - 1.2 * k + r * 0.5)
        p.canvas.drawArc(oval, 180, 180, True, fill(p.shade(colour, z)))


def cactus(p: Painter, x: float, z: float, h: float) -> None:
    px, py, k = p.camera.project(x, 0, z)
    hk, c = h * k, p.shade((58, 136, 84), z)
    p.canvas.drawLine(px, py - hk * 0.06, px, py - hk * 0.88, stroke(c, hk * 0.22))
    for side, y0, y1 in ((1, 0.36, 0.70), (-1, 0.26, 0.54)):
        arm = skia.Path()
        arm.moveTo(px, py - hk * y0)
        arm.lineTo(px + side * hk * 0.30, py - hk * y0)
        arm.lineTo(px + side * hk * 0.30, py - hk * y1)
        p.canvas.drawPath(arm, stroke(c, hk * 0.15))


def mesa(p: Painter, x: float, z: float, w: float, h: float, c: RGB) -> None:
    outline = ((-0.5, 0), (-0.36, 1), (0.36, 1), (0.5, 0))
    points = [p.camera.project(x + dx * w * p.location.side, y * h, z)[:2] for dx, y in outline]
    p.canvas.drawPath(polygon(points), fill(p.shade(c, z)))


def tower(p: Painter, x: float, z: float, w: float, h: float, wall: RGB, roof: RGB | None) -> None:
    px, py, k = p.camera.project(x, 0, z)
    stone = p.shade(wall, z)
    p.canvas.drawRect(rect(px - w * k / 2, py - h * k, px + w * k / 2, py), fill(stone))
    p.canvas.drawRect(rect(px + w * k * 0.16, py - h * k, px + w * k / 2, py), fill((20, 20, 60), 36))
    if roof:
        cone = [
            (px - w * k * 0.66, py - h * k),
            (px, py - h * k - w * k * 1.3),
            (px + w * k * 0.66, py - h * k),
        ]
        p.canvas.drawPath(polygon(cone), fill(p.shade(roof, z)))
    pane = (255, 216, 120) if p.lamps_lit else p.shade((70, 76, 110), z)
    y0 = py - h * k * 0.8
    p.canvas.drawOval(rect(px - w * k * 0.14, y0, px + w * k * 0.14, y0 + w * k * 0.44), fill(pane))


def cloud(p: Painter, x: float, y: float) -> None:
    """A cloud at a pixel."""
    for dx, r in ((-12, 7), (0, 11), (13, 8)):
        p.canvas.drawCircle(x + dx, y - r * 0.3, r, fill(WHITE, 220))
