"""Colours of the world as RGB bytes, and the light of each time of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RGB = tuple[float, float, float]

WHITE: RGB = (255, 255, 255)
SNOW: RGB = (234, 240, 248)

COATS: dict[str, RGB] = {
    "red": (216, 44, 44),
    "blue": (44, 92, 208),
    "green": (36, 150, 78),
    "yellow": (246, 200, 40),
    "purple": (124, 60, 176),
    "orange": (244, 124, 30),
    "white": (246, 244, 238),
    "pink": (244, 140, 180),
}
HAIRS: dict[str, RGB] = {
    "black": (46, 38, 50),
    "brown": (124, 76, 44),
    "blond": (240, 206, 112),
    "ginger": (204, 92, 40),
    "grey": (186, 188, 198),
}
SKINS: tuple[RGB, ...] = ((252, 216, 186), (222, 170, 130), (140, 94, 66))


@dataclass(frozen=True)
class Light:
    """Sky gradient, tint on objects, sun or moon (height and radius in frame heights)."""

    top: RGB
    bottom: RGB
    tint: RGB
    sun: RGB
    sun_height: float
    sun_radius: float


LIGHTS: dict[str, Light] = {
    "day": Light((84, 170, 236), (206, 236, 246), (1, 1, 1), (255, 246, 190), 0.34, 0.10),
    "dusk": Light((88, 62, 140), (255, 150, 84), (1.0, 0.78, 0.72), (255, 212, 120), 0.13, 0.14),
    "night": Light((18, 26, 78), (70, 98, 168), (0.60, 0.68, 0.94), (246, 244, 226), 0.34, 0.10),
    "dawn": Light((136, 172, 230), (255, 204, 190), (1.0, 0.92, 0.90), (255, 240, 206), 0.16, 0.12),
}
INDOOR_TINT: dict[str, RGB] = {
    "day": (1, 1, 1),
    "dawn": (1, 0.94, 0.90),
    "dusk": (0.94, 0.76, 0.66),
    "night": (0.66, 0.62, 0.72),
}


def mix(a: Sequence[float], b: Sequence[float], t: float) -> RGB:
    """The colour at `t` of the way from `a` to `b`."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def multiply(a: Sequence[float], b: Sequence[float]) -> RGB:
    """Colour `a` under the tint `b`."""
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])
