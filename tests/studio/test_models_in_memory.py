"""Large models do not share a graphics card: a painter makes room for a renderer, and the other way round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.profiles import Needs, Profile, get_profile
from studio.jobs import bench
from studio.jobs.bench import Painters
from studio.jobs.kept_renderer import release_renderer, renderer_here
from studio.store.home import Home
from tests.studio.fake_painter import FlatPainter


@pytest.fixture
def painters(home: Path, monkeypatch: pytest.MonkeyPatch) -> Painters:
    """A small profile, mini, and one that needs a card, large."""

    def profile(name: str) -> Profile:
        small = get_profile("mini")
        return small if name == "mini" else replace(small, name=name, needs=Needs(vram=24.0))

    monkeypatch.setattr(bench, "get_profile", profile)
    return Painters(Home(home), lambda profile, cache: FlatPainter(profile))


def test_a_large_painter_makes_room_and_a_small_one_stays(painters: Painters) -> None:
    painters.get("mini")
    painters.release()
    assert painters.has("mini")
    painters.get("large")
    painters.release()
    assert not painters.has("large")


def test_a_large_painter_sends_the_renderer_away(painters: Painters) -> None:
    release_renderer()
    kept = renderer_here("dissolve", "mini")
    painters.get("mini")
    assert renderer_here("dissolve", "mini") is kept
    painters.get("large")
    assert renderer_here("dissolve", "mini") is not kept
