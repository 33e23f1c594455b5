"""The learned upscaler: closer to the truth than interpolation, any size, and honest when it is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLQwenImage

from engine.errors import CheckpointError
from engine.profiles import get_profile
from engine.training.upscaler import small_and_large
from engine.video.super_resolution import FOLDER, LearnedUpscaler, SuperResolution, load_upscaler
from engine.video.upscale import LanczosUpscaler, Upscaler
from engine.world.render import render
from engine.world.story import new_shots, new_story

pytestmark = pytest.mark.slow

HELD_OUT = 910_000


def _frame(factor: int = 1) -> np.ndarray:
    story = new_story(HELD_OUT)
    return render(story, new_shots(story)[0], 0.0, factor)


def test_a_checkpoint_without_one_gets_lanczos(tmp_path: Path) -> None:
    assert isinstance(load_upscaler(tmp_path), LanczosUpscaler)
    assert isinstance(load_upscaler("Qwen/Qwen-Image"), LanczosUpscaler)


def test_a_broken_one_is_one_sentence(tmp_path: Path) -> None:
    SuperResolution().save_pretrained(tmp_path / FOLDER)
    weights = next((tmp_path / FOLDER).glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="fetch the checkpoint again"):
        load_upscaler(tmp_path)


def test_untrained_it_is_interpolation_and_saving_changes_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SuperResolution(factor=5, width=8, depth=2)
    model.save_pretrained(tmp_path / FOLDER)
    loaded = load_upscaler(tmp_path)
    large = loaded.upscale(_frame(), 1280, 640)
    assert large.shape == (640, 1280, 3)
    assert np.array_equal(large, LearnedUpscaler(model).upscale(_frame(), 1280, 640))
    interpolated = LanczosUpscaler().upscale(_frame(), 1280, 640).astype(float)
    assert np.abs(large - interpolated).mean() < 3


@pytest.mark.parametrize(("width", "height"), [(1280, 640), (1920, 960), (640, 320)])
def test_any_size_can_be_asked_for(width: int, height: int) -> None:
    model = SuperResolution(factor=5, width=8, depth=2)
    assert LearnedUpscaler(model).upscale(_frame(), width, height).shape == (height, width, 3)


def test_the_shipped_one_beats_interpolation() -> None:
    """On what it is for: held-out frames as the checkpoint's VAE gives them back."""
    checkpoint = get_profile("mini").checkpoint
    upscaler = load_upscaler(checkpoint)
    assert isinstance(upscaler, LearnedUpscaler)
    vae = AutoencoderKLQwenImage.from_pretrained(checkpoint, subfolder="vae", torch_dtype=torch.float32)
    small, large = small_and_large(vae, range(HELD_OUT, HELD_OUT + 3))
    frames = (small.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    truth = large.permute(0, 2, 3, 1).numpy().astype(float)

    def error(by: Upscaler) -> float:
        enlarged = [by.upscale(frame, 1280, 640).astype(float) for frame in frames]
        return float(np.mean([np.abs(y - t).mean() for y, t in zip(enlarged, truth, strict=True)]))

    assert error(upscaler) < 0.985 * error(LanczosUpscaler())
