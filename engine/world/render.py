"""From a story and a shot to pixels: the start frame (t = 0), the end frame (t = 1), or any moment."""

from __future__ import annotations

import numpy as np
import skia

from engine.world.camera import HEIGHT, WIDTH, Camera
from engine.world.draw import Painter
from engine.world.figure import CHILD, draw_figure, staging
from engine.world.scenery import background, precipitation
from engine.world.story import Story, WorldShot

Box = tuple[float, float, float, float]


def render(story: Story, shot: WorldShot, t: float, factor: int = 1) -> np.ndarray:
    """One frame, (128 * factor, 256 * factor, 3) RGB bytes; a larger factor is drawn, not scaled."""
    surface = skia.Surface(WIDTH * factor, HEIGHT * factor)
    canvas = surface.getCanvas()
    canvas.scale(factor, factor)
    camera = Camera(shot, t)
    painter = Painter(canvas, camera, story, story.locations[shot.location])
    canvas.save()
    if camera.roll:
        canvas.translate(WIDTH / 2, HEIGHT / 2)
        canvas.rotate(camera.roll)
        canvas.scale(1.18, 1.18)  # so that the turned frame has no empty corners
        canvas.translate(-WIDTH / 2, -HEIGHT / 2)
    background(painter, close=shot.scale == "close-up")
    for pose in staging(shot, t):
        draw_figure(painter, story.people[pose.person], pose)
    canvas.restore()
    precipitation(painter)
    pixels = surface.toarray(colorType=skia.kRGBA_8888_ColorType)
    return np.ascontiguousarray(pixels[:, :, :3])


def figure_boxes(story: Story, shot: WorldShot, t: float) -> list[Box]:
    """(x0, y0, x1, y1) pixels of each figure, hats included; the roll of a dutch angle is ignored."""
    camera, boxes = Camera(shot, t), []
    for pose in staging(shot, t):
        px, py, k = camera.project(pose.x, 0, 0)
        k *= CHILD if story.people[pose.person].body in ("girl", "boy") else 1.0
        boxes.append((px - 0.38 * k, py - 1.12 * k, px + 0.38 * k, py))
    return boxes
