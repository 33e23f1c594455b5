"""Workers that share the work of Muon have about as much to do, each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.training.muon import share_out


@given(st.lists(st.integers(1, 1000), max_size=30), st.integers(1, 4))
def test_nobody_has_more_to_do_than_the_others_and_one_task(costs: list[int], workers: int) -> None:
    owners = share_out(costs, workers)
    loads = [
        sum(cost for cost, owner in zip(costs, owners, strict=True) if owner == k) for k in range(workers)
    ]
    assert len(owners) == len(costs)
    assert max(loads) - min(loads) <= max(costs, default=0)
