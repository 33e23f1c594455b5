"""The memory pack (eq. 1): layout laws on every grid, ranking laws on every bank, averages in the canvas."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.step2.conditions import MemoryFrame, StoredFrame
from engine.step2.memory import empty_canvas, tile
from engine.step2.packing import layout, rank
from engine.step2.tiling import tiles
from tests.examples import examples

side = st.integers(1, 110)
count = st.integers(0, 20)


@given(count, side, side)
def test_tiles_are_disjoint_and_inside(n: int, h: int, w: int) -> None:
    covered = torch.zeros(h, w, dtype=torch.int32)
    for t in tiles(n, h, w):
        assert t.h >= 1
        assert t.w >= 1
        assert 0 <= t.y <= t.y + t.h <= h
        assert 0 <= t.x <= t.x + t.w <= w
        covered[t.y : t.y + t.h, t.x : t.x + t.w] += 1
    assert int(covered.max()) <= 1


@given(count, st.integers(0, 6), st.integers(0, 6))
def test_even_grids_halve_exactly_and_leave_two_to_the_minus_n(n: int, a: int, b: int) -> None:
    h, w = 2**a, 2**b
    found = tiles(n, h, w)
    assert len(found) == min(n, a + b)
    shares = [t.area / (h * w) for t in found]
    assert shares == [2.0 ** -(j + 1) for j in range(len(found))]
    assert 1 - sum(shares) == 2.0 ** -len(found)


@given(count, side, side)
def test_uneven_grids_take_the_floor_and_leave_the_rest(n: int, h: int, w: int) -> None:
    free = h * w
    for t in tiles(n, h, w):
        assert t.area <= free / 2, "a tile is never more than half of what was free"
        assert t.area >= free / 3, "nor less than a third: the floor of one halved axis"
        free -= t.area
    assert free >= 1, "one packed token at least stays empty"


@given(st.integers(0, 20), side, side)
def test_a_rank_keeps_its_box_when_history_grows(n: int, h: int, w: int) -> None:
    assert tiles(n, h, w) == tiles(n + 1, h, w)[:n]


def test_axes_take_turns_from_the_left_half() -> None:
    boxes = [t.box for t in tiles(9, 4, 8)]
    assert boxes == [(0, 0, 4, 4), (0, 4, 2, 4), (2, 4, 2, 2), (2, 6, 1, 2), (3, 6, 1, 1)]


def test_below_one_packed_token_a_frame_vanishes() -> None:
    assert tiles(3, 1, 1) == []
    assert len(tiles(99, 4, 8)) == 5
    assert len(tiles(99, 64, 64)) == 12  # a square megapixel


@pytest.mark.parametrize(("h", "w"), [(83, 83), (104, 58), (6, 10)])
def test_real_shares_are_near_two_to_the_minus_rank(h: int, w: int) -> None:
    shares = [t.area / (h * w) for t in tiles(3, h, w)]
    assert shares == pytest.approx([0.5, 0.25, 0.125], rel=0.35)
    assert shares[0] <= 0.5


def test_tiles_hold_area_averages_and_the_rest_is_zero() -> None:
    latents = torch.randn(2, 3, 8, 16) + 5  # n C H W on 4 x 8 packed tokens
    canvas = tile(latents, 4, 8)
    assert canvas.shape == (3, 8, 16)
    pairs = latents[0].reshape(3, 8, 8, 2).mean(-1)  # the left half: two columns become one
    assert torch.allclose(canvas[:, :, :8], pairs, atol=1e-6)
    blocks = latents[1].reshape(3, 4, 2, 8, 2).mean((2, 4))  # the next quarter: both axes halved
    assert torch.allclose(canvas[:, :4, 8:], blocks, atol=1e-6)
    assert canvas[:, 4:, 8:].abs().max() == 0


@examples(30)
@given(st.integers(1, 6), st.integers(2, 9), st.integers(2, 9))
def test_a_batch_is_its_rows_and_zero_latents_are_absent_ones(n: int, h: int, w: int) -> None:
    latents = torch.randn(3, n, 2, 2 * h, 2 * w)
    together = tile(latents, h, w)
    assert torch.equal(together, torch.stack([tile(row, h, w) for row in latents]))
    padded = torch.cat([latents, torch.zeros(3, 2, 2, 2 * h, 2 * w)], dim=1)
    assert torch.equal(tile(padded, h, w), together)


def test_no_history_is_the_empty_canvas() -> None:
    assert torch.equal(tile(torch.zeros(2, 0, 4, 8, 16), 4, 8), empty_canvas(2, 4, 4, 8, torch.zeros(())))
    with pytest.raises(ValueError, match="do not fit"):
        tile(torch.zeros(1, 4, 8, 8), 4, 8)


def _frame(i: int, pinned: bool = False, sha: str = "") -> MemoryFrame:
    return MemoryFrame(f"{i}E", StoredFrame(sha or f"{i:064x}", Path(f"{i}.png")), pinned)


banks = st.lists(st.tuples(st.floats(-1, 1), st.booleans()), max_size=15)


@given(banks, st.randoms())
def test_the_bank_has_no_order_and_pins_come_first(spec: list[tuple[float, bool]], random: object) -> None:
    bank = [_frame(i, pinned) for i, (_, pinned) in enumerate(spec)]
    similarity: list[float | None] = [s for s, _ in spec]
    ranked = [bank[i] for i in rank(bank, similarity)]
    shuffled = list(range(len(bank)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = rank([bank[i] for i in shuffled], [similarity[i] for i in shuffled])
    assert [bank[shuffled[i]] for i in again] == ranked
    pins = sum(m.pinned for m in bank)
    assert all(m.pinned for m in ranked[:pins])
    by_key = {m.key: s for m, s in zip(bank, similarity, strict=True)}
    for group in (ranked[:pins], ranked[pins:]):
        scores = [by_key[m.key] for m in group]
        assert scores == sorted(scores, reverse=True)


def test_one_picture_counts_once_and_as_the_pinned_one() -> None:
    bank = [_frame(1, sha="aa"), _frame(2, sha="bb"), _frame(3, pinned=True, sha="aa")]
    assert rank(bank, [0.9, 0.5, 0.1]) == [2, 1]


def test_the_layout_records_what_each_frame_got() -> None:
    bank = [_frame(1), _frame(2, pinned=True), _frame(3)]
    packed = [p for _, p in layout(bank, [0.9, None, 0.5], 6, 10)]
    assert [(p.key, p.rank, p.pinned, p.similarity) for p in packed] == [
        ("2E", 1, True, None),
        ("1E", 2, False, 0.9),
        ("3E", 3, False, 0.5),
    ]
    assert [p.share for p in packed] == [30 / 60, 15 / 60, 6 / 60]
    assert [p.box for p in packed] == [(0, 0, 6, 5), (0, 5, 3, 5), (3, 5, 3, 2)]
