"""Large models do not share a graphics card: a painter makes room for a renderer, and the other way round."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

import engine.video.load
from engine.profiles import Needs, Profile, get_profile
from studio.jobs import bench
from studio.jobs.bench import Painters
from studio.jobs.kept_renderer import release_renderer, renderer_here
from studio.store.home import Home
from tests.studio.fake_painter import FlatPainter

pytestmark = pytest.mark.slow  # renderers are made, and torch with them


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


def test_a_renderer_is_gone_before_the_next_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Heavy:
        def __init__(self) -> None:
            self.hook = self  # as accelerate's hooks: gone only when it is collected

    living: list[weakref.ref[Heavy]] = []

    def load(*_: object) -> Heavy:
        assert all(one() is None for one in living), "two are in memory"
        made = Heavy()
        living.append(weakref.ref(made))
        return made

    monkeypatch.setattr(engine.video.load, "load_here", load)
    release_renderer()
    for name, profile in (("dissolve", "mini"), ("animatic", "mini"), ("animatic", "qwen-image-edit")):
        assert renderer_here(name, profile) is renderer_here(name, profile)
    assert len(living) == 3
    release_renderer()


def test_a_painter_is_gone_before_the_next_is_loaded(painters: Painters) -> None:
    living: list[weakref.ref[FlatPainter]] = []

    def load(profile: Profile, _: object) -> FlatPainter:
        assert all(one() is None for one in living), "two are in memory"
        made = FlatPainter(profile)
        made.hook = made  # type: ignore[attr-defined]
        living.append(weakref.ref(made))
        return made

    gc.disable()  # a collection by chance would hide it
    try:
        painters._factory = load
        painters.get("large")
        painters.get("larger")
    finally:
        gc.enable()
    assert len(living) == 2


def test_frames_of_a_large_profile_are_compared_without_its_painter(painters: Painters) -> None:
    loaded: list[str] = []

    def measurer(profile: Profile, _: object) -> FlatPainter:
        loaded.append(profile.name)
        return FlatPainter(profile)

    painters._measurers = measurer
    first = painters.measurer("large", "1:1")
    assert painters.measurer("large") is first
    assert not painters.has("large")
    assert painters.measurer("mini") is painters.get("mini"), "a small painter is as quickly loaded"
    assert painters.measurer("large") is not first, "another painter took its place"
    assert painters.measurer("large") is not painters.get("large")
    assert painters.measurer("large") is painters.get("large"), "one that is loaded need not be loaded twice"
    assert loaded == ["large", "large"]
