"""What the camera did between two frames: one similarity, guided by the movement that was asked for.

The search is exhaustive at a tiny size (every shift by FFT, for a ladder of zooms), so that large moves over
flat drawings are found where gradient methods stay in a local minimum; it is refined by optical flow and
RANSAC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.story import Movement

# OpenCV's stubs forget the type of pixels, so these names carry it for people: all are float32.
Image = NDArray[Any]
"""Height x width x 3, RGB in [0, 1]."""
Field = NDArray[Any]
"""Height x width x 2: where each pixel goes, as a displacement (x, y) in pixels."""
Matrix = NDArray[Any]
"""2 x 3: a similarity from pixels of one frame to pixels of the other one."""

COARSE = 64  # width in pixels of the exhaustive search
ZOOMS = tuple(float(z) for z in np.geomspace(0.62, 1 / 0.62, 17))
MIN_OVERLAP = 0.4  # of the frame: less in common is no camera move but another picture
TRUNCATE = 0.3  # error at which a pixel counts as simply different
DRIFT = 0.3  # frame widths: a camera that was asked to stand still does not go further; somebody walked


@dataclass(frozen=True)
class Expectation:
    """Which way pixels go under a camera movement: signs of the zoom and the shift (0: no say)."""

    zoom: int = 0
    x: int = 0
    y: int = 0


_EXPECTED = {
    Movement.STATIC: Expectation(),
    # The camera turns or travels to the left: the picture runs to the right.
    Movement.PAN_LEFT: Expectation(x=1),
    Movement.PAN_RIGHT: Expectation(x=-1),
    Movement.TRUCK_LEFT: Expectation(x=1),
    Movement.TRUCK_RIGHT: Expectation(x=-1),
    Movement.ARC_LEFT: Expectation(x=1),
    Movement.ARC_RIGHT: Expectation(x=-1),
    # Image rows count downwards: the camera looks up, and the picture sinks.
    Movement.TILT_UP: Expectation(y=1),
    Movement.TILT_DOWN: Expectation(y=-1),
    Movement.PEDESTAL_UP: Expectation(y=1),
    Movement.PEDESTAL_DOWN: Expectation(y=-1),
    Movement.CRANE_UP: Expectation(y=1),
    Movement.CRANE_DOWN: Expectation(y=-1),
    Movement.DOLLY_IN: Expectation(zoom=1),
    Movement.DOLLY_OUT: Expectation(zoom=-1),
    Movement.ZOOM_IN: Expectation(zoom=1),
    Movement.ZOOM_OUT: Expectation(zoom=-1),
}


def expectation(movement: Movement) -> Expectation:
    """The signs that a movement leads us to expect."""
    return _EXPECTED[movement]


def about_centre(zoom: float, x: float, y: float, width: int, height: int) -> Matrix:
    """A zoom about the centre of a frame, then a shift by (x, y) pixels."""
    cx, cy = (width - 1) / 2, (height - 1) / 2
    return np.array([[zoom, 0, cx - zoom * cx + x], [0, zoom, cy - zoom * cy + y]], np.float32)


def staged_move(movement: Movement, width: int, height: int) -> Matrix:
    """The asked movement at a moderate strength: what remains when two frames have nothing in common."""
    e = expectation(movement)
    return about_centre(1.18**e.zoom, 0.12 * e.x * width, 0.12 * e.y * height, width, height)


def invert(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float32)


def grid(height: int, width: int) -> Field:
    """The position (x, y) of every pixel."""
    return np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))


def displacement(matrix: Matrix, height: int, width: int) -> Field:
    """A similarity as a dense field."""
    at = grid(height, width)
    return np.asarray(at @ matrix[:, :2].T + matrix[:, 2] - at, np.float32)


def gather(image: NDArray[Any], field: Field) -> tuple[NDArray[Any], NDArray[Any]]:
    """The image seen through a field, and which pixels look inside the frame (half a pixel of slack)."""
    height, width = field.shape[:2]
    at = grid(height, width) + field
    seen = cv2.remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    x, y = at[..., 0], at[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return seen, inside


def difference(a: Image, b: Image) -> NDArray[Any]:
    """Error of each pixel: mean absolute difference over the colours, truncated."""
    return np.minimum(np.abs(a - b).mean(-1), TRUNCATE)


def _shift(matrix: Matrix, width: int, height: int) -> tuple[float, float]:
    """How far the centre of the frame goes, in frame widths and heights."""
    x, y = matrix[:, :2] @ np.array([width / 2, height / 2]) + matrix[:, 2]
    return float(x / width - 0.5), float(y / height - 0.5)


def _surprise(matrix: Matrix, width: int, height: int, expected: Expectation) -> float:
    """How far a similarity goes against the asked movement, from 0 to 1; small moves surprise nobody."""
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    x, y = _shift(matrix, width, height)
    measured = (np.log(zoom) / 0.2, x / 0.15, y / 0.15)
    amounts = []
    for value, sign in zip(measured, (expected.zoom, expected.x, expected.y), strict=True):
        value = float(np.clip(value, -1, 1))
        # With the asked direction: no surprise. Without one: a little. Against it: in full.
        amounts.append(max(0.0, -sign * value) if sign else 0.5 * abs(value))
    return float(max(amounts))


def misfit(a: Image, b: Image, matrix: Matrix, expected: Expectation) -> float:
    """How badly `b` seen through a similarity explains `a`: mean truncated error, and surprise as a prior."""
    height, width = a.shape[:2]
    seen, inside = gather(b, displacement(matrix, height, width))
    overlap = float(inside.mean())
    still = expected == Expectation()
    if overlap < MIN_OVERLAP or (still and max(map(abs, _shift(matrix, width, height))) > DRIFT):
        return TRUNCATE
    error = float(difference(a, seen)[inside].mean())
    return error * (1 + 0.25 * _surprise(matrix, width, height, expected)) + 0.02 * (1 - overlap)


def _shifts(a: Image, b: Image, zoom: float) -> list[tuple[float, Matrix]]:
    """The best shifts for one zoom, by the sum of squared differences over the overlap of all shifts."""
    height, width = a.shape[:2]
    matrix = about_centre(zoom, 0, 0, width, height)
    zoomed = cv2.warpAffine(a, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(np.ones((height, width), np.float32), matrix, (width, height))
    mask = (mask > 0.99).astype(np.float32)
    size = (2 * height, 2 * width)

    def spectrum(plane: NDArray[Any]) -> NDArray[Any]:
        return np.fft.rfft2(plane, size)

    whole = spectrum(np.ones((height, width), np.float32))
    area = np.fft.irfft2(np.conj(spectrum(mask)) * whole, size)
    total = np.conj(spectrum((zoomed**2).sum(-1) * mask)) * whole
    total += np.conj(spectrum(mask)) * spectrum((b**2).sum(-1))
    for c in range(3):
        total -= 2 * np.conj(spectrum(zoomed[..., c] * mask)) * spectrum(b[..., c])
    squares = np.fft.irfft2(total, size)
    cost = np.where(area > MIN_OVERLAP * height * width, squares / np.maximum(area, 1), np.inf)
    found = []
    for _ in range(2):
        y, x = np.unravel_index(int(np.argmin(cost)), cost.shape)
        dy, dx = int(y) - (size[0] if y >= height else 0), int(x) - (size[1] if x >= width else 0)
        found.append((float(cost[y, x]), about_centre(zoom, dx, dy, width, height)))
        rows, columns = np.arange(-3, 4) + int(y), np.arange(-3, 4) + int(x)
        cost[np.ix_(rows % size[0], columns % size[1])] = np.inf
    return found


def _scaled(matrix: Matrix, factor: float) -> Matrix:
    """The same similarity in pixels of a frame `factor` times as large."""
    out = matrix.copy()
    half = (factor - 1) / 2  # pixel centres: position p becomes factor * (p + 1/2) - 1/2
    linear = matrix[:, :2]
    out[:, 2] = factor * matrix[:, 2] + half - linear @ np.array([half, half], np.float32)
    return out


def _refined(a: Image, b: Image, matrix: Matrix, flow: cv2.DISOpticalFlow) -> Matrix | None:
    """One step of optical flow and RANSAC, from a similarity to a closer one."""
    height, width = a.shape[:2]
    seen, inside = gather(b, displacement(matrix, height, width))
    grey_a, grey_b = grey(a), grey(seen)
    residual = flow.calc(grey_a, grey_b, None)  # type: ignore[call-overload]
    error = difference(a, gather(seen, residual)[0])
    trusted = inside & (error < 0.06) & (edges(a) > 40)
    trusted[::2] = False  # a quarter of the pixels is plenty
    trusted[:, ::2] = False
    if trusted.sum() < 40:
        return None
    at = grid(height, width)
    start = at[trusted]
    end = (start + residual[trusted]) @ matrix[:, :2].T + matrix[:, 2]
    found, _ = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=1.2)
    return None if found is None else np.asarray(found, np.float32)


def grey(image: Image) -> NDArray[Any]:
    """8-bit luma, as the optical flow wants it."""
    return cv2.cvtColor((image * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)


def edges(image: Image) -> NDArray[Any]:
    """Strength of the edges of luma, in grey levels a pixel times eight."""
    plane = grey(image)
    return cv2.magnitude(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))


def camera_move(a: Image, b: Image, movement: Movement, flow: cv2.DISOpticalFlow) -> tuple[Matrix, float]:
    """The similarity that takes the pixels of `a` to those of `b`, and its misfit.

    Args:
        a, b: the two frames, alike in size.
        movement: the one that was asked for; it decides between explanations that fit about equally well.
        flow: the optical flow that refines the answer.
    """
    height, width = a.shape[:2]
    expected = expectation(movement)
    small = (COARSE, max(8, round(COARSE * height / width)))
    small_a, small_b = (cv2.resize(image, small, interpolation=cv2.INTER_AREA) for image in (a, b))
    found = sorted(
        (pair for zoom in ZOOMS for pair in _shifts(small_a, small_b, zoom)), key=lambda pair: pair[0]
    )
    half = (width // 2, height // 2)
    half_a, half_b = (cv2.resize(image, half, interpolation=cv2.INTER_AREA) for image in (a, b))
    candidates = [matrix for _, matrix in found[:10]] + [about_centre(1, 0, 0, *small)]
    ranked = sorted(
        (misfit(half_a, half_b, _scaled(m, half[0] / small[0]), expected), i)
        for i, m in enumerate(candidates)
    )
    best, cost = about_centre(1, 0, 0, width, height), np.inf
    for _, i in ranked[:3]:
        matrix = _scaled(candidates[i], width / small[0])
        fit = misfit(a, b, matrix, expected)
        for _ in range(3):
            closer = _refined(a, b, matrix, flow)
            if closer is None or (closer_fit := misfit(a, b, closer, expected)) >= fit:
                break
            matrix, fit = closer, closer_fit
        if fit < cost:
            best, cost = matrix, fit
    return best, float(cost)
