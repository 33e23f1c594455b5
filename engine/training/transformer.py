"""Stage `pretrain`: the pair transformer learns to draw the world (STAGE, eq. 2-4, on structured captions).

One sequence [start | end | memory | context]; the loss is the flow-matching error of the pair's velocity. The
diffusers model predicts noise - data at sigma = 1 - t, the negative of the paper's v.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn

from engine.step2.latents import PATCH, pack, unpack
from engine.step2.velocity import velocity
from engine.training.data_parallel import Team, spawn_workers
from engine.training.flow_training import FlowOptions, train_flow
from engine.training.latents import Films
from engine.training.objectives import sft_loss
from engine.training.slots import CONTEXT_DIM, SlotEncoder
from engine.training.weights_file import check_start, load_or_begin

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


def frame_velocity(
    transformer: QwenImageTransformer2DModel, x: Tensor, memory: Tensor, context: Tensor, sigma: Tensor
) -> Tensor:
    """The model's noise - data: x (B, 2, C, H, W) noisy pairs, memory (B, C, H, W) clean -> like x."""
    _, F, _, H, W = x.shape
    h, w = H // PATCH, W // PATCH
    tokens = velocity(transformer, pack(x), pack(memory[:, None]), context, sigma, h, w)
    return unpack(tokens, F, h, w)


def flow_error(
    transformer: QwenImageTransformer2DModel,
    x: Tensor,
    memory: Tensor,
    context: Tensor,
    sigma: Tensor,
    noise: Tensor,
    pure_noise: Tensor | None = None,
) -> Tensor:
    """Velocity error of clean frames x noised to sigma (eq. 2 and 4), shaped like x.

    A frame that `pure_noise` (B, 2) names is nothing but noise, whatever sigma is: its partner is drawn
    alone.
    """
    s = sigma.view(-1, 1, 1, 1, 1)
    if pure_noise is not None:
        s = torch.where(pure_noise[:, :, None, None, None], 1.0, s)  # B 2 1 1 1
    noisy = (1 - s) * x + s * noise
    return frame_velocity(transformer, noisy, memory, context, sigma) - (noise - x)


def draw_sigma(batch: int) -> Tensor:
    """Noise levels of training: logit-normal, leaning to the noisy half where layout is decided."""
    return torch.sigmoid(torch.randn(batch) * 1.2 + 0.7)


def draw_high_sigma(batch: int, share: float = 0.6) -> Tensor:
    """The same, but a `share` of them is near pure noise: what there is nothing of in the picture yet, the
    conditions decide.
    """
    near = 1 - 0.2 * torch.rand(batch) ** 3
    return torch.where(torch.rand(batch) < share, near, draw_sigma(batch))


class SlotConditionedModel(nn.Module):
    """Slot encoder and transformer, trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = SlotEncoder()
        self.transformer = new_transformer()

    def parts(self) -> dict[str, nn.Module]:
        return {"slots": self.slots, "transformer": self.transformer}

    def error(self, x: Tensor, memory: Tensor, ids: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        return flow_error(self.transformer, x, memory, self.slots(ids), sigma, noise)


@torch.no_grad()
def held_out_error(model: SlotConditionedModel, films: Films, count: int = 24) -> dict[str, float]:
    """Flow loss on held-out shots; at sigma 0.9 with true and with empty memory: the early sign of memory."""
    g = torch.Generator().manual_seed(1)
    x, memory, ids, _ = films.batch(random.Random(5), count, text_dropout=0.0, memory_dropout=0.0, g=g)
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


def pretrain(folder: Path, encoder: str, options: FlowOptions, start: Path | None = None) -> Path:
    """Trains for a budget of minutes from `folder`/drawing.safetensors, from `start`, or from nothing, on the
    latents in `folder`, which must be of that encoder (`encoder_of`). Returns the weights file.
    """
    check_start(folder / "drawing.safetensors", start)
    spawn_workers(options.workers, _pretrain, folder, encoder, options, start)
    return folder / "drawing.safetensors"


def _pretrain(folder: Path, encoder: str, options: FlowOptions, start: Path | None, team: Team) -> None:
    path = folder / "drawing.safetensors"
    torch.manual_seed(options.seed)
    model = SlotConditionedModel()
    train, held_out = Films(folder / "latents", encoder), Films(folder / "held-out", encoder)
    progress = load_or_begin(path, model.parts(), start)
    progress.films = max(progress.films, len(train.seeds))

    def loss(r: random.Random) -> Tensor:
        x, memory, ids, weight = train.batch(r, options.batch // team.size)
        return sft_loss(model.error(x, memory, ids, draw_sigma(len(x)), torch.randn_like(x)), weight)

    def report(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, SlotConditionedModel)
        return held_out_error(average, held_out)

    train_flow(model, loss, report, path, progress, options, team, train.refresh)
