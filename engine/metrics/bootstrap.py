"""Intervals by bootstrap over films: shots of one film are not independent, films are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 2000


@dataclass(frozen=True)
class Tally:
    """What one film contributes to a mean: the sum of its values and how many there are."""

    total: float = 0.0
    count: int = 0


@dataclass(frozen=True)
class Interval:
    """A mean over all values of all films with its 95 % interval; nan where nothing was measured."""

    value: float
    low: float
    high: float


def mean(films: Sequence[Tally], seed: int = 0) -> Interval:
    """Films are drawn with replacement; the percentiles 2.5 and 97.5 of the means."""
    total, count = _arrays(films)
    if not count.sum():
        return Interval(float("nan"), float("nan"), float("nan"))
    picks = _picks(len(films), seed)
    return _interval(float(total.sum() / count.sum()), _ratio(total[picks], count[picks]))


def difference(ours: Sequence[Tally], theirs: Sequence[Tally], seed: int = 0) -> Interval:
    """Mean of `ours` minus mean of `theirs`, paired: the same films are drawn for both."""
    if len(ours) != len(theirs):
        raise ValueError("a paired difference needs the same films on both sides")
    (a, n), (b, m) = _arrays(ours), _arrays(theirs)
    if not n.sum() or not m.sum():
        return Interval(float("nan"), float("nan"), float("nan"))
    picks = _picks(len(ours), seed)
    drawn = _ratio(a[picks], n[picks]) - _ratio(b[picks], m[picks])
    return _interval(float(a.sum() / n.sum() - b.sum() / m.sum()), drawn)


def _arrays(films: Sequence[Tally]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([f.total for f in films]), np.array([float(f.count) for f in films])


def _picks(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, n, (ROUNDS, n))


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    found = count.sum(1)
    with np.errstate(invalid="ignore"):
        return np.where(found > 0, total.sum(1) / found, np.nan)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return Interval(value, float(low), float(high))
