"""Where every pixel of one frame is in the other: the camera's move, then what moves within the picture.

A figure that walks across a third of the frame is out of reach of plain optical flow. So the field is chosen
pixel by pixel from a few hypotheses (camera, camera and optical flow, plain optical flow, standing still,
things found again elsewhere), by an edge-aware filtered cost: cost-volume filtering (Rhemann et al.,
2011) over motions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.story import Movement
from engine.video.camera import (
    Field,
    Image,
    Matrix,
    camera_move,
    difference,
    displacement,
    gather,
    grey,
    invert,
    staged_move,
)
from engine.video.things import Thing, find_things

Plane = NDArray[Any]

WORK = 320  # width in pixels at which motion is measured
LEFT_FRAME = 0.10  # cost of a pixel that leaves the frame: worse than a good match, better than a bad one
HIDDEN = 0.1  # cost of what is hidden in the other frame: it goes with the camera, unseen
TAKEN_ALONG = 0.06  # cost of the parts of a thing that are not found again: they go with it all the same
TORN = 0.1  # share of the picture where neighbours part ways: above it, motion tears figures into pieces
UNLIKE = 0.2  # mean trust below which two frames show different things; pairs of one scene have 0.3 and more


@dataclass(frozen=True)
class Motion:
    """The motion between two frames at working size (height x width).

    `forward` takes pixels of the first frame to the second one, `backward` the other way. `trust_*` is in [0,
    1]: how far a pixel and its partner agree. `depth_*` in [0, 1] says what moves against the camera's own
    motion, and is therefore taken to be in front. `alike` is False when the frames show different things:
    then both fields are only the asked camera movement, and a picture in between can but dissolve.
    """

    forward: Field
    backward: Field
    trust_forward: Plane
    trust_backward: Plane
    depth_forward: Plane
    depth_backward: Plane
    alike: bool


def measure(start: NDArray[Any], end: NDArray[Any], movement: Movement) -> Motion:
    """The motion between two 8-bit RGB frames of one size."""
    a, b = _working(start), _working(end)
    height, width = a.shape[:2]
    optical = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    matrix, _ = camera_move(a, b, movement, optical)
    objects = find_things(a, b, matrix)
    back = invert(matrix)
    forward = _choose(a, b, matrix, objects, optical)
    backward = _choose(b, a, back, [thing.back() for thing in objects], optical)
    camera, camera_back = displacement(matrix, height, width), displacement(back, height, width)
    found = _motion(a, b, (forward, backward), (camera, camera_back))
    if max(_parted(found.forward), _parted(found.backward)) > TORN:
        # The camera alone: what else moved has no partner then, and changes over in its two places.
        found = _motion(a, b, (camera, camera_back), (camera, camera_back))
    if float(found.trust_forward.mean() + found.trust_backward.mean()) / 2 < UNLIKE:
        move = staged_move(movement, width, height)
        return _dissolve(displacement(move, height, width), displacement(invert(move), height, width))
    return found


def measure_neighbours(one: NDArray[Any], other: NDArray[Any]) -> Motion:
    """The motion between two frames that follow each other in a clip: optical flow alone sees it."""
    a, b = _working(one), _working(other)
    still = np.zeros((*a.shape[:2], 2), np.float32)
    optical = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    fields = _with_flow(a, b, still, optical), _with_flow(b, a, still, optical)
    found = _motion(a, b, fields, (still, still))
    unlike = float(found.trust_forward.mean() + found.trust_backward.mean()) / 2 < UNLIKE
    torn = max(_parted(found.forward), _parted(found.backward)) > TORN
    return _dissolve(still, still) if torn or unlike else found


def _motion(a: Image, b: Image, fields: tuple[Field, Field], cameras: tuple[Field, Field]) -> Motion:
    """Fields there and back, with what they are worth; where there is no partner, that of what is around."""
    (forward, backward), (camera, camera_back) = fields, cameras
    trust_forward, trust_backward = _trust(a, b, forward, backward), _trust(b, a, backward, forward)
    depth_forward, depth_backward = _depth(forward, camera), _depth(backward, camera_back)
    return Motion(
        forward=_filled(forward, trust_forward, camera, depth_forward),
        backward=_filled(backward, trust_backward, camera_back, depth_backward),
        trust_forward=trust_forward,
        trust_backward=trust_backward,
        depth_forward=depth_forward,
        depth_backward=depth_backward,
        alike=True,
    )


def _parted(field: Field) -> float:
    """Share of pixels whose right or lower neighbour moves otherwise by more than three pixels."""
    right = np.linalg.norm(np.diff(field, axis=1), axis=-1)[:-1]
    below = np.linalg.norm(np.diff(field, axis=0), axis=-1)[:, :-1]
    return float((np.maximum(right, below) > 3).mean())


def _working(frame: NDArray[Any]) -> Image:
    """The frame at working size, in [0, 1], slightly blurred: drawn frames carry grain that is not motion."""
    height = max(16, round(WORK * frame.shape[0] / frame.shape[1]))
    smaller = frame.shape[1] > WORK
    image = cv2.resize(frame, (WORK, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.float32) / 255


def _dissolve(forward: Field, backward: Field) -> Motion:
    nothing = np.zeros(forward.shape[:2], np.float32)
    return Motion(forward, backward, nothing, nothing, nothing, nothing, alike=False)


def _guided(plane: Plane, guide: Plane, radius: int = 6, epsilon: float = 4e-4) -> Plane:
    """Guided filter (He et al., 2010): averages within the edges of the guide."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean, mean_guide = cv2.blur(plane, size), cv2.blur(guide, size)
    covariance = cv2.blur(plane * guide, size) - mean * mean_guide
    variance = cv2.blur(guide * guide, size) - mean_guide**2
    slope = covariance / (variance + epsilon)
    offset = mean - slope * mean_guide
    return np.asarray(cv2.blur(slope, size) * guide + cv2.blur(offset, size), np.float32)


def _cost(a: Image, b: Image, field: Field) -> Plane:
    seen, inside = gather(b, field)
    return np.where(inside, difference(a, seen), LEFT_FRAME).astype(np.float32)


def _choose(a: Image, b: Image, matrix: Matrix, objects: list[Thing], optical: cv2.DISOpticalFlow) -> Field:
    """The field from `a` to `b` that explains it best."""
    height, width = a.shape[:2]
    guide = a.mean(-1)
    camera = displacement(matrix, height, width)
    fields = [(camera, 0.0), (_with_flow(a, b, camera, optical), 0.002)]
    fields.append((_with_flow(a, b, np.zeros_like(camera), optical), 0.006))
    fields.append((np.zeros_like(camera), 0.004))
    fields += [(displacement(thing.matrix, height, width), 0.006) for thing in objects]
    costs = np.stack([_cost(a, b, field) + penalty for field, penalty in fields])
    costs[0] = np.minimum(costs[0], HIDDEN)
    for cost, thing in zip(costs[-len(objects) :] if objects else (), objects, strict=True):
        np.minimum(cost, TAKEN_ALONG, out=cost, where=thing.before)
    label = _settled(costs, guide)
    rows, columns = np.indices(label.shape)
    chosen = np.stack([field for field, _ in fields])[label, rows, columns]
    return np.ascontiguousarray(chosen)


def _settled(costs: NDArray[Any], guide: Plane) -> NDArray[Any]:
    """Which hypothesis (first axis of `costs`) each pixel takes, so that neighbours of one colour agree.

    Mean-field inference with an edge-aware neighbourhood (after Krähenbühl & Koltun, 2011): over flat colours
    every motion fits, and the edges around decide; a pixel that decides alone flies about as a crumb.
    """
    energy = np.stack([_guided(cost, guide, 3) for cost in costs]) / 0.03
    total = energy
    for _ in range(6):
        belief = np.exp(total.min(0) - total)
        belief /= belief.sum(0)
        near = np.stack([0.5 * _guided(b, guide, 14) + 0.5 * cv2.GaussianBlur(b, (0, 0), 4) for b in belief])
        total = energy - 6 * near
    return total.argmin(0)


def _with_flow(a: Image, b: Image, field: Field, optical: cv2.DISOpticalFlow) -> Field:
    """A field made closer by optical flow between `a` and what the field sees of `b`."""
    seen, _ = gather(b, field)
    residual = optical.calc(grey(a), grey(seen), None)  # type: ignore[call-overload]
    for _ in range(2):  # drawn grain, rain and snow leave outliers
        residual = np.dstack([cv2.medianBlur(residual[..., i].copy(), 5) for i in (0, 1)])
    # seen(p) = b(p + field(p)), so the pixel p + r of `seen` is the pixel p + r + field(p + r) of `b`.
    moved, _ = gather(field, residual)
    return np.asarray(residual + moved, np.float32)


def _trust(a: Image, b: Image, there: Field, back: Field) -> Plane:
    """Near 1 where the way there and back ends where it began and the colours agree; else near 0."""
    returned, inside = gather(back, there)
    loop = np.linalg.norm(there + returned, axis=-1)
    error = difference(a, gather(b, there)[0])
    trust = np.exp(-((loop / 2.0) ** 2)) * np.exp(-((error / 0.12) ** 2)) * inside
    return cv2.GaussianBlur(cv2.medianBlur(trust.astype(np.float32), 5), (0, 0), 1.0)


def _filled(field: Field, trust: Plane, camera: Field, depth: Plane) -> Field:
    """Where a pixel has no partner, the motion of its trusted neighbours; far from any, the camera's motion.

    What has no partner is mostly background that is about to be hidden, so the background's motion counts
    most.
    """
    weight = trust**2 * (1 - 0.95 * depth)
    near = cv2.GaussianBlur(weight, (0, 0), 6)
    around = cv2.GaussianBlur((field - camera) * weight[..., None], (0, 0), 6) / (near + 0.002)[..., None]
    return np.where(trust[..., None] > 0.5, field, camera + around).astype(np.float32)


def _depth(field: Field, camera: Field) -> Plane:
    return np.clip(np.linalg.norm(field - camera, axis=-1) / 6, 0, 1).astype(np.float32)
