"""Stage `upscaler`: native frames, as the VAE gives them back, to the same frames drawn five times larger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLQwenImage
from torch import Tensor

from engine.step2.latents import decode_frames, encode_frames, to_pixels
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.video.super_resolution import SuperResolution
from engine.world.camera import HEIGHT, WIDTH
from engine.world.render import render
from engine.world.splits import FRAMES_HELD_OUT, UPSCALER_POOL, films_of
from engine.world.story import new_shots, new_story

FACTOR = 5  # 256 x 128 to 1280 x 640
CROP = 40  # native pixels


@dataclass(frozen=True)
class UpscalerOptions(StageOptions):
    minutes: float = 8.0
    batch: int = 12
    decay: float = 0.5
    warmup: int = 20
    films: int = 60


@torch.inference_mode()
def small_and_large(vae: AutoencoderKLQwenImage, films: Iterable[int]) -> tuple[Tensor, Tensor]:
    """(n, 3, 128, 256) reconstructions in [0, 1], and the same drawn large: (n, 3, 640, 1280) bytes."""
    small, large = [], []
    for story in map(new_story, films):
        for shot in new_shots(story, 3):
            frame = to_pixels(render(story, shot, 0.0)[None])
            small.append((decode_frames(vae, encode_frames(vae, frame)) + 1) / 2)
            large.append(torch.from_numpy(render(story, shot, 0.0, FACTOR)).permute(2, 0, 1))
    return torch.cat(small), torch.stack(large)


@torch.no_grad()
def gain(model: SuperResolution, small: Tensor, large: Tensor) -> tuple[float, float]:
    """PSNR in dB of the model and of bicubic interpolation against the large truth."""

    def psnr(y: Tensor, truth: Tensor) -> float:
        return float(-10 * torch.log10((y.clamp(0, 1) - truth).square().mean()))

    truth = large.float() / 255
    smooth = F.interpolate(small, scale_factor=FACTOR, mode="bicubic", align_corners=False)
    return psnr(torch.cat([model(x[None]) for x in small]), truth), psnr(smooth, truth)


def train_upscaler(folder: Path, vae: AutoencoderKLQwenImage, options: UpscalerOptions) -> Path:
    """Trains for a budget of minutes; resumes from `folder`/upscaler.safetensors."""
    torch.manual_seed(options.seed)
    path = folder / "upscaler.safetensors"
    model, progress = SuperResolution(FACTOR), Progress()
    if path.exists():
        progress = load_weights(path, {"upscaler": model})
    small, large = (t.clone() for t in small_and_large(vae, films_of(UPSCALER_POOL, options.films)))
    held_out = tuple(t.clone() for t in small_and_large(vae, FRAMES_HELD_OUT[: min(4, options.films)]))
    r = np.random.RandomState((options.seed + progress.samples) % 2**31)
    size = CROP * FACTOR

    def loss(_: float) -> Tensor:
        at = [
            (r.randint(len(small)), r.randint(HEIGHT - CROP + 1), r.randint(WIDTH - CROP + 1))
            for _ in range(options.batch)
        ]
        x = torch.stack([small[i, :, y : y + CROP, c : c + CROP] for i, y, c in at])
        truth = torch.stack(
            [large[i, :, y * FACTOR : y * FACTOR + size, c * FACTOR : c * FACTOR + size] for i, y, c in at]
        )
        return F.l1_loss(model(x), truth.float() / 255)

    trainee = Trainee(
        path,
        parameters=list(model.parameters()),
        solvers=[torch.optim.Adam(model.parameters(), lr=options.lr)],
        loss=loss,
        report=lambda: dict(zip(("PSNR, dB", "bicubic, dB"), gain(model, *held_out), strict=True)),
        save=lambda done: save_weights(path, {"upscaler": model}, done),
    )
    train(trainee, options, progress)
    return path
