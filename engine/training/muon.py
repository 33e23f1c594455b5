"""Muon (Jordan et al., 2024): momentum, orthogonalised by Newton-Schulz, for matrices and kernels.

torch.optim.Muon takes matrices only and is newer than our floor; kernels are flattened to (out, in*k*k) here,
and of a causal 3-D kernel only the last temporal tap is trained: single frames never reach the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonalise(gradient: Tensor, steps: int) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: (m, n) -> (m, n), by a quintic Newton-Schulz iteration."""
    x = gradient / (gradient.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Updates are scaled to Adam's size (0.2 sqrt(max side)), so that both share one learning rate."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        steps: int = 3,
    ) -> None:
        super().__init__(
            list(params), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": steps}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                last_tap = p.grad.ndim == 5
                g, w = (p.grad[:, :, -1], p.data[:, :, -1]) if last_tap else (p.grad, p.data)
                m = self.state[p].setdefault("momentum", torch.zeros_like(g))
                m.mul_(group["momentum"]).add_(g)
                flat = (g + group["momentum"] * m).flatten(1)
                update = orthogonalise(flat, group["steps"]).view_as(g)
                if group["weight_decay"]:
                    w.mul_(1 - group["lr"] * group["weight_decay"])
                w.add_(update, alpha=-group["lr"] * 0.2 * max(flat.shape) ** 0.5)
        return loss


def muon_and_adam(
    model: nn.Module, lr: float, inner: Callable[[str, Tensor], bool], steps: int = 3
) -> list[torch.optim.Optimizer]:
    """Muon for the parameters that `inner(name, parameter)` picks (matrices, kernels), AdamW for the rest."""
    mine = [p for name, p in model.named_parameters() if inner(name, p)]
    own = {id(p) for p in mine}
    rest = [p for p in model.parameters() if id(p) not in own]
    adam = torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=1e-3, fused=True)
    return [adam, Muon(mine, lr=lr, weight_decay=0.01, steps=steps)]


def set_learning_rate(solvers: Iterable[torch.optim.Optimizer], lr: float) -> None:
    """One learning rate for all of them."""
    for solver in solvers:
        for group in solver.param_groups:
            group["lr"] = lr
