"""Positions: there is always room, order is what was asked, and few rows move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.project.order import after, between, moves, spread


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_there_is_always_room(places: list[int]) -> None:
    positions: list[str] = []
    for place in places:
        at = min(place, len(positions))
        low = positions[at - 1] if at else None
        high = positions[at] if at < len(positions) else None
        positions.insert(at, between(low, high))
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions)


def test_a_thousand_in_one_gap_stay_short() -> None:
    low, high = "A", "B"
    for _ in range(1000):
        high = between(low, high)
    assert len(high) < 300
    assert low < high


def test_no_room_between_equals() -> None:
    with pytest.raises(ValueError, match="no place"):
        between("M", "M")


@given(st.integers(0, 200))
def test_spread_is_even_and_short(count: int) -> None:
    positions = spread(None, None, count)
    assert positions == sorted(set(positions))
    assert len(positions) == count
    assert max(map(len, positions), default=0) <= 3


@given(st.permutations(list("abcdefghij")), st.lists(st.integers(0, 9), max_size=4, unique=True))
def test_moves_give_the_wanted_order(order: list[str], strangers: list[int]) -> None:
    """`strangers` are shots that the caller did not know of: they keep their positions and nothing
    collides.
    """
    everyone = dict(zip("abcdefghij", spread(None, None, 10), strict=True))
    wanted = [id for id in order if ord(id) - ord("a") not in strangers]
    moved = moves(wanted, {id: everyone[id] for id in wanted}, list(everyone.values()))
    new = {**everyone, **moved}
    assert sorted(wanted, key=new.__getitem__) == wanted
    assert len(set(new.values())) == len(new)


def test_moving_one_shot_writes_one_position() -> None:
    positions = dict(zip("abcde", spread(None, None, 5), strict=True))
    assert set(moves(list("eabcd"), positions, list(positions.values()))) == {"e"}
    assert set(moves(list("acdbe"), positions, list(positions.values()))) == {"b"}


def test_after_comes_before_the_next_that_is_taken() -> None:
    a, b, c = spread(None, None, 3)
    (fresh,) = after(a, [a, b, c])
    assert a < fresh < b
    (first,) = after(None, [a, b, c])
    assert first < a
