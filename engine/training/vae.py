"""Stage `vae`: the mini autoencoder, an AutoencoderKLQwenImage for single frames, on crops of the world.

It compresses 16 times into 16 channels and never in time. The stock initialisation spreads its variance over
three temporal taps of which a single frame meets one; a variance-preserving one learns several times faster.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLQwenImage
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import QwenImageCausalConv3d
from torch import Tensor, nn

from engine.step2.latents import to_pixels
from engine.step2.single_frame import enable_single_frame
from engine.training.data_parallel import Team, spawn_workers
from engine.training.muon import muon_and_adam
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import check_start, load_or_begin, save_weights
from engine.world.camera import HEIGHT, WIDTH
from engine.world.render import figure_boxes, render
from engine.world.splits import FRAMES_HELD_OUT, TRAIN, VAE_POOL, films_of
from engine.world.story import new_shots, new_story

CONFIG: dict[str, Any] = {
    "base_dim": 8,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 8, 16],
    "num_res_blocks": 1,
    "temperal_downsample": [False] * 4,
}
CHANNELS: int = CONFIG["z_dim"]
CROP = 96  # pixels


@dataclass(frozen=True)
class VaeOptions(StageOptions):
    """`polish`: the last part of the budget trains the decoder alone, on latents that are final; 1 leaves the
    encoder as it is, so that latents which were encoded before stay good.
    """

    minutes: float = 90.0
    batch: int = 32
    lr: float = 3e-3
    decay: float = 0.7
    polish: float = 0.25
    kl: float = 1e-3
    pool: int = 1600  # films whose frames are cropped
    workers: int = 2


def new_vae() -> AutoencoderKLQwenImage:
    """The mini VAE, untrained, with statistics still to be measured."""
    vae = AutoencoderKLQwenImage(latents_mean=[0.0] * CHANNELS, latents_std=[1.0] * CHANNELS, **CONFIG)
    _initialise(vae)
    return vae


@torch.no_grad()
def _initialise(vae: AutoencoderKLQwenImage) -> None:
    for name, module in vae.named_modules():
        if isinstance(module, QwenImageCausalConv3d):
            w = module.weight
            fan = w.shape[1] * w.shape[3] * w.shape[4]
            w.zero_()
            w[:, :, -1].normal_(0, (0.5 if name.endswith("conv2") else 1.0) / fan**0.5)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            w, out = module.weight, module.weight.shape[0]
            fan, i = w[0].numel(), torch.arange(out)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if name.endswith("proj"):
                w.zero_()
            elif w.shape[2] == 3 and w.shape[1] == out:  # downsampling starts near half an average
                w.normal_(0, 0.5 / fan**0.5)
                w[i, i, 0:2, 0:2] += 0.22
            elif w.shape[2] == 3:  # upsampling from 2c to c channels starts near a mean of two
                w.normal_(0, 0.5 / fan**0.5)
                w[i, i, 1, 1] += 0.6
                w[i, i + out, 1, 1] += 0.6
            else:
                w.normal_(0, 1 / fan**0.5)


def moments(vae: AutoencoderKLQwenImage, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of the posterior: (B, 3, H, W) -> two of (B, C, H/16, W/16)."""
    mean, log_variance = vae.quant_conv(vae.encoder(x.unsqueeze(2)))[:, :, 0].chunk(2, 1)
    return mean, log_variance.clamp(-10, 4)


def decode(vae: AutoencoderKLQwenImage, z: Tensor) -> Tensor:
    """Raw latents (B, C, h, w) -> (B, 3, 16h, 16w), not clamped."""
    return vae.decoder(vae.post_quant_conv(z.unsqueeze(2)))[:, :, 0]


class Crops:
    """Square crops of rendered frames; more than half of them around a head."""

    def __init__(self, films: range) -> None:
        self.frames: list[np.ndarray] = []
        self.boxes: list[list[tuple[float, float, float, float]]] = []
        for film in films:
            story, r = new_story(film), random.Random(film)
            for shot in new_shots(story, 4):
                for t in (r.random(), float(r.random() < 0.5)):
                    self.frames.append(render(story, shot, t))
                    self.boxes.append(figure_boxes(story, shot, t))

    def batch(self, r: np.random.RandomState, size: int) -> Tensor:
        """(B, 3, 96, 96) in [-1, 1]."""
        return to_pixels(np.stack([self._crop(r) for _ in range(size)]))

    def _crop(self, r: np.random.RandomState) -> np.ndarray:
        i = r.randint(len(self.frames))
        y, x = r.randint(HEIGHT - CROP + 1), r.randint(WIDTH - CROP + 1)
        if self.boxes[i] and r.rand() < 0.55:
            x0, y0, x1, y1 = self.boxes[i][r.randint(len(self.boxes[i]))]
            cx, cy = (x0 + x1) / 2 + r.randn() * 14, y0 + (y1 - y0) * 0.4 + r.randn() * 14
            y = int(np.clip(cy - CROP / 2, 0, HEIGHT - CROP))
            x = int(np.clip(cx - CROP / 2, 0, WIDTH - CROP))
        return self.frames[i][y : y + CROP, x : x + CROP]


def held_out_frames(films: int = 12) -> np.ndarray:
    """Start and end frames of held-out films, (8 * films, 128, 256, 3)."""
    return np.stack(
        [
            render(story, shot, t)
            for story in map(new_story, FRAMES_HELD_OUT[:films])
            for shot in new_shots(story, 4)
            for t in (0, 1)
        ]
    )


@torch.no_grad()
def psnr(vae: AutoencoderKLQwenImage, frames: np.ndarray) -> float:
    """Mean over frames of 10 log10(peak^2 / squared error), dB, of reconstructions from the mode."""
    values = []
    for k in range(0, len(frames), 8):
        x = to_pixels(frames[k : k + 8])
        y = decode(vae, moments(vae, x)[0]).clamp(-1, 1)
        values.append(10 * torch.log10(4 / (y - x).square().mean((1, 2, 3))))
    return float(torch.cat(values).mean())


def reconstruction_loss(y: Tensor, x: Tensor) -> Tensor:
    """Values, their edges, and their averages over 4x4 pixels: crisp shapes of the right colour."""
    d = y - x
    edges = d.diff(dim=-1).abs().mean() + d.diff(dim=-2).abs().mean()
    return d.abs().mean() + d.square().mean() + 0.5 * edges + 0.5 * F.avg_pool2d(d, 4).abs().mean()


def train_vae(folder: Path, options: VaeOptions, start: Path | None = None) -> Path:
    """Trains for a budget of minutes from `folder`/vae.safetensors, from `start`, or from nothing."""
    check_start(folder / "vae.safetensors", start)
    spawn_workers(options.workers, train_vae_in_team, folder, options, start)
    return folder / "vae.safetensors"


def train_vae_in_team(folder: Path, options: VaeOptions, start: Path | None, team: Team) -> None:
    """As `train_vae`, one process among those of a team."""
    torch.manual_seed(options.seed + team.rank)
    path = folder / "vae.safetensors"
    vae = new_vae()
    progress = load_or_begin(path, {"vae": vae}, start)
    enable_single_frame(vae)
    pool = max(1, options.pool // team.size)  # each worker crops frames of its own
    crops = Crops(films_of(VAE_POOL, pool, team.rank * pool))
    frames = held_out_frames(min(12, options.pool))
    r = np.random.RandomState((options.seed + progress.samples + team.rank) % 2**31)

    def loss(spent: float) -> Tensor:
        x = crops.batch(r, options.batch // team.size)
        # Not even weight decay, which follows a gradient of zero, may move what makes latents that are final.
        for part in (vae.encoder, vae.quant_conv):
            part.requires_grad_(spent < 1 - options.polish)
        z, kl = _latents(vae, x)
        return reconstruction_loss(decode(vae, z), x) + options.kl * kl

    trainee = Trainee(
        path,
        parameters=list(vae.parameters()),
        solvers=muon_and_adam(vae, options.lr, _is_kernel, steps=4, team=team),
        loss=loss,
        report=lambda: {"PSNR, dB": psnr(vae, frames)},
        save=lambda done: save_weights(path, {"vae": vae}, done),
    )
    train(trainee, options, progress, team)


def _latents(vae: AutoencoderKLQwenImage, x: Tensor) -> tuple[Tensor, Tensor]:
    """One sampled latent of a batch and its KL to the unit normal."""
    mean, log_variance = moments(vae, x)
    z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return z, kl


def _is_kernel(name: str, p: Tensor) -> bool:
    """The kernels between channels; not those that meet the picture, the latent or time."""
    return p.ndim >= 4 and min(p.shape[:2]) > 3 and "quant" not in name and "time_conv" not in name


@torch.no_grad()
def latent_statistics(vae: AutoencoderKLQwenImage, films: int = 24) -> tuple[list[float], list[float]]:
    """Per-channel mean and deviation of the posterior's mode over frames of training films."""
    z = torch.cat(
        [
            moments(
                vae, to_pixels(np.stack([render(story, s, t) for s in new_shots(story) for t in (0, 1)]))
            )[0]
            for story in map(new_story, TRAIN[:films])
        ]
    )
    return z.mean((0, 2, 3)).tolist(), z.std((0, 2, 3)).tolist()
