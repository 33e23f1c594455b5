"""Places in a list as short texts that sort: between any two there is always room for another.

Moving one shot changes the position of that shot only, so two tabs that move different shots do not
collide, and undo of a move touches nothing else. A position is a fraction in base 62 ("V" is one half)
without trailing zeros.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def between(low: str | None, high: str | None) -> str:
    """A position strictly between two; None is the open end. Raises ValueError unless low < high."""
    if low is not None and high is not None and low >= high:
        raise ValueError(f"no place between {low!r} and {high!r}")
    return _middle(low or "", high)


def spread(low: str | None, high: str | None, count: int) -> list[str]:
    """`count` ascending positions strictly between two others, as short as halving makes them."""
    if count == 0:
        return []
    middle = between(low, high)
    left = (count - 1) // 2
    return [*spread(low, middle, left), middle, *spread(middle, high, count - 1 - left)]


def _middle(low: str, high: str | None) -> str:
    if high is not None:
        same = 0
        while same < len(high) and (low[same] if same < len(low) else "0") == high[same]:
            same += 1
        if same:
            return high[:same] + _middle(low[same:], high[same:])
    first = _DIGITS.index(low[0]) if low else 0
    last = _DIGITS.index(high[0]) if high else len(_DIGITS)
    if last - first > 1:
        return _DIGITS[(first + last) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return _DIGITS[first] + _middle(low[1:], None)


def after(position: str | None, taken: Sequence[str], count: int = 1) -> list[str]:
    """`count` positions right after one (None: before all), in front of the next one that is taken."""
    ordered = sorted(taken)
    index = 0 if position is None else bisect_right(ordered, position)
    return spread(position, ordered[index] if index < len(ordered) else None, count)


def moves(wanted: Sequence[str], positions: dict[str, str], taken: Sequence[str]) -> dict[str, str]:
    """New positions, for as few as possible of `wanted`, that put them in that order.

    `positions` gives the present one of each; `taken` holds all that are in use, also by rows that are not
    in `wanted`. Those that move are put right after the one they follow.
    """
    still = _longest_rising([positions[id] for id in wanted])
    moved: dict[str, str] = {}
    in_use = list(taken)
    index = 0
    while index < len(wanted):
        if index in still:
            index += 1
            continue
        end = index
        while end < len(wanted) and end not in still:
            end += 1
        before = positions[wanted[index - 1]] if index else None
        fresh = after(before, in_use, end - index)
        moved.update(zip(wanted[index:end], fresh, strict=True))
        in_use.extend(fresh)
        index = end
    return moved


def _longest_rising(values: Sequence[str]) -> set[int]:
    """Indices of a longest strictly rising subsequence."""
    tails: list[str] = []
    tail_index: list[int] = []
    before: list[int | None] = []
    for index, value in enumerate(values):
        length = bisect_left(tails, value)
        before.append(tail_index[length - 1] if length else None)
        if length == len(tails):
            tails.append(value)
            tail_index.append(index)
        else:
            tails[length], tail_index[length] = value, index
    found: set[int] = set()
    at = tail_index[-1] if tail_index else None
    while at is not None:
        found.add(at)
        at = before[at]
    return found
