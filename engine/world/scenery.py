"""The eight settings: three to six big objects, mirrored by `side`, two variants, three palettes."""

from __future__ import annotations

from collections.abc import Callable

import skia

from engine.world import props
from engine.world.camera import HEIGHT, WIDTH
from engine.world.draw import Painter, fill, gradient, rect
from engine.world.palette import RGB, SNOW, WHITE, mix

RAIN_COLUMNS, SNOW_COLUMNS, ROWS = 6, 6, 3


def background(p: Painter, close: bool) -> None:
    """Everything behind the figures; a close shot leaves out what would crowd the face."""
    if not p.indoors:
        sky(p)
    SETTINGS[p.location.setting](p, not close)
    if p.weather == "fog":
        y, fog = p.camera.horizon, p.bottom
        bank = gradient(y - HEIGHT * 0.25, y + HEIGHT * 0.3, [(*fog, 0), (*fog, 130), (*fog, 0)])
        p.canvas.drawRect(rect(-WIDTH, y - HEIGHT * 0.25, 2 * WIDTH, y + HEIGHT * 0.3), bank)


def precipitation(p: Painter) -> None:
    """Large, patterned rain and snow in front of everything."""
    if p.weather == "rain":
        for i in range(RAIN_COLUMNS):
            for j in range(ROWS):
                x = (i + 0.5 * (j % 2) + 0.25) * WIDTH / RAIN_COLUMNS
                y = (j + 0.25) * HEIGHT / ROWS
                p.canvas.drawLine(x, y, x - 8, y + 24, _rain())
    elif p.weather == "snow":
        for i in range(SNOW_COLUMNS):
            for j in range(ROWS):
                x = (i + 0.5 * (j % 2) + 0.25) * WIDTH / SNOW_COLUMNS
                p.canvas.drawCircle(x, (j + 0.5) * HEIGHT / ROWS, 4.5, fill(WHITE, 235))


def _rain() -> skia.Paint:
    paint = fill((232, 240, 252), 150)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(3)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    return paint


def sky(p: Painter) -> None:
    y, side = p.camera.horizon, p.location.side
    p.canvas.drawPaint(gradient(min(y - HEIGHT * 0.9, 0), y, [p.top, p.bottom]))
    if p.weather in ("clear", "snow"):
        light = p.light
        x = WIDTH * (0.5 - 0.27 * side) - p.camera.pan
        sun_y, r = y - HEIGHT * light.sun_height, HEIGHT * light.sun_radius
        p.canvas.drawCircle(x, sun_y, r * 1.7, fill(light.sun, 70))
        p.canvas.drawCircle(x, sun_y, r, fill(light.sun))
    if p.story.time == "day" and p.weather == "clear":
        for cx, cy in ((0.16, 0.52), (0.72, 0.62)):
            props.cloud(p, WIDTH * (0.5 + (cx - 0.5) * side) - p.camera.pan, y - HEIGHT * cy)


def forest(p: Painter, far: bool) -> None:
    sd = p.location.side
    leaf: RGB = ((40, 118, 78), (86, 146, 56), (206, 122, 44))[p.location.palette]
    p.hill(-8 * sd, 30, 60, 8, mix(leaf, (120, 150, 170), 0.5))
    p.ground((112, 164, 84))
    if far:
        p.strip((-0.9, 0.9, -4), (0.3 * sd, 0.9 * sd, 12), (222, 190, 136))
    tree = props.pine if p.location.variant == 0 else props.broadleaf
    trees = ((-5.2, 8, 4.4), (4.6, 7, 4.0), (-2.3, 3.2, 3.0), (2.5, 2.6, 2.8))
    for x, z, h in trees if far else trees[2:]:
        tree(p, x * sd, z, h, leaf)


def city(p: Painter, far: bool) -> None:
    sd, v = p.location.side, p.location.variant
    walls: tuple[RGB, RGB, RGB] = (
        ((226, 116, 84), (246, 200, 130), (120, 150, 186)),
        ((120, 150, 190), (176, 190, 206), (90, 116, 160)),
        ((244, 206, 150), (232, 150, 130), (150, 196, 176)),
    )[p.location.palette]
    p.ground((108, 110, 124))
    p.strip((-30, 30, 0.9), (-30, 30, 3.6), SNOW if p.snowy else (190, 184, 176))
    heights = (3.4, 4.6, 2.8, 4.0, 3.2)
    for i in range(5):
        props.house(p, (i - 2) * 3.0 * sd, 3.6, 2.94, heights[(i + 2 * v) % 5], walls[(i + v) % 3], (2, 3))
    props.lamp(p, 1.9 * sd, 1.2)


def beach(p: Painter, far: bool) -> None:
    sd, pal = p.location.side, p.location.palette
    p.sea((40, 160, 190), 4.2)
    if far:
        props.boat(p, -4.5 * sd, 14, 3.4, (220, 80, 70))
    p.ground((246, 216, 154), 4.2)
    leaf: RGB = ((44, 140, 84), (96, 160, 60), (30, 120, 110))[pal]
    props.palm(p, 2.1 * sd, 1.8, 2.8, leaf)
    if p.location.variant:
        shade: RGB = ((228, 64, 60), (50, 110, 210), (250, 180, 50))[pal]
        props.umbrella(p, -1.9 * sd, 1.6, shade)
    else:
        props.palm(p, -2.8 * sd, 3.2, 2.4, (44, 130, 84))


def desert(p: Painter, far: bool) -> None:
    sd, v = p.location.side, p.location.variant
    rock: RGB = ((204, 100, 68), (176, 96, 110), (214, 140, 80))[p.location.palette]
    props.mesa(p, -9 * sd, 26, 9, 6.5, rock)
    if far:
        props.mesa(p, 8 * sd, 26, 12, 4.2 + 2 * v, rock)
    p.ground((240, 192, 116))
    p.hill(3 * sd, 9, 16, 0.9, (246, 204, 130))
    props.cactus(p, -1.9 * sd, 1.8, 1.7)
    if v:
        props.cactus(p, 2.5 * sd, 3.2, 1.4)


def mountains(p: Painter, far: bool) -> None:
    sd = p.location.side
    rock: RGB = ((116, 134, 178), (148, 128, 150), (110, 146, 160))[p.location.palette]
    p.peak(-9 * sd, 30, 26, 15, rock)
    if far:
        p.peak(9 * sd, 30, 20, 10, mix(rock, (90, 100, 140), 0.3))
    p.ground((128, 168, 96))
    p.hill(5 * sd, 10, 16, 1.4, SNOW if p.snowy else (110, 152, 88))
    props.pine(p, 2.2 * sd, 2.2, 2.4, (40, 110, 86))
    if p.location.variant:
        props.pine(p, -2.4 * sd, 3.2, 2.6, (40, 110, 86))


def castle(p: Painter, far: bool) -> None:
    sd = p.location.side
    wall, roof = (
        ((196, 192, 200), (214, 70, 66)),
        ((226, 206, 170), (60, 104, 190)),
        ((166, 176, 204), (128, 74, 168)),
    )[p.location.palette]
    p.hill(6 * sd, 24, 40, 4, (120, 160, 120))
    p.ground((124, 172, 88))
    props.tower(p, 2.6 * sd, 9, 4.2, 2.4, wall, None)
    props.tower(p, 0.5 * sd, 9, 1.5, 3.6, wall, roof)
    props.tower(p, 4.7 * sd, 9, 1.5, 3.6 + p.location.variant, wall, roof)
    if far:
        px, py, k = p.camera.project(2.6 * sd, 0, 9)
        gate = rect(px - 0.6 * k, py - 1.3 * k, px + 0.6 * k, py + 0.4 * k)
        p.canvas.drawRoundRect(gate, 0.6 * k, 0.6 * k, fill(p.shade((84, 60, 60), 9)))
        p.strip((-0.9, 0.9, -4), (2.1 * sd, 3.1 * sd, 9), (230, 206, 160))
    props.broadleaf(p, -2.4 * sd, 3.4, 2.4, (76, 140, 76))


def harbour(p: Painter, far: bool) -> None:
    sd, pal = p.location.side, p.location.palette
    p.hill(10 * sd, 40, 50, 5, (110, 136, 160))
    p.sea((44, 116, 156), 2.6)
    if far:
        walls: tuple[RGB, RGB, RGB] = ((228, 110, 84), (248, 204, 124), (120, 170, 196))
        for i in range(3):
            props.house(p, -(3.2 + 3.1 * i) * sd, 11, 2.8, 2.4, walls[(i + pal) % 3], (2, 1), (134, 76, 66))
    hull: RGB = ((214, 60, 56), (50, 100, 190), (40, 140, 110))[pal]
    props.boat(p, 2.4 * sd, 5.0, 2.6, hull)
    p.ground((186, 142, 102), 2.6)
    p.strip((-30, 30, 2.3), (-30, 30, 2.6), (130, 92, 72))
    if p.location.variant:
        props.lamp(p, -1.9 * sd, 1.2)


def room(p: Painter, far: bool) -> None:
    sd, v, depth = p.location.side, p.location.variant, 2.2
    wall, soft = (
        ((232, 204, 160), (206, 84, 70)),
        ((150, 190, 196), (236, 170, 70)),
        ((222, 164, 150), (90, 120, 180)),
    )[p.location.palette]

    def panel(x0: float, y0: float, x1: float, y1: float, paint: skia.Paint | RGB) -> None:
        a, b = p.camera.project(x0 * sd, y1, depth), p.camera.project(x1 * sd, y0, depth)
        box = rect(min(a[0], b[0]), a[1], max(a[0], b[0]), b[1])
        p.canvas.drawRect(box, paint if isinstance(paint, skia.Paint) else fill(p.shade(paint, 0)))

    floor = p.camera.project(0, 0, depth)[1]
    p.canvas.drawPaint(fill(p.shade(wall, 0)))
    p.canvas.drawRect(rect(-WIDTH, floor, 2 * WIDTH, HEIGHT * 1.6), fill(p.shade((164, 114, 80), 0)))
    if far:
        p.strip((-2.0, 2.0, -0.6), (-1.7, 1.7, 1.6), soft)
    top, bottom = p.camera.project(0, 2.0, depth)[1], p.camera.project(0, 0.7, depth)[1]
    panel(0.75, 0.6, 2.25, 2.1, (250, 244, 232))
    panel(0.87, 0.7, 2.13, 2.0, gradient(top, bottom, [p.light.top, p.light.bottom]))
    panel(1.46, 0.7, 1.54, 2.0, (250, 244, 232))
    if p.story.time == "night":
        x, y, k = p.camera.project(1.8 * sd, 1.7, depth)
        p.canvas.drawCircle(x, y, 0.14 * k, fill((246, 244, 226)))
    for x in (0.45, 2.2):
        panel(x, 0.45, x + 0.36, 2.25, soft)
    if v:
        panel(-2.4, 0, -1.2, 2.0, (122, 80, 60))
        books: tuple[RGB, RGB, RGB] = ((206, 84, 70), (90, 120, 180), (236, 190, 90))
        for j, c in enumerate(books):
            panel(-2.28, 0.15 + j * 0.62, -1.32, 0.60 + j * 0.62, c)
    else:
        panel(-2.2, 0.95, -1.0, 1.8, (214, 170, 84))
        panel(-2.08, 1.05, -1.12, 1.7, mix(soft, WHITE, 0.55))


SETTINGS: dict[str, Callable[[Painter, bool], None]] = {
    "forest": forest,
    "city": city,
    "beach": beach,
    "desert": desert,
    "mountains": mountains,
    "room": room,
    "castle": castle,
    "harbour": harbour,
}
