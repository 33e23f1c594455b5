"""Skia in a few short words: paints, polygons, and a painter that shades by depth, light and fog."""

from __future__ import annotations

import math
from collections.abc import Sequence

import skia

from engine.world.camera import HEIGHT, WIDTH, Camera
from engine.world.palette import INDOOR_TINT, LIGHTS, RGB, SNOW, WHITE, mix, multiply
from engine.world.story import Location, Story

Point = tuple[float, float]
rect = skia.Rect


def argb(c: Sequence[float], alpha: float = 255) -> int:
    r, g, b = (int(max(0, min(255, v))) for v in c[:3])
    return int(skia.Color(r, g, b, int(alpha)))


def fill(c: Sequence[float], alpha: float = 255) -> skia.Paint:
    return skia.Paint(AntiAlias=True, Color=argb(c, alpha))


def stroke(c: Sequence[float], width: float, alpha: float = 255) -> skia.Paint:
    paint = fill(c, alpha)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


def gradient(y0: float, y1: float, colours: Sequence[Sequence[float]]) -> skia.Paint:
    """A vertical gradient; a colour of four values carries its alpha."""
    stops = [argb(c, c[3] if len(c) > 3 else 255) for c in colours]
    return skia.Paint(AntiAlias=True, Shader=skia.GradientShader.MakeLinear([(0, y0), (0, y1)], stops))


def polygon(points: Sequence[Point]) -> skia.Path:
    path = skia.Path()
    path.moveTo(*points[0])
    for p in points[1:]:
        path.lineTo(*p)
    path.close()
    return path


class Painter:
    """A canvas under one camera, one light and one weather."""

    def __init__(self, canvas: skia.Canvas, camera: Camera, story: Story, location: Location) -> None:
        self.canvas, self.camera, self.story, self.location = canvas, camera, story, location
        light = LIGHTS[story.time]
        self.indoors = location.setting == "room"
        self.weather = "clear" if self.indoors else story.weather
        grey = mix((sum(light.bottom) / 3,) * 3, (150, 160, 180), 0.15)
        cover = {"clear": 0.0, "fog": 0.55, "snow": 0.4, "rain": 0.6}[self.weather]
        self.top: RGB = mix(light.top, mix(grey, light.top, 0.35), cover)
        self.bottom: RGB = mix(light.bottom, grey, cover)
        self.light = light
        self.tint: RGB = multiply(light.tint, (0.82, 0.86, 0.92)) if self.weather == "rain" else light.tint
        self.fog = {"clear": 0.016, "fog": 0.14, "snow": 0.03, "rain": 0.035}[self.weather]
        if self.indoors:
            self.tint, self.fog = INDOOR_TINT[story.time], 0.002
        self.lamps_lit = story.time in ("night", "dusk")
        self.snowy = self.weather == "snow"

    def shade(self, c: Sequence[float], z: float) -> RGB:
        """A colour under the light, behind the haze of its depth."""
        return mix(
            multiply(c, self.tint), self.bottom, 1 - math.exp(-self.fog * max(0.0, z + self.camera.distance))
        )

    # ---- shapes in world units

    def strip(self, near: tuple[float, float, float], far: tuple[float, float, float], c: RGB) -> None:
        """A flat band on the ground between two edges, each (x left, x right, z)."""
        corners = ((near[0], near[2]), (near[1], near[2]), (far[1], far[2]), (far[0], far[2]))
        points = [self.camera.project(x, 0, z)[:2] for x, z in corners]
        self.canvas.drawPath(polygon(points), fill(self.shade(c, max(0.0, far[2]))))

    def ground(self, c: RGB, z: float | None = None) -> None:
        """The ground up to the horizon, or up to depth `z`."""
        y = self.camera.horizon if z is None else self.camera.project(0, 0, z)[1]
        c = SNOW if self.snowy else c
        if y < HEIGHT * 1.3:
            near, far = self.shade(c, 0), self.shade(mix(c, WHITE, 0.16), 5)
            paint = gradient(y, max(y + HEIGHT * 0.6, HEIGHT), [far, near])
            self.canvas.drawRect(rect(-WIDTH, y, 2 * WIDTH, HEIGHT * 1.6), paint)

    def sea(self, c: RGB, shore: float) -> None:
        y0, y1 = self.camera.horizon, self.camera.project(0, 0, shore)[1]
        if y1 > y0:
            paint = gradient(y0, y1, [mix(self.shade(c, 8), self.bottom, 0.3), self.shade(c, 2)])
            self.canvas.drawRect(rect(-WIDTH, y0, 2 * WIDTH, y1 + 1), paint)

    def hill(self, x: float, z: float, w: float, h: float, c: RGB) -> None:
        px, py, k = self.camera.project(x, 0, z)
        py = max(py, self.camera.horizon) + 2
        self.canvas.drawOval(
            rect(px - w * k / 2, py - h * k, px + w * k / 2, py + h * k), fill(self.shade(c, z))
        )

    def peak(self, x: float, z: float, w: float, h: float, c: RGB) -> None:
        """A two-sided mountain with a snow cap."""
        px, _, k = self.camera.project(x, 0, z)
        py = self.camera.horizon + 2
        left, top, right = (px - w * k / 2, py), (px, py - h * k), (px + w * k / 2, py)
        body = self.shade(c, z)
        self.canvas.drawPath(polygon([left, top, right]), fill(body))
        self.canvas.drawPath(
            polygon([top, right, (px + w * k * 0.04, py)]), fill(mix(body, (20, 20, 60), 0.16))
        )

        def toward(a: Point, b: Point, t: float) -> Point:
            return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t

        notch = (px - w * k * 0.03, py - h * k * 0.74)
        cap = [top, toward(top, left, 0.36), notch, toward(top, right, 0.36)]
        self.canvas.drawPath(polygon(cap), fill(self.shade(SNOW, z)))

    def shadow(self, x: float, z: float, w: float) -> None:
        px, py, k = self.camera.project(x, 0, z)
        self.canvas.drawOval(
            rect(px - w * k, py - w * k * 0.2, px + w * k, py + w * k * 0.2), fill((20, 20, 50), 80)
        )
