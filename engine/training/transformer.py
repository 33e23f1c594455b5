"""Stage `pretrain`: the pair transformer learns to draw the world (STAGE, eq. 2-4, on structured captions).

One sequence [start | end | memory | context]; the loss is the flow-matching error of the pair's velocity. The
diffusers model predicts noise - data at sigma = 1 - t, the negative of the paper's v.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers.models.transformers.transformer_qwenimage as qwenimage
import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn

from engine.step2.latents import PATCH, pack, unpack
from engine.step2.velocity import velocity as token_velocity
from engine.training.latents import Films
from engine.training.muon import muon_and_adam, set_rate
from engine.training.run import Budget, Every, Progress, follow, load_weights, save_weights
from engine.training.slots import CONTEXT_DIM, SlotEncoder

CHANNELS = 16
CONFIG: dict[str, Any] = {
    "patch_size": 2,
    "in_channels": 4 * CHANNELS,
    "out_channels": CHANNELS,
    "num_layers": 8,
    "attention_head_dim": 64,
    "num_attention_heads": 3,
    "joint_attention_dim": CONTEXT_DIM,
    "axes_dims_rope": (16, 24, 24),
}


@dataclass(frozen=True)
class PretrainOptions:
    """`freeze_slots` keeps the slot encoder, so that a context model distilled from it stays right."""

    minutes: float = 120.0
    batch: int = 24
    lr: float = 2.0e-3
    decay: float = 0.35
    threads: int = 2
    compile: bool = True
    freeze_slots: bool = False
    seed: int = 0


def new_transformer() -> QwenImageTransformer2DModel:
    """The mini transformer, untrained: modulation starts neutral with both gates half open."""
    model = QwenImageTransformer2DModel(**CONFIG)
    dim = CONFIG["attention_head_dim"] * CONFIG["num_attention_heads"]
    for block in model.transformer_blocks:
        for modulation in (block.img_mod[1], block.txt_mod[1]):
            nn.init.zeros_(modulation.weight)
            nn.init.zeros_(modulation.bias)
            modulation.bias.data[2 * dim : 3 * dim] = 0.5
            modulation.bias.data[5 * dim : 6 * dim] = 0.5
    for layer in (model.proj_out, model.norm_out.linear):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return model


def use_real_rotation() -> None:
    """Rotary embedding in real arithmetic, exactly the complex one, which TorchInductor cannot compile."""

    def rotate(x: Tensor, freqs: Tensor, use_real: bool = True, use_real_unbind_dim: int = -1) -> Tensor:
        cos, sin = freqs.real[None, :, None], freqs.imag[None, :, None]
        a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    qwenimage.apply_rotary_emb_qwen = rotate


def velocity(
    transformer: QwenImageTransformer2DModel, x: Tensor, memory: Tensor, context: Tensor, sigma: Tensor
) -> Tensor:
    """The model's noise - data: x (B, 2, C, H, W) noisy pairs, memory (B, C, H, W) clean -> like x."""
    _, F, _, H, W = x.shape
    h, w = H // PATCH, W // PATCH
    tokens = token_velocity(transformer, pack(x), pack(memory[:, None]), context, sigma, h, w)
    return unpack(tokens, F, h, w)


def flow_error(
    transformer: QwenImageTransformer2DModel,
    x: Tensor,
    memory: Tensor,
    context: Tensor,
    sigma: Tensor,
    noise: Tensor,
) -> Tensor:
    """Velocity error of clean frames x noised to sigma (eq. 2 and 4), shaped like x."""
    s = sigma.view(-1, 1, 1, 1, 1)
    noisy = (1 - s) * x + s * noise
    return velocity(transformer, noisy, memory, context, sigma) - (noise - x)


def draw_sigma(batch: int) -> Tensor:
    """Noise levels of training: logit-normal, leaning to the noisy half where layout is decided."""
    return torch.sigmoid(torch.randn(batch) * 1.2 + 0.5)


class Drawing(nn.Module):
    """Slot encoder and transformer, trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = SlotEncoder()
        self.transformer = new_transformer()

    def error(self, x: Tensor, memory: Tensor, ids: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        return flow_error(self.transformer, x, memory, self.slots(ids), sigma, noise)


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks, but not their modulations."""
    return p.ndim == 2 and ("transformer_blocks" in name or "slots.layer" in name) and "_mod" not in name


@torch.no_grad()
def held_out_error(model: Drawing, films: Films, count: int = 24) -> dict[str, float]:
    """Flow loss on held-out shots; at sigma 0.9 with true and with empty memory: the early sign of memory."""
    g = torch.Generator().manual_seed(1)
    x, memory, ids, _ = films.batch(random.Random(5), count, text_dropout=0.0, memory_dropout=0.0)
    noise = torch.randn(x.shape, generator=g)
    sigma = (torch.arange(count) + 0.5) / count

    def loss(memory: Tensor, sigma: Tensor) -> float:
        parts = [
            model.error(
                x[k : k + 24], memory[k : k + 24], ids[k : k + 24], sigma[k : k + 24], noise[k : k + 24]
            )
            for k in range(0, count, 24)
        ]
        return float(torch.cat(parts).square().mean())

    high = torch.full((count,), 0.9)
    return {
        "held-out": loss(memory, sigma),
        "sigma 0.9, memory": loss(memory, high),
        "sigma 0.9, no memory": loss(torch.zeros_like(memory), high),
    }


def pretrain(
    folder: Path, train: Films, held_out: Films, options: PretrainOptions, start: Path | None = None
) -> Path:
    """Trains for a budget of minutes from `folder`/drawing.safetensors, from `start`, or from nothing.

    Returns the weights file; it is written every few minutes, so a killed run loses little.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    path = folder / "drawing.safetensors"
    model, progress = Drawing(), Progress()
    if path.exists():
        progress = load_weights(path, {"slots": model.slots, "transformer": model.transformer})
    elif start is not None:
        progress = load_weights(start, {"slots": model.slots, "transformer": model.transformer})
    if options.freeze_slots:
        model.slots.requires_grad_(False)
    random_state = random.Random(options.seed + progress.samples)
    average = copy.deepcopy(model).eval()
    solvers = muon_and_adam(model, options.lr, _is_matrix)
    if options.compile:
        use_real_rotation()
        model.transformer.compile_repeated_blocks(dynamic=False)
    budget, log, save = Budget(options.minutes, options.decay), Every(240, first=60), Every(240)
    hours, losses = progress.cpu_hours, []
    while not budget.spent:
        set_rate(solvers, options.lr * budget.factor())
        x, memory, ids, weight = train.batch(random_state, options.batch)
        error = model.error(x, memory, ids, draw_sigma(len(x)), torch.randn_like(x)).square()
        loss = (error * weight).mean() / weight.mean()
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for solver in solvers:
            solver.step()
        progress.samples += len(x)
        progress.steps += 1
        progress.cpu_hours = hours + budget.fraction * options.minutes / 60 * options.threads
        follow(average, model, budget.steps)
        losses.append(float(error.detach().mean()))
        if log():
            rate = budget.steps * options.batch / (budget.fraction * budget.seconds)
            recent = sum(losses[-100:]) / len(losses[-100:])
            found = " ".join(f"{k} {v:.4f}" for k, v in held_out_error(average, held_out).items())
            print(
                f"{progress.samples} pairs, {rate:.1f}/s, {len(train)} films, loss {recent:.4f}, {found}",
                flush=True,
            )
            train.refresh()
        if save():
            save_weights(path, {"slots": average.slots, "transformer": average.transformer}, progress)
    save_weights(path, {"slots": average.slots, "transformer": average.transformer}, progress)
    return path
