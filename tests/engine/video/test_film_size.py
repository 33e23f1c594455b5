"""One film, one size: told before anything is rendered."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.video.film_size import Size, check_sizes

LARGE, HALF, UPRIGHT = (1664, 928), (832, 464), (928, 1664)


@pytest.mark.parametrize("drawn", [[], [LARGE], [LARGE, LARGE], [(256, 128), (1280, 640)]])
def test_clips_of_one_size_are_no_trouble(drawn: list[Size]) -> None:
    check_sizes(drawn)


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ([LARGE, HALF, LARGE], r"^Shot 2 \(832x464\) was drawn at another size than the others \(1664x928\)"),
        ([LARGE, HALF, LARGE, LARGE, HALF], r"^Shots 2 and 5 \(832x464\) were drawn at another size than"),
        ([HALF, LARGE, LARGE], r"^Shot 1 \(832x464\) was"),
        ([LARGE, HALF], r"^Shot 2 .*: redraw it with the profile of the others, or use other takes\.$"),
        ([UPRIGHT, LARGE, HALF, LARGE], r"^Shot 1 \(928x1664\) and Shot 3 \(832x464\) were"),
    ],
)
def test_shots_of_another_size_are_named(drawn: list[Size], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_sizes(drawn)
