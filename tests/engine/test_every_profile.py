"""Every profile from its weights to a clip, in one process: tiny random weights in the hub's own layouts, a
service on this machine for the hosted one, and the clip made as the studio makes it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from diffusers.quantizers.bitsandbytes import BnB4BitDiffusersQuantizer

from engine.catalogue import FAMILIES, LADDER, LARGE, named
from engine.profile import Mode, Precision, Profile
from engine.profiles import ADAPTER_VARIABLE, KEY_VARIABLES, MODELS_VARIABLE, get_profile
from engine.step2 import large
from engine.step2.conditions import PairConditions, PairTake
from engine.step2.hosted import BASE_VARIABLE
from engine.step2.painter import Step2Painter, load_painter
from engine.step2.zero_shot import ZeroShotPainter
from engine.story import FrameRate, Movement
from engine.video.load import load_here
from engine.video.renderers import Renderer, get_renderer
from engine.video.super_resolution import load_upscaler
from tests.engine.step2.image_service import image_service
from tests.engine.step2.large_models import make_models, small, tiny_references
from tests.engine.step2.tiny import bank, tiny_ranker
from tests.engine.video.pairs import decoded, error
from tests.engine.video.tiny_wan import save_wan21_vace, tiny

pytestmark = pytest.mark.slow

FRAMES = 5
# Qwen-Image-2512 is Qwen-Image with other weights and LoRAs: what else sets a variant apart is tested there.
DRAWN = [
    named(family, *filter(None, [variant]))
    for family in LARGE
    for variant in ("", "8step", "4step", "half", "draft", "taylor", "compiled")
    if family != "qwen-image-2512" or variant not in ("draft", "taylor", "compiled")
]
# How the weights are held and where they wait: all of the ladder; and with a distillation's LoRA beside them.
SMALL = [
    *(named(family, *rung) for family in ("qwen-image", "qwen-image-edit") for rung in LADDER if rung),
    "qwen-image-2512+stream",
    "qwen-image-edit+8step+int8+offload",
    "qwen-image-edit+8step+nf4",
]
HALF = {"width": 48, "height": 24}  # about half the pixels of a tiny frame


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def here(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(models))
    monkeypatch.setenv(ADAPTER_VARIABLE, str(models / "mine"))
    monkeypatch.setattr(large, "COMPILER", "eager")  # traced for real; only no C compiler is needed
    # diffusers asks for a GPU; bitsandbytes itself computes on a CPU too
    monkeypatch.setattr(BnB4BitDiffusersQuantizer, "validate_environment", lambda *_, **__: None)
    if importlib.util.find_spec("bitsandbytes"):
        # its kernel for CPUs with AVX512-BF16 takes layers of 32, 64, … outputs; the tiny ones have fewer
        monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)


@pytest.fixture
def shot(tmp_path: Path) -> PairConditions:
    memory = bank(tmp_path, 2)
    return PairConditions("A man walks. Shot: medium shot.", "A man walks.", memory[1].frame, memory)


def clip_of(take: PairTake, profile: Profile, renderer: Renderer, folder: Path) -> Path:
    """The take's clip, by what the drawing process calls for one."""
    start, end, out = (folder / name for name in ("start.png", "end.png", "clip.mp4"))
    start.write_bytes(take.start)
    end.write_bytes(take.end)
    load_here(renderer, load_upscaler(profile.checkpoint)).render(
        "A man walks.", start, end, movement=Movement.STATIC, frames=FRAMES, rate=FrameRate(), out=out
    )
    return out


@pytest.mark.parametrize("name", [*DRAWN, *SMALL])
def test_a_large_profile_loads_draws_and_becomes_a_clip(
    name: str, shot: PairConditions, tmp_path: Path
) -> None:
    parts = name.split("+")
    steps = 2 if {"draft", "taylor"} & set(parts) else 1
    profile = small(name, steps=steps, **(HALF if "half" in parts else {}))
    painter = tiny_references(load_painter(profile))
    assert isinstance(painter, Step2Painter if profile.mode is Mode.PAIRS else ZeroShotPainter)
    (take,) = painter.draw(shot, [5])
    assert (take.recipe.profile, take.recipe.steps) == (name, steps)
    assert (take.recipe.width, take.recipe.height) == (profile.width, profile.height)
    pipe = painter.pipe if isinstance(painter, Step2Painter) else painter.editor.pipe  # type: ignore[attr-defined]
    layer = pipe.transformer.transformer_blocks[0].img_mlp.net[2]
    layer = getattr(layer, "base_layer", layer)
    if profile.precision is Precision.FULL:
        assert take.recipe.dtype == "bfloat16"
    else:
        assert take.recipe.dtype == f"{profile.precision.value}, bfloat16"
        kind = type(layer.weight.data if profile.precision is Precision.INT8 else layer).__name__
        assert kind == {"int8": "Int8Tensor", "nf4": "Linear4bit"}[profile.precision.value]
    assert take.start != take.end
    frames = decoded(clip_of(take, profile, get_renderer("dissolve"), tmp_path))
    assert [frame.shape for frame in frames] == [(640, 1280, 3)] * FRAMES
    assert not np.array_equal(frames[0], frames[-1]), "it goes from the one frame to the other"


def test_the_table_has_no_family_that_is_not_tested_here() -> None:
    assert set(FAMILIES) == {"mini", *LARGE, "hosted-edit"}, "mini's own way is tests/engine/test_workflow.py"


def test_a_pair_of_a_large_model_becomes_a_clip_of_a_large_model(
    shot: PairConditions, tmp_path: Path
) -> None:
    profile = small("qwen-image-2512+4step")
    (take,) = load_painter(profile).draw(shot, [1], steps=1)
    vace = tiny("wan2.1-vace-1.3b", save_wan21_vace(tmp_path / "vace"))
    frames = decoded(clip_of(take, profile, vace, tmp_path))
    assert [frame.shape for frame in frames] == [(640, 1280, 3)] * FRAMES


def test_a_pair_of_the_hosted_profile_becomes_a_clip(
    shot: PairConditions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_ranker().save_pretrained(tmp_path / "models" / "ranker")
    with image_service() as service:
        monkeypatch.setenv(KEY_VARIABLES[0], "sk-a-key")
        monkeypatch.setenv(BASE_VARIABLE, service.url)
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
        profile = get_profile("hosted-edit")
        (take,) = load_painter(profile).draw(shot, [1])
    assert len(service.asked) == 2
    frames = decoded(clip_of(take, profile, get_renderer("dissolve"), tmp_path))
    assert [frame.shape for frame in frames] == [(864, 1536, 3)] * FRAMES
    assert error(frames[0], frames[-1]) > 1
