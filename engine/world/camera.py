"""A perspective camera over layers: framing by scale and angle, and the nine movements.

World units: a grown figure is one unit tall and stands at z = 0; z grows away from the camera.
"""

from __future__ import annotations

from engine.world.story import WorldShot

WIDTH, HEIGHT = 256, 128  # native frame, pixels

# in frame heights: the figure, the focal length, and (horizon, feet) for each angle
FRAMING: dict[str, tuple[float, float, dict[str, tuple[float, float]]]] = {
    "extreme long shot": (
        0.36,
        1.2,
        {"eye level": (0.56, 0.84), "low angle": (0.76, 0.92), "high angle": (0.28, 0.78)},
    ),
    "long shot": (
        0.54,
        1.3,
        {"eye level": (0.54, 0.92), "low angle": (0.80, 0.95), "high angle": (0.24, 0.90)},
    ),
    "medium shot": (
        1.05,
        1.7,
        {"eye level": (0.50, 1.18), "low angle": (0.84, 1.16), "high angle": (0.16, 1.18)},
    ),
    "close-up": (
        1.75,
        2.3,
        {"eye level": (0.56, 1.68), "low angle": (0.90, 1.66), "high angle": (0.12, 1.70)},
    ),
}
DOLLY = 1.2  # a dolly makes the figure this much larger or smaller on each side of the middle
PAN = 0.24  # frame widths that a pan or truck travels
TILT = 0.22  # frame heights that a tilt travels
PIVOT = 0.45  # a dolly keeps this height of the frame in place
ROLL = 8.0  # degrees of a dutch angle


class Camera:
    """Projects world points of one shot at moment `t` (0 start, 1 end)."""

    def __init__(self, shot: WorldShot, t: float) -> None:
        figure, focal, table = FRAMING[shot.scale]
        horizon, feet = table["eye level" if shot.angle == "dutch angle" else shot.angle]
        m = t - 0.5
        near, far = DOLLY, 1 / DOLLY
        zoom, tilt, pan, truck = 1.0, 0.0, 0.0, 0.0
        if shot.movement == "dolly in":
            zoom = far + (near - far) * t
        elif shot.movement == "dolly out":
            zoom = near + (far - near) * t
        elif shot.movement.startswith("pan"):
            pan = PAN * m * (1 if shot.movement == "pan right" else -1)
        elif shot.movement.startswith("truck"):
            truck = PAN * m * (1 if shot.movement == "truck right" else -1)
        elif shot.movement.startswith("tilt"):
            tilt = TILT * m * (1 if shot.movement == "tilt up" else -1)
        self.roll = ROLL if shot.angle == "dutch angle" else 0.0
        self.focal = focal * HEIGHT
        self.distance = self.focal / (figure * HEIGHT) / zoom
        self.horizon = (PIVOT + (horizon - PIVOT) * (1 + (zoom - 1) * 0.35) + tilt) * HEIGHT
        ground = (PIVOT + (feet - PIVOT) * zoom + tilt) * HEIGHT
        self.height = (ground - self.horizon) * self.distance / self.focal
        self.truck = truck * WIDTH * self.distance / self.focal  # world units: near things move more
        self.pan = pan * WIDTH  # pixels: everything moves alike

    def project(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """World point -> (pixel x, pixel y, pixels a unit at that depth)."""
        k = self.focal / max(0.05, z + self.distance)
        return WIDTH / 2 - self.pan + (x - self.truck) * k, self.horizon + (self.height - y) * k, k
