"""The training loop of the pair transformer, shared by `pretrain` and `sft`."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers.models.transformers.transformer_qwenimage as qwenimage
import torch
from torch import Tensor, nn

from engine.training.data_parallel import Team
from engine.training.muon import muon_and_adam
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import Progress, save_weights


@dataclass(frozen=True)
class FlowOptions(StageOptions):
    """`compile` takes a minute or two and pays in a long run only."""

    minutes: float = 120.0
    decay: float = 0.5
    workers: int = 2
    compile: bool = True
    report_every: float = 240.0


def train_flow(
    model: nn.Module,
    loss: Callable[[random.Random], Tensor],
    report: Callable[[nn.Module], dict[str, float]],
    path: Path,
    progress: Progress,
    options: FlowOptions,
    team: Team,
    refresh: Callable[[], None] | None = None,
) -> None:
    """Trains `model`, whose child `transformer` does most of the work, for a budget of minutes.

    `loss` is that of one batch; `report` says how the model's moving average does. Its `parts()` are what is
    saved, every few minutes, so a killed run loses little; they are what the next run goes on from. `refresh`
    is a Trainee's.
    """
    torch.manual_seed(options.seed + progress.samples + team.rank)
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)
    average: Any = copy.deepcopy(model).eval()
    if options.compile:
        _use_real_rotation()
        model.get_submodule("transformer").compile_repeated_blocks(dynamic=False)  # type: ignore[operator]
    trainee = Trainee(
        path,
        parameters=list(model.parameters()),
        solvers=muon_and_adam(model, options.lr, _is_matrix, team=team),
        loss=lambda _: loss(r),
        report=lambda: report(average),
        save=lambda done: save_weights(path, average.parts(), done),
        stepped=lambda steps: update_ema(average, model, steps),
        refresh=refresh,
    )
    train(trainee, options, progress, team)


@torch.no_grad()
def update_ema(average: nn.Module, model: nn.Module, steps: int, limit: float = 0.997) -> None:
    """Exponential moving average of the weights, warming up over the first steps."""
    keep = min(limit, (steps + 1) / (steps + 20))
    targets: list[Tensor] = list(average.parameters())
    torch._foreach_lerp_(targets, [p.detach() for p in model.parameters()], 1 - keep)


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks, but not their modulations."""
    inside = ("transformer_blocks", "slots.layer", ".layers.")
    return p.ndim == 2 and any(part in name for part in inside) and "_mod" not in name


def _use_real_rotation() -> None:
    """Rotary embedding in real arithmetic, exactly the complex one, which TorchInductor cannot compile."""

    def rotate(x: Tensor, freqs: Tensor, use_real: bool = True, use_real_unbind_dim: int = -1) -> Tensor:
        cos, sin = freqs.real[None, :, None], freqs.imag[None, :, None]
        a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    module: Any = qwenimage
    module.apply_rotary_emb_qwen = rotate
