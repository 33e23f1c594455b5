"""Dual encoding (STAGE, eq. 2): frames <-> latents <-> one token sequence.

Shapes: B batch, F frames, C latent channels (16), H x W latent grid, h = H/2 and w = W/2 packed tokens.

    sequence = [F^S tokens | F^E tokens | M tokens],  each h*w tokens of 4C numbers

Each of the three has its own entry (1, h, w) in `img_shapes`, so that RoPE gives them the frame indices 0, 1,
2. A single (2, h, w) entry would span the indices 0 and 1 and the memory after it would collide with the end
frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler
from torch import Tensor

PATCH = 2  # a packed token covers 2x2 latent cells
PAIR = 2  # F^S and F^E
ImgShapes = list[list[tuple[int, int, int]]]


def pack(frames: Tensor) -> Tensor:
    """Frames as one token sequence: (B, F, C, H, W) -> (B, F*h*w, 4C), frame after frame, row-major."""
    B, F, C, H, W = frames.shape
    x = frames.reshape(B, F, C, H // PATCH, PATCH, W // PATCH, PATCH)  # B F C h 2 w 2
    x = x.permute(0, 1, 3, 5, 2, 4, 6)  # B F h w C 2 2
    return x.reshape(B, F * (H // PATCH) * (W // PATCH), C * PATCH * PATCH)


def unpack(tokens: Tensor, frames: int, h: int, w: int) -> Tensor:
    """The inverse of `pack`: (B, F*h*w, 4C) -> (B, F, C, 2h, 2w)."""
    B, _, D = tokens.shape
    x = tokens.reshape(B, frames, h, w, D // PATCH**2, PATCH, PATCH)  # B F h w C 2 2
    x = x.permute(0, 1, 4, 2, 5, 3, 6)  # B F C h 2 w 2
    return x.reshape(B, frames, D // PATCH**2, h * PATCH, w * PATCH)


def img_shapes(batch: int, h: int, w: int, frames: int = PAIR + 1) -> ImgShapes:
    """One (1, h, w) entry a frame. RoPE reads the first row only, so a batch has one layout."""
    return [[(1, h, w)] * frames for _ in range(batch)]


def scale_factor(vae: AutoencoderKLQwenImage) -> int:
    """Pixels per latent cell along one axis (8 for Qwen-Image)."""
    return int(2 ** len(vae.temperal_downsample))


def packed_size(vae: AutoencoderKLQwenImage, width: int, height: int) -> tuple[int, int]:
    """(h, w): the packed tokens of a frame of `width` x `height` pixels, which are multiples of the cell."""
    cell = scale_factor(vae) * PATCH
    if width % cell or height % cell or width <= 0 or height <= 0:
        raise ValueError(f"width and height must be multiples of {cell}, not {width} x {height}")
    return height // cell, width // cell


def _moments(vae: AutoencoderKLQwenImage, like: Tensor) -> tuple[Tensor, Tensor]:
    """Per-channel latent mean and deviation, (1, C, 1, 1) each, on the device and dtype of `like`."""
    mean = torch.tensor(vae.config.latents_mean, dtype=like.dtype, device=like.device)
    std = torch.tensor(vae.config.latents_std, dtype=like.dtype, device=like.device)
    return mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)


def encode_frames(vae: AutoencoderKLQwenImage, pixels: Tensor) -> Tensor:
    """Single frames -> normalised latents: (B, 3, 8H, 8W) in [-1, 1] -> (B, C, H, W).

    The VAE is 5-D; each frame is a clip of length one, so start and end are never compressed together in
    time. The mode of the posterior is taken, then (z - mean) / std.
    """
    z = vae.encode(pixels.unsqueeze(2)).latent_dist.mode()[:, :, 0]  # B C H W
    mean, std = _moments(vae, z)
    return (z - mean) / std


def decode_frames(vae: AutoencoderKLQwenImage, latents: Tensor) -> Tensor:
    """Normalised latents -> single frames: (B, C, H, W) -> (B, 3, 8H, 8W) in [-1, 1]."""
    mean, std = _moments(vae, latents)
    z = latents * std + mean
    return vae.decode(z.unsqueeze(2), return_dict=False)[0][:, :, 0].clamp(-1, 1)


def to_pixels(frames: np.ndarray) -> Tensor:
    """8-bit frames -> pixels: uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in [-1, 1]."""
    return torch.tensor(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_bytes(pixels: Tensor) -> np.ndarray:
    """Pixels -> 8-bit frames: (B, 3, H, W) in [-1, 1] -> uint8 (B, H, W, 3)."""
    x = (pixels.float().clamp(-1, 1) + 1) * 127.5
    return x.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def shift_mu(config: Any, h: int, w: int) -> float:
    """The dynamic shift mu of a frame of h*w packed tokens (linear in the tokens, as in diffusers).

    It is computed from ONE frame, in training and in sampling: the pair has twice the tokens, and at 1328 x
    1328 taking both would push e^mu from 2.30 to 3.26.
    """
    base, top = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    return float(low + (high - low) * (h * w - base) / (top - base))


def set_schedule(
    scheduler: FlowMatchEulerDiscreteScheduler, steps: int, h: int, w: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Sets the scheduler's `steps` sigmas from 1 down to 0 for frames of h*w tokens; returns the timesteps
    (steps,).
    """
    sigmas = np.linspace(1.0, 1.0 / steps, steps)
    mu = shift_mu(scheduler.config, h, w) if scheduler.config.use_dynamic_shifting else None
    with np.errstate(invalid="ignore"):  # stretching one step to `shift_terminal` divides zero by zero
        scheduler.set_timesteps(sigmas=sigmas, device=device, mu=mu)
    if steps == 1:  # from noise to data at once, whatever the shift
        scheduler.sigmas = torch.tensor([1.0, 0.0], device=scheduler.sigmas.device)
        scheduler.timesteps = scheduler.sigmas[:1] * scheduler.config.num_train_timesteps
    return scheduler.timesteps


def advance(
    scheduler: FlowMatchEulerDiscreteScheduler,
    x: Tensor,
    v: Tensor,
    i: int,
    eta: float,
    fresh: Callable[[], Tensor],
) -> Tensor:
    """x at the noise level after step i, like x: Euler's step along v = noise - data, with a part `eta` of
    its noise drawn anew (`fresh()`, like x).

        x' = (1 - s') (x - s v) + s' (sqrt(1 - eta^2) (x + (1 - s) v) + eta z)

    It is DDIM's eta (Song et al. 2021, eq. 12) on straight paths: 0 is Euler's step, 1 is what diffusers
    calls `stochastic_sampling`. What was drawn half-way between two things is covered by the new noise and
    drawn again, where Euler's step would carry it on.
    """
    s, following = scheduler.sigmas[i].to(x.device), scheduler.sigmas[i + 1].to(x.device)
    after: Tensor = scheduler.step(v, scheduler.timesteps[i], x, return_dict=False)[0]
    if eta == 0.0 or i + 1 == len(scheduler.timesteps):  # the last step leaves no noise
        return after
    noise = x + (1 - s) * v
    return after + following * ((math.sqrt(1 - eta**2) - 1) * noise + eta * fresh())


def shift_sigma(sigma: Tensor, mu: float) -> Tensor:
    """Uniform sigma in [0, 1] -> shifted sigma, e^mu s / (1 + (e^mu - 1) s): the exponential dynamic shift.

    Sampling walks along it, and LoRA training on real weights draws its noise levels through it; the mini
    checkpoint is trained on unshifted logit-normal levels (`engine.training.transformer.draw_sigma`).
    """
    k = math.exp(mu)
    return k * sigma / (1 + (k - 1) * sigma)


def tiling(vae: AutoencoderKLQwenImage) -> str:
    """How a VAE cuts frames into tiles, which changes what comes out; empty where it takes them whole."""
    if not vae.use_tiling:
        return ""
    sizes = (
        f"{getattr(vae, f'tile_sample_{which}_height')}x{getattr(vae, f'tile_sample_{which}_width')}"
        for which in ("min", "stride")
    )
    return f" tiles {' every '.join(sizes)}"
