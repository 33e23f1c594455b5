"""Cuts that stand out: by the rule that is stated, among cuts of their own kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.continuity import colour_shift
from studio.project.continuity import FEWEST, Cut, CutKind, judge, kind_of
from studio.store.tables import Shot

WITHIN, ACROSS = CutKind.WITHIN, CutKind.ACROSS
EVEN = [Cut(WITHIN, 0.90, 5.0), Cut(WITHIN, 0.92, 6.0), Cut(WITHIN, 0.91, 4.0), Cut(WITHIN, 0.93, 5.5)]


def told(cuts: list[Cut]) -> list[int]:
    """Places of the cuts that stand out."""
    return [index for index, cut in judge(dict(enumerate(cuts))).items() if cut.reasons]


def test_one_that_is_unlike_the_others_stands_out() -> None:
    jump = Cut(WITHIN, 0.55, 30.0)
    assert told([*EVEN, jump]) == [4]
    (cut,) = (cut for cut in judge(dict(enumerate([*EVEN, jump]))).values() if cut.reasons)
    assert cut.reasons == (
        "the pictures are less alike (0.55) than at the other cuts (about 0.92)",
        "the colours jump further (30) than at the other cuts (about 5)",
    )


def test_a_cut_to_another_place_is_compared_with_its_own_kind() -> None:
    assert told([*EVEN, Cut(ACROSS, 0.55, 30.0)]) == []
    far = [Cut(ACROSS, 0.5, 30.0 + i) for i in range(FEWEST)]
    assert told([*EVEN, *far]) == []
    assert told([*EVEN, *far, Cut(ACROSS, 0.5, 90.0)]) == [8]


def test_few_cuts_and_small_differences_are_no_rule() -> None:
    assert told([*EVEN[:3], Cut(WITHIN, 0.2, 80.0)]) == []
    same = [Cut(WITHIN, 0.99, 1.0)] * FEWEST
    assert told([*same, Cut(WITHIN, 0.97, 4.0)]) == [], "a very even film does not make a breath stand out"
    assert told([*same, Cut(WITHIN, 0.95, 1.0)]) == [FEWEST]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, WITHIN),
        ({"place": "the HARBOUR"}, WITHIN),
        ({"place": "the castle"}, ACROSS),
        ({"time": "day"}, ACROSS),
        ({"weather": "rain"}, ACROSS),
        ({"scene": 2}, ACROSS),
    ],
)
def test_kinds(change: dict[str, object], kind: CutKind) -> None:
    fields = {"place": "the harbour", "time": "night", "weather": "", "scene": 1}
    assert kind_of(Shot(**fields), Shot(**{**fields, **change})) is kind


def test_colour_shift_is_delta_e(tmp_path: Path) -> None:
    def picture(name: str, colour: tuple[int, int, int]) -> Path:
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (64, 32), colour).save(path)
        return path

    black, white = picture("black", (0, 0, 0)), picture("white", (255, 255, 255))
    assert colour_shift(black, white) == pytest.approx(100, abs=0.1), "L* goes from 0 to 100"
    assert colour_shift(white, white) == 0
    assert colour_shift(picture("a", (120, 120, 120)), picture("b", (124, 120, 120))) < 3, "just seen"
