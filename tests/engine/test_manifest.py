"""film.json says how a pair came about, whatever becomes of the profile."""

from __future__ import annotations

import pytest

from engine.manifest import LineageRecord
from engine.profile import Mode
from engine.step2.conditions import PairRecipe


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        ("mini", "pairs"),
        ("qwen-image+int8", "pairs"),
        ("qwen-image-edit+8step", "zero-shot"),
        ("hosted-edit", "hosted"),
        ("a profile of another day", None),
    ],
)
def test_a_lineage_says_how_its_pair_came_about(profile: str, mode: str | None) -> None:
    recipe = PairRecipe(profile, "w", 1, 2, 1.0, 64, 32, 1, "float32", "cpu")
    record = LineageRecord.of(recipe, ())
    told = record.model_dump(mode="json")
    assert told["mode"] == mode
    read = LineageRecord.model_validate(told)
    assert (read.mode, read.recipe(64, 32)) == (Mode(mode) if mode else None, recipe)
    del told["mode"]
    assert LineageRecord.model_validate(told).recipe(64, 32) == recipe, "as earlier versions wrote it"
