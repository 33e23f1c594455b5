"""Consistency and transitions (STAGE, sec. 5.2) from unit features of frames; pure functions.

SC and BC (VBench) are the same formula on two feature extractors. What the paper leaves open is ours: SC-E
and BC-E take one feature a shot, the mean of its frames', and run over the shots; TVS compares the change of
features across each cut with that of a reference film (`TVS-ref`) or of the shots' words (`TVS-text`).

Shapes: `features` (n, D), or (shots, frames, D), rows of unit length.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def consistency(features: Array) -> float:
    """VBench's SC / BC: every frame but the first scores the mean of max(0, cos) with the one before it and
    with the first; the mean over frames. nan for fewer than two frames.
    """
    if len(features) < 2:
        return float("nan")
    before = (features[1:] * features[:-1]).sum(-1).clip(0)
    first = (features[1:] * features[:1]).sum(-1).clip(0)
    return float(((before + first) / 2).mean())


def shot_features(features: Array) -> Array:
    """One unit feature a shot: the mean of its frames', (shots, frames, D) -> (shots, D)."""
    return unit(features.mean(1))


def all_pairs(features: Array) -> float:
    """The mean of max(0, cos) over all pairs of rows; nan for fewer than two."""
    n = len(features)
    if n < 2:
        return float("nan")
    cosines = (features @ features.T).clip(0)
    return float((cosines.sum() - np.trace(cosines)) / (n * (n - 1)))


def transitions(pairs: Array) -> Array:
    """The change of features across each cut, next start minus this end: (shots - 1, D)."""
    return pairs[1:, 0] - pairs[:-1, -1]


def agreement(changes: Array, reference: Array) -> float:
    """Mean cosine of two sets of changes (n, D): TVS-ref with a reference film's, TVS-text with words' own.

    A cut across which nothing changes has no direction and is left out; nan where none is left.
    """
    a, b = np.linalg.norm(changes, axis=-1), np.linalg.norm(reference, axis=-1)
    there = (a > 1e-6) & (b > 1e-6)
    if not there.any():
        return float("nan")
    cosines = (changes * reference).sum(-1)[there] / (a * b)[there]
    return float(cosines.mean())


def unit(features: Array) -> Array:
    """Rows scaled to length one."""
    return features / np.linalg.norm(features, axis=-1, keepdims=True).clip(1e-12)
