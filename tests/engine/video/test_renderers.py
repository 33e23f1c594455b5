"""The registry of renderers: lengths, sizes, costs, and why one cannot be used here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.fitting import APPLE_SHARE, Machine
from engine.story import FrameRate
from engine.video.renderers import (
    DEFAULT_RENDERER,
    RENDERERS,
    RendererKind,
    choices,
    get_renderer,
    hindrance,
    quote,
)

FILM = FrameRate()
LAPTOP = Machine(ram=8.0, vram=0.0, disk=100.0, device="CPU")
WORKSTATION = Machine(ram=128.0, vram=24.0, disk=500.0, device="GPU")
TIMED = [name for name in choices() if RENDERERS[name].lengths is not None]


@pytest.mark.parametrize("name", TIMED)
@given(
    frames=st.integers(1, 2000), rate=st.sampled_from([FILM, FrameRate(numerator=30000, denominator=1001)])
)
def test_a_count_is_one_that_the_model_makes_and_is_long_enough_when_it_can_be(
    name: str, frames: int, rate: FrameRate
) -> None:
    lengths = RENDERERS[name].lengths
    assert lengths is not None
    made = lengths.fitting(frames, rate)
    assert lengths.shortest <= made <= lengths.longest
    assert (made - lengths.shortest) % lengths.step == 0
    wanted = frames / rate.fraction * lengths.rate.fraction - Fraction(1, 2)
    assert made >= wanted or made == lengths.longest
    if made > lengths.shortest:  # and no longer than it has to be
        assert made - lengths.step < wanted


@pytest.mark.parametrize(
    "rate",
    [FrameRate(numerator=n) for n in (24, 25, 30, 60)]
    + [FrameRate(numerator=n, denominator=1001) for n in (24000, 30000)],
    ids=str,
)
@pytest.mark.parametrize(("seconds", "made"), [(4, 96), (6, 144), (8, 192)])
def test_whole_seconds_are_paid_as_whole_seconds_at_any_rate(
    rate: FrameRate, seconds: int, made: int
) -> None:
    """The first and last frame of four seconds at 25 are 2 ms farther apart than at 24: six were ordered."""
    lengths = RENDERERS["fal-veo-3.1"].lengths
    assert lengths is not None
    assert lengths.fitting(rate.frames(seconds), rate) == made
    assert lengths.fitting(rate.frames(seconds + 0.2), rate) == min(made + 48, 192)


def test_a_frame_more_than_the_model_makes_is_the_next_count() -> None:
    veo, wan = (RENDERERS[name].lengths for name in ("fal-veo-3.1", "wan2.1-vace-1.3b"))
    assert veo is not None
    assert wan is not None
    assert (veo.fitting(96, FILM), veo.fitting(97, FILM), wan.fitting(60, FILM)) == (96, 144, 41)


@pytest.mark.parametrize(
    "name", [n for n in TIMED if RENDERERS[n].kind in (RendererKind.WAN, RendererKind.VACE)]
)
@given(frames=st.integers(1, 500))
def test_wan_makes_4k_plus_1_frames(name: str, frames: int) -> None:
    lengths = RENDERERS[name].lengths
    assert lengths is not None
    assert lengths.fitting(frames, FILM) % 4 == 1


@pytest.mark.parametrize(
    ("name", "pair", "size"),
    [
        ("wan2.2-i2v-a14b", (256, 128), (1344, 672)),
        ("wan2.2-i2v-a14b", (1664, 928), (1264, 704)),
        ("wan2.1-vace-1.3b", (256, 128), (864, 432)),
        ("wan2.1-vace-1.3b", (128, 256), (432, 864)),
        ("fal-veo-3.1", (256, 128), (1280, 720)),
        ("veo-3.1-vertex", (128, 256), (720, 1280)),
    ],
)
def test_the_size_follows_the_pair_s_aspect(name: str, pair: tuple[int, int], size: tuple[int, int]) -> None:
    sizes = RENDERERS[name].sizes
    assert sizes is not None
    assert sizes.fitting(*pair) == size


@given(width=st.integers(64, 4000), height=st.integers(64, 4000))
def test_any_size_of_wan_is_in_its_multiples_and_budget(width: int, height: int) -> None:
    sizes = RENDERERS["wan2.2-i2v-a14b"].sizes
    assert sizes is not None
    w, h = sizes.fitting(width, height)
    assert w % 16 == h % 16 == 0
    assert w * h <= sizes.area


def test_names_are_known_and_others_are_refused() -> None:
    assert DEFAULT_RENDERER in choices()
    assert all(name == renderer.name for name, renderer in RENDERERS.items())
    with pytest.raises(BadInput, match='no renderer "sora": choose one of animatic'):
        get_renderer("sora")


def test_the_readme_tells_of_every_renderer() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    usable = [name for name in choices() if not RENDERERS[name].refusal]
    assert [name for name in usable if f"`{name}`" not in readme] == []


def test_a_model_that_ignores_the_last_frame_is_no_choice() -> None:
    model = get_renderer("wan2.2-ti2v-5b")
    assert model.name not in choices()
    assert "ignores the last frame" in hindrance(model, WORKSTATION)


def test_the_built_in_renderer_always_runs() -> None:
    assert hindrance(RENDERERS[DEFAULT_RENDERER], LAPTOP) == ""


def test_a_machine_that_is_too_small_is_told_what_is_missing() -> None:
    vace, large = RENDERERS["wan2.1-vace-1.3b"], RENDERERS["wan2.2-i2v-a14b"]
    assert "a GPU with 8 GiB of memory, and this machine has none" in hindrance(vace, LAPTOP)
    assert hindrance(vace, WORKSTATION) == ""
    assert hindrance(large, WORKSTATION) == ""
    assert "needs an NVIDIA card" in hindrance(vace, Machine(128, 128 * APPLE_SHARE, 200, "MPS", apple=True))
    assert "80 GiB of memory" in hindrance(large, Machine(64.0, 24.0, 500.0, "GPU"))


def test_a_key_is_asked_for_by_name_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    fal = RENDERERS["fal-veo-3.1"]
    monkeypatch.delenv("FAL_KEY", raising=False)
    assert "set FAL_KEY" in hindrance(fal, LAPTOP)
    monkeypatch.setenv("FAL_KEY", "secret-of-mine")
    assert hindrance(fal, LAPTOP) == ""
    vertex = replace(RENDERERS["veo-3.1-vertex"], package="")
    monkeypatch.delenv("VERTEX_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", " ")
    assert "set VERTEX_API_KEY or GOOGLE_CLOUD_PROJECT" in hindrance(vertex, LAPTOP)


def test_the_gemini_api_offers_no_video_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films that name it can be opened and quoted; it says what to choose instead, whatever keys are set."""
    monkeypatch.setenv("GEMINI_API_KEY", "secret-of-mine")
    for name in ("veo-3.1", "veo-3.1-fast"):
        veo = get_renderer(name)
        assert "choose Veo 3.1 (Vertex AI) or Veo 3.1 (fal)" in hindrance(veo, WORKSTATION)
        assert quote(veo, 60, FILM).dollars == 0


def test_a_quote_says_what_is_paid_and_what_is_slowed() -> None:
    fal = RENDERERS["fal-veo-3.1"]
    short, long = quote(fal, 60, FILM), quote(fal, 24 * 12, FILM)
    assert (short.made, short.dollars) == (96, pytest.approx(0.80))
    assert short.slowed < 1
    assert (long.made, long.dollars) == (192, pytest.approx(1.60))
    assert long.slowed == pytest.approx(287 / 191)
    free = quote(RENDERERS["animatic"], 60, FILM)
    assert (free.made, free.dollars, free.slowed) == (None, 0.0, 1.0)


@pytest.mark.parametrize("name", choices())
def test_every_choice_says_what_it_makes_and_what_that_costs(name: str) -> None:
    renderer = RENDERERS[name]
    lengths, sizes, cost = renderer.lengths, renderer.sizes, renderer.cost
    assert cost.basis
    if renderer.kind is RendererKind.BUILT_IN:
        assert (lengths, sizes) == (None, None), "exactly what is asked"
        assert (cost.dollars, cost.gpu_minutes, cost.basis) == (None, None, "free")
        return
    assert lengths is not None
    assert sizes is not None
    assert 0 < lengths.shortest < lengths.longest
    assert lengths.rate.fraction > 0
    assert bool(sizes.fixed) != bool(sizes.area)
    if renderer.kind.remote:
        assert cost.gpu_minutes is None
        assert (cost.dollars is None) == bool(renderer.refusal), "one that can be ordered from has a price"
    else:
        assert (cost.dollars, quote(renderer, 60, FILM).dollars) == (None, 0), "free on one's own machine"
        assert renderer.steps > 0
        assert ("nobody has measured" in cost.basis) == (cost.gpu_minutes is None), "no figure is made up"


def test_a_model_elsewhere_takes_the_place_of_the_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    vace = RENDERERS["wan2.1-vace-1.3b"]
    monkeypatch.delenv("STAGE_WAN21_VACE", raising=False)
    assert vace.source == vace.model
    monkeypatch.setenv("STAGE_WAN21_VACE", "/models/vace")
    assert vace.source == "/models/vace"


def test_models_of_the_models_folder_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flf2v = RENDERERS["wan2.1-flf2v-14b"]
    monkeypatch.delenv("STAGE_WAN21_FLF2V", raising=False)
    monkeypatch.setenv("STAGE_MODELS", str(tmp_path))
    assert flf2v.source == flf2v.model
    (tmp_path / flf2v.model).mkdir(parents=True)
    assert flf2v.source == str(tmp_path / flf2v.model)
