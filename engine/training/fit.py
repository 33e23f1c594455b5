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

from engine.training.muon import muon_and_adam, set_rate
from engine.training.run import Budget, Every, Progress, follow, save_weights


@dataclass(frozen=True)
class FitOptions:
    """`decay`: the last part of the budget, over which the learning rate falls."""

    minutes: float = 120.0
    batch: int = 24
    lr: float = 2.0e-3
    decay: float = 0.35
    threads: int = 2
    compile: bool = True
    seed: int = 0


def fit(
    model: nn.Module,
    batch: Callable[[random.Random], tuple[Tensor, Tensor]],
    report: Callable[[nn.Module], str],
    path: Path,
    progress: Progress,
    options: FitOptions,
) -> None:
    """Trains `model`, whose child `transformer` does most of the work, for a budget of minutes.

    `batch` gives squared errors of `model` and their weights; `report` says how its moving average does. The
    average's children are what is saved, every few minutes, so a killed run loses little.
    """
    torch.set_num_threads(options.threads)
    random_state = random.Random(options.seed + progress.samples)
    average = copy.deepcopy(model).eval()
    solvers = muon_and_adam(model, options.lr, _is_matrix)
    if options.compile:
        _use_real_rotation()
        model.get_submodule("transformer").compile_repeated_blocks(dynamic=False)  # type: ignore[operator]
    budget, log, save = Budget(options.minutes, options.decay), Every(240, first=60), Every(240)
    hours, losses = progress.cpu_hours, []
    while not budget.spent:
        set_rate(solvers, options.lr * budget.factor())
        error, weight = batch(random_state)
        loss = (error * weight).mean() / weight.mean()
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for solver in solvers:
            solver.step()
        progress.samples += len(error)
        progress.steps += 1
        progress.cpu_hours = hours + budget.cpu_hours
        follow(average, model, budget.steps)
        losses.append(float(error.detach().mean()))
        if log():
            rate = budget.steps * options.batch / (budget.fraction * budget.seconds)
            recent = sum(losses[-100:]) / len(losses[-100:])
            print(f"{progress.samples} pairs, {rate:.1f}/s, loss {recent:.4f}, {report(average)}", flush=True)
        if save():
            save_weights(path, dict(average.named_children()), progress)
    save_weights(path, dict(average.named_children()), progress)


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks, but not their modulations."""
    return p.ndim == 2 and ("transformer_blocks" in name or "slots.layer" in name) and "_mod" not in name


def _use_real_rotation() -> None:
    """Rotary embedding in real arithmetic, exactly the complex one, which TorchInductor cannot compile."""

    def rotate(x: Tensor, freqs: Tensor, use_real: bool = True, use_real_unbind_dim: int = -1) -> Tensor:
        cos, sin = freqs.real[None, :, None], freqs.imag[None, :, None]
        a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    module: Any = qwenimage
    module.apply_rotary_emb_qwen = rotate
