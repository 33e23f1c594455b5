"""A few steps of eq. 5, as the stages that have a preferred and a dispreferred pair take them."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.training.dpo import PolicyAndReference
from engine.training.objectives import dpo_loss
from engine.training.shots import Batch, Shots

Conditions = tuple[Batch, Tensor, Tensor, Tensor, Tensor]


def conditions(model: PolicyAndReference, shots: Shots, batch: Batch, losers: Tensor) -> Conditions:
    """What the model is asked: context, noise levels and noise beside the pairs."""
    with torch.no_grad():
        context = model.reference.context(batch, shots.views)
    noise = torch.randn(losers.shape, generator=torch.Generator().manual_seed(0))
    return batch, losers, context, torch.linspace(0.3, 0.8, len(losers)), noise


def align(model: PolicyAndReference, asked: Conditions, beta: float, steps: int = 6) -> list[float]:
    """The losses of so many steps of Adam."""
    learning = [p for p in model.parameters() if p.requires_grad]
    solver, losses = torch.optim.Adam(learning, lr=1e-3), []
    for _ in range(steps):
        found, held, _ = model(*asked)
        loss = dpo_loss(found, held, beta)
        solver.zero_grad()
        loss.backward()
        solver.step()
        losses.append(float(loss.detach()))
    return losses
