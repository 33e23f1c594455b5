"""Time on film: whole frames, and the moments between a start and an end frame. Needs no torch."""

from __future__ import annotations


def ease(t: float) -> float:
    """Ease in and out: a camera starts and stops softly. Maps 0 to 0 and 1 to 1, and is monotonic.

    Half linear, half smoothstep: a pure smoothstep stands still so long at both ends that a short shot seems
    to stop before every cut.
    """
    return 0.5 * t + 0.5 * t * t * (3.0 - 2.0 * t)


def moments(frames: int) -> list[float]:
    """The moment in [0, 1] of every frame of a shot: exactly 0 for the first frame and exactly 1 for the last
    one.

    A shot of one frame is its start frame.

    Raises:
        ValueError: `frames` is less than one.
    """
    if frames < 1:
        raise ValueError(f"a shot has at least one frame, not {frames}")
    if frames == 1:
        return [0.0]
    return [ease(i / (frames - 1)) for i in range(frames - 1)] + [1.0]
